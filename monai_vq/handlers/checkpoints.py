"""The best and the last checkpoint of a run: tensors and plain values only, never half-written."""

from __future__ import annotations

import pickle
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer
from torch import nn

from monai_vq.atomic import atomic_path
from monai_vq.errors import InputError

BEST, LAST = "best.pt", "last.pt"


class RunCheckpoints:
    """Writes ``last.pt`` after each epoch and ``best.pt`` after each best validation.

    MONAI's ``CheckpointSaver`` writes in place and deletes the old file first; a killed run would keep neither. Attach
    it to the trainer behind the ``ValidationHandler``, so that an epoch's validation is done before it is saved.

    Args:
        checkpoint_dir: folder, made if absent.
        network: saved in both files under ``network``.
        resumable: what else ``last.pt`` needs for going on: objects with ``state_dict`` and ``load_state_dict``.
        evaluator: its best metric and epoch decide about ``best.pt``, and go into the checkpoints.
        record: plain values that say where the checkpoint comes from, such as the split's hash.
    """

    def __init__(
        self,
        checkpoint_dir: str | Path,
        network: nn.Module,
        resumable: Mapping[str, Any],
        evaluator: Engine,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.checkpoint_dir = Path(checkpoint_dir)
        self.network, self.resumable, self.evaluator = network, dict(resumable), evaluator
        self.record = dict(record or {})
        self._best_seen: float | None = None
        self._scaler_state: dict[str, Any] | None = None

    def attach(self, engine: SupervisedTrainer) -> None:
        """Follows a trainer."""
        engine.add_event_handler(Events.STARTED, self._restore_loss_scale)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)
        engine.add_event_handler(Events.TERMINATE, self.save)

    def save(self, engine: SupervisedTrainer) -> None:
        """Writes ``last.pt``, and ``best.pt`` where the validation before was the best so far."""
        done = engine.state.iteration // engine.state.epoch_length
        checkpoint = {
            "network": self.network.state_dict(),
            "epoch": done,
            "best_metric": float(self.evaluator.state.best_metric),
            "best_metric_epoch": int(self.evaluator.state.best_metric_epoch),
            "record": self.record,
        }
        if self.evaluator.state.best_metric_epoch >= 0 and self.evaluator.state.best_metric != self._best_seen:
            self._best_seen = self.evaluator.state.best_metric
            write_checkpoint(self.checkpoint_dir / BEST, checkpoint)
        states = {name: thing.state_dict() for name, thing in self.resumable.items()}
        if engine.scaler is not None:
            states["scaler"] = engine.scaler.state_dict()
        write_checkpoint(self.checkpoint_dir / LAST, checkpoint | states | {"random": random_state()})

    def resume(self, engine: SupervisedTrainer) -> None:
        """Goes on from ``last.pt``: weights, codebook, optimiser, epoch, random state and the best validation.

        An epoch that the time limit cut short is trained again from its start.

        Raises:
            InputError: if there is no ``last.pt``, or it belongs to another network.
        """
        checkpoint = read_checkpoint(self.checkpoint_dir / LAST)
        load_network(self.network, checkpoint, self.checkpoint_dir / LAST)
        for name, thing in self.resumable.items():
            thing.load_state_dict(checkpoint[name])
        self._scaler_state = checkpoint.get("scaler")
        self.evaluator.state.best_metric = self._best_seen = checkpoint["best_metric"]
        self.evaluator.state.best_metric_epoch = checkpoint["best_metric_epoch"]
        engine.state.epoch = checkpoint["epoch"]
        engine.state.iteration = checkpoint["epoch"] * engine.state.epoch_length
        restore_random_state(checkpoint["random"])

    def _restore_loss_scale(self, engine: SupervisedTrainer) -> None:
        # MONAI's trainer makes its scaler when it starts to run, which is after the resume.
        if engine.scaler is not None and self._scaler_state:
            engine.scaler.load_state_dict(self._scaler_state)
            self._scaler_state = None


def write_checkpoint(path: Path, checkpoint: Mapping[str, Any]) -> None:
    """Writes to a temporary name beside ``path``, then renames: a killed run keeps the old checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as part:
        torch.save(dict(checkpoint), part)


def read_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Reads a checkpoint without executing anything in it.

    Raises:
        InputError: if the file is missing or is not a checkpoint of this project.
    """
    if not path.is_file():
        raise InputError(f"no checkpoint at {path}; train the run first, or start without --resume.")
    try:
        checkpoint = torch.load(path, map_location=device, weights_only=True)
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        LookupError,
        OSError,
    ) as error:  # what torch raises of odd bytes
        reason = str(error).splitlines()[0] if str(error) else "it is empty"
        raise InputError(f"{path} cannot be read as a checkpoint ({reason}); train the run anew.") from error
    missing = [name for name in ("network", "record") if not isinstance(checkpoint, dict) or name not in checkpoint]
    if missing:
        raise InputError(f"{path} is not a checkpoint of this project: it holds no {missing[0]!r}; train the run anew.")
    return checkpoint


def load_network(network: nn.Module, checkpoint: Mapping[str, Any], path: Path) -> None:
    """Loads the weights and the codebook.

    Raises:
        InputError: if they belong to another network; the message names the first tensors that differ.
    """
    mine, theirs = network.state_dict(), checkpoint["network"]
    differences = [f"{key} is missing" for key in mine if key not in theirs]
    differences += [f"{key} is not in this network" for key in theirs if key not in mine]
    differences += [
        f"{key} is {list(theirs[key].shape)}, here {list(mine[key].shape)}"
        for key in mine
        if key in theirs and theirs[key].shape != mine[key].shape
    ]
    if differences:
        raise InputError(
            f"{path} belongs to another network ({len(differences)} tensors differ, first: "
            f"{'; '.join(differences[:3])}); use the config.json of its run, or another --output_dir."
        )
    network.load_state_dict(theirs)


def random_state() -> dict[str, Any]:
    """Returns the state of Python's, NumPy's and torch's generators as tensors and plain values."""
    name, keys, position, has_gauss, gauss = np.random.get_state()
    state = {
        "python": [list(part) if isinstance(part, tuple) else part for part in random.getstate()],
        "numpy": [str(name), torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, gauss],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Undoes ``random_state``; a GPU's state is restored where there are as many GPUs."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"].cpu())
    if len(state.get("cuda", ())) == torch.cuda.device_count() > 0:
        torch.cuda.set_rng_state_all([s.cpu() for s in state["cuda"]])
