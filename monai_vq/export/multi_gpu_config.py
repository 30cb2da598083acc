"""`configs/multi_gpu_train.json`: what differs from train.json where torchrun starts several processes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

_OTHERS = "$multi_gpu.rank() > 0"
_FIRST_ONLY = {  # handlers that write or print, and those whose only readers do
    "TensorBoardStatsHandler",
    "monai_vq.handlers.ContinuousShare",
    "monai_vq.handlers.GainLog",
    "monai_vq.handlers.History",
    "monai_vq.handlers.ReconstructionGrid",
    "monai_vq.handlers.TrainingProgress",
}
_IMPORT = "$import monai_vq.engines.multi_gpu as multi_gpu"
_CHECK, _START = "check_settings", "start_run"


def multi_gpu_config(train: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the overlay, of a flattened config that trains in one process.

    Args:
        train: of ``configs/train.json``.
    """
    return {
        "+imports": [_IMPORT],
        "device": "$multi_gpu.device()",
        "max_minutes": None,  # processes have no clock in common
        "summary_writer": train["summary_writer"] | {"_disabled_": _OTHERS},
        "train#sampler#num_replicas": "$multi_gpu.world_size()",
        "train#sampler#rank": "$multi_gpu.rank()",
        "train#trainer#network": "$multi_gpu.distribute(@network, @device)",
        "train#handlers": _first_only(train["train"]["handlers"]),
        "validate#handlers": _first_only(train["validate"]["handlers"]),
        "initialize": [_connected(step) for step in train["initialize"]],
        "run": [train["run"][0], "$multi_gpu.finish(@report.run)"],
    }


def one_process(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the flattened config of a run, without the overlay if several processes trained it.

    Its device is the overlay's still: no config says which one another machine has.
    """
    if _IMPORT not in config["imports"]:
        return dict(config)
    train, validate = dict(config["train"]), dict(config["validate"])
    train |= {
        "sampler": train["sampler"] | {"num_replicas": 1, "rank": 0},
        "trainer": train["trainer"] | {"network": "@network"},
        "handlers": _everywhere(train["handlers"]),
    }
    return dict(config) | {
        "imports": [line for line in config["imports"] if line != _IMPORT],
        "summary_writer": _everywhere([config["summary_writer"]])[0],
        "train": train,
        "validate": validate | {"handlers": _everywhere(validate["handlers"])},
        "initialize": [step.replace("$multi_gpu.", "$engines.") for step in config["initialize"]],
        "run": [config["run"][0], "$engines.or_exit(@report.run)", *config["run"][2:]],
    }


def _everywhere(handlers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in one.items() if name != "_disabled_"} for one in handlers]


def _first_only(handlers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The handlers, of which one process alone has those that write."""
    return [deepcopy(one) | ({"_disabled_": _OTHERS} if _writes(one) else {}) for one in handlers]


def _writes(handler: Mapping[str, Any]) -> bool:
    return handler["_target_"] in _FIRST_ONLY or handler.get("handler") == "@checkpoints"


def _connected(step: str) -> str:
    """A step of ``initialize``, by all processes together where it needs that."""
    for name in (_CHECK, _START):
        step = step.replace(f"$engines.{name}(", f"$multi_gpu.{name}(")
    return step
