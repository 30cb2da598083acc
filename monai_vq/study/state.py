"""What is there of a run: all of it, a part that can go on, or nothing that counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from monai_vq.data import read_splits
from monai_vq.engines.knobs import KNOBS, check_value
from monai_vq.engines.run_folder import RECORD
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import LAST, read_checkpoint
from monai_vq.study.plan import Run

# Knobs that may differ between a run and the plan: they say where and how to run, not what comes out of it.
_FREE = {"dataset_dir", "output_dir", "resume", "num_workers", "max_minutes", "device"}


class RunState(Enum):
    """How far a run is."""

    COMPLETE = "complete"
    STARTED = "started"  # has a checkpoint to go on from
    BROKEN = "broken"  # was killed before its first checkpoint: nothing to keep
    ABSENT = "absent"  # nothing is there, or a run of other settings, which its bundle keeps under another name


def state_of(run: Run) -> RunState:
    """Returns the state of a run; one of other settings, bundles or another split counts as absent."""
    has_checkpoint = (run.run_dir / "checkpoints" / LAST).is_file()
    if not all((run.run_dir / name).is_file() for name in RECORD):
        return RunState.BROKEN if run.run_dir.exists() and not has_checkpoint else RunState.ABSENT
    if not is_same(run, json.loads((run.run_dir / "config.json").read_text(encoding="utf-8"))):
        return RunState.ABSENT
    if run.fingerprint_path.is_file() and run.fingerprint_path.read_text(encoding="utf-8") != run.fingerprint():
        return RunState.ABSENT
    if not has_checkpoint:
        return RunState.BROKEN
    if not _is_same_split(run.run_dir / "checkpoints" / LAST, run.dataset_dir):
        return RunState.ABSENT
    report = run.run_dir / "report"  # the page is written last
    complete = (report / "ssim_patients.csv").is_file() and (report / "index.html").is_file()
    return RunState.COMPLETE if complete else RunState.STARTED


def is_same(run: Run, config: Mapping[str, Any]) -> bool:
    """Whether a run's ``config.json`` has the knobs and the network that its bundle and settings now give."""
    expected = planned_config(run)
    return all(_is_equal(expected[name], config.get(name)) for name in expected)


def planned_config(run: Run) -> dict[str, Any]:
    """Returns the knobs and the network of a run as ``config.json`` will have them."""
    config = json.loads(run.bundle.read_text(encoding="utf-8"))
    for name, value in {**run.settings, "seed": run.seed}.items():
        _set(config, name, value)
    kept = {name: value for name, value in config.items() if name in KNOBS and name not in _FREE}
    checked = {name: check_value(name, value) for name, value in kept.items()}
    return json.loads(json.dumps(checked | {"network_def": config["network_def"]}))  # as a file has it: no tuples


def _set(config: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.split("#")
    for part in path:
        config = config[part]
    config[last] = value


def _is_equal(expected: Any, found: Any) -> bool:
    if isinstance(expected, str) and expected.startswith(("$", "%")):  # its value is known only to the run
        return True
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return expected.keys() == found.keys() and all(_is_equal(expected[key], found[key]) for key in expected)
    return bool(expected == found)


def _is_same_split(checkpoint: Path, dataset_dir: Path) -> bool:
    try:
        return read_checkpoint(checkpoint)["record"].get("split_sha256") == read_splits(dataset_dir).sha256
    except InputError:  # a checkpoint that cannot be read is none
        return False
