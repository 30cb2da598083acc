"""Training in several processes of torchrun, one a GPU: what `configs/multi_gpu_train.json` of a handed-on model names.

Every process has the whole model and a share of each batch::

    process 0   x[0::2] ──► network ──┐ gradients: mean (DistributedDataParallel)   ──► checkpoints, metrics.csv, report
    process 1   x[1::2] ──► network ──┘ codebook: its sums are summed (quantizers.ranks)

so one step is the step of one process on the joint batch, but for the order of the sums, and but for batch
normalisation, whose statistics are of each process's own share. Every process validates on the whole validation split,
which costs no time beside waiting for one of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from weakref import WeakSet

import ignite.distributed as idist
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from monai_vq.engines.checks import check_settings as check_settings_of_one
from monai_vq.engines.checks import or_exit
from monai_vq.engines.run_folder import start_run as start_run_of_one
from monai_vq.errors import InputError

FROM_TORCHRUN = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
_connected: WeakSet[DistributedDataParallel] = WeakSet()
PATIENCE = timedelta(hours=2)  # for a process that checks a large dataset while the others wait


def check_settings() -> None:
    """Checks the knobs of the bundle whose ``initialize`` calls this, and connects this process with the others.

    Raises:
        SystemExit: with one line, for what the user can mend.
    """
    check_settings_of_one(_check_environment, _check_same_everywhere)
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(device())
    idist.initialize("nccl" if cuda else "gloo", timeout=PATIENCE)


def _check_environment() -> None:
    missing = [name for name in FROM_TORCHRUN if name not in os.environ]
    if missing:
        raise InputError(
            f"{missing[0]} is not set: multi_gpu_train.json is for torchrun; start it with `torchrun --standalone "
            "--nproc_per_node 2 -m monai.bundle run …`, or leave it out for one process."
        )
    local, number = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if torch.cuda.is_available() and local >= number:
        raise InputError(
            f"this machine has {number} GPUs, and torchrun started more processes; give --nproc_per_node {number}."
        )


def _check_same_everywhere(config: Mapping[str, Any]) -> None:
    """Refuses what would let the processes part: a clock of each one's own, or a loss scale."""
    if config.get("max_minutes") is not None:
        raise InputError("--max_minutes counts on one clock, and several processes have several; give --max_epochs.")
    if config.get("precision") == "fp16":
        raise InputError("--precision fp16 is not for several processes; give --precision bf16 or fp32.")


def device() -> torch.device:
    """Returns this process's own device: the GPU of its local rank, or the CPU."""
    local = int(os.environ.get("LOCAL_RANK", 0))
    return torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")


def rank() -> int:
    """Returns this process's number among all, from 0."""
    return int(os.environ.get("RANK", 0))


def world_size() -> int:
    """Returns the number of processes."""
    return int(os.environ.get("WORLD_SIZE", 1))


def distribute(network: nn.Module, device: torch.device) -> DistributedDataParallel:
    """Returns a network whose gradients are the mean over all processes; it shares its parameters with the one given.

    Buffers are left alone: the codebook is the same everywhere, because its statistics are summed.
    """
    ids = [device.index] if device.type == "cuda" else None
    distributed = DistributedDataParallel(network, device_ids=ids, broadcast_buffers=False)
    _connected.add(distributed)
    return distributed


def start_run(output_dir: str, resume: bool, precision: str) -> None:
    """Makes the run's folder, in the first process; the others wait for it.

    Raises:
        SystemExit: with one line, if the folder holds something else.
    """
    if rank() == 0:
        start_run_of_one(output_dir, resume, precision)
    idist.barrier()


def finish(report: Callable[[], object]) -> None:
    """Parts from the other processes, and writes the report in the first one.

    Raises:
        SystemExit: with one line, for what the user can mend.
    """
    _disconnect()
    idist.finalize()
    if rank() == 0:
        or_exit(report)


def _disconnect() -> None:
    """Frees what of the networks talks to other processes, while their group still lives.

    Freed after it, a reducer ends the group's threads with the interpreter's lock held, for which they may wait: the
    process would hang.
    """
    for distributed in _connected:
        del distributed.reducer, distributed.logger
    _connected.clear()
