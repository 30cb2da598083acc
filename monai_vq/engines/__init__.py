"""Engines: what drives a run from its bundle, around MONAI's trainer and evaluator."""

from monai_vq.engines.batches import place, prepare_batch
from monai_vq.engines.checks import check_data, check_network, check_settings, or_exit
from monai_vq.engines.knobs import check_knobs
from monai_vq.engines.latents.batches import PrepareLatents, latent_tensors
from monai_vq.engines.latents.stage1 import Stage1, check_split, on_device, open_stage1, read_stage1
from monai_vq.engines.load_run import load_run
from monai_vq.engines.precision import AutocastInferer, default_precision
from monai_vq.engines.priors.checks import check_prior, default_gain_bits, settle
from monai_vq.engines.priors.condition_fields import embed_conditions
from monai_vq.engines.priors.data import PriorData
from monai_vq.engines.priors.load import PriorRun, load_prior, open_prior
from monai_vq.engines.priors.loss import PriorLoss, step_bits
from monai_vq.engines.priors.report import PriorReport
from monai_vq.engines.report_run import RunReport
from monai_vq.engines.run_folder import data_origin, start_run
from monai_vq.engines.samples.run import SampleRun, check_device_or_exit, check_sampling
from monai_vq.engines.scoring import make_baselines, score_split
from monai_vq.engines.seeding import seed_everything
from monai_vq.engines.training import step_losses, train

__all__ = [
    "AutocastInferer",
    "PrepareLatents",
    "PriorData",
    "PriorLoss",
    "PriorReport",
    "PriorRun",
    "RunReport",
    "SampleRun",
    "Stage1",
    "check_data",
    "check_device_or_exit",
    "check_knobs",
    "check_network",
    "check_prior",
    "check_sampling",
    "check_settings",
    "check_split",
    "data_origin",
    "default_gain_bits",
    "default_precision",
    "embed_conditions",
    "latent_tensors",
    "load_prior",
    "load_run",
    "make_baselines",
    "on_device",
    "open_prior",
    "open_stage1",
    "or_exit",
    "place",
    "prepare_batch",
    "read_stage1",
    "score_split",
    "seed_everything",
    "settle",
    "start_run",
    "step_bits",
    "step_losses",
    "train",
]
