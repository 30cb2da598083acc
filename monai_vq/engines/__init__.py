"""Engines: what drives a run from its bundle, around MONAI's trainer and evaluator."""

from monai_vq.engines.batches import place, prepare_batch
from monai_vq.engines.checks import check_data, check_network, check_settings, or_exit
from monai_vq.engines.knobs import check_knobs
from monai_vq.engines.load_run import load_run
from monai_vq.engines.precision import AutocastInferer, default_precision
from monai_vq.engines.report_run import RunReport
from monai_vq.engines.run_folder import data_origin, start_run
from monai_vq.engines.scoring import make_baselines, score_split
from monai_vq.engines.seeding import seed_everything
from monai_vq.engines.training import step_losses, train

__all__ = [
    "AutocastInferer",
    "RunReport",
    "check_data",
    "check_knobs",
    "check_network",
    "check_settings",
    "data_origin",
    "default_precision",
    "load_run",
    "make_baselines",
    "or_exit",
    "place",
    "prepare_batch",
    "score_split",
    "seed_everything",
    "start_run",
    "step_losses",
    "train",
]
