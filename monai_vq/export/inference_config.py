"""`configs/inference.json` of a handed-on model: a prepared dataset's split through the model, scored and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_vq.engines.load_run import NETWORK, network_settings
from monai_vq.export.reconstructor import reconstructor_config
from monai_vq.export.train_config import BUNDLE_ROOT, DATASET_DIR, DEVICE, IMPORT, refuse_personal_paths

_CHECK = "$engines.check_data(@dataset_dir, @image_size, @in_channels, @spacing, @device, @precision, [@split])"


def inference_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a config with the keys that the Model Zoo asks for, of a run's flattened config.

    Raises:
        InputError: if a value is a path of the machine that it was trained on.
    """
    shared = {name: config[name] for name in ("image_size", "spacing", "in_channels", "batch_size", "num_workers")}
    own = {
        "imports": [IMPORT, "$import monai_vq.engines as engines", "$import monai_vq.data as data"],
        "bundle_root": BUNDLE_ROOT,
        "dataset_dir": DATASET_DIR,
        "output_dir": "$@bundle_root + '/eval'",
        "split": "test",
        "device": DEVICE,
        "precision": config["precision"],
        **shared,
        **network_settings(dict(config)),
        NETWORK: reconstructor_config(config[NETWORK]),
        **_parts(config),
        "initialize": ["$engines.check_settings()", _CHECK],
        "run": ["$@evaluator.run()"],
    }
    refuse_personal_paths(own)
    return own


def _parts(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "network": "$engines.place(@network_def, @device)",
        "inferer": {"_target_": "monai_vq.engines.AutocastInferer", "precision": "@precision"},
        "preprocessing": config["preprocessing"],
        "dataset": {
            "_target_": "Dataset",
            "data": "$data.slice_items(@dataset_dir, @split, @image_size, @spacing)",
            "transform": "@preprocessing",
        },
        "dataloader": {
            "_target_": "DataLoader",
            "dataset": "@dataset",
            "batch_size": "@batch_size",
            "num_workers": "@num_workers",
        },
        "key_metric": {"ssim": {"_target_": "monai_vq.export.ReconstructorScores"}},
        "handlers": [
            {
                "_target_": "CheckpointLoader",
                "load_path": "$@bundle_root + '/models/model.pt'",
                "load_dict": {"model": "@network"},
                "map_location": "@device",
            },
            {
                "_target_": "monai_vq.export.ReconstructionFiles",
                "output_dir": "@output_dir",
                "scores": "@key_metric#ssim",
            },
        ],
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "prepare_batch": "$engines.prepare_batch",
            "key_val_metric": "@key_metric",
            "val_handlers": "@handlers",
            "decollate": False,
        },
    }
