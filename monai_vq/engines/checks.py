"""Everything that can be refused, before a run writes anything."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch

from monai_vq.data import ScanRecord, check_fit, read_manifest, read_splits, records_of_split
from monai_vq.data.splits import SPLIT_NAMES
from monai_vq.engines.knobs import calling_parser, check_knobs
from monai_vq.engines.precision import check_device
from monai_vq.engines.tracking import adapt_tracking, check_trackable
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import LAST, load_network, read_checkpoint
from monai_vq.networks import VQVAE, check_image_size

logger = logging.getLogger(__name__)
T = TypeVar("T")


def or_exit(step: Callable[[], T]) -> T:
    """Runs a step of a bundle; what the user can mend ends the program with one line instead of a traceback.

    Raises:
        SystemExit: with the message of the InputError, or of the FloatingPointError that stopped training.
    """
    try:
        return step()
    except (InputError, FloatingPointError) as error:
        raise SystemExit(f"error: {error}") from None


def check_settings(
    processes: Callable[[], None] | None = None, further: Callable[[Mapping[str, Any]], None] | None = None
) -> None:
    """Checks the knobs of the bundle whose ``initialize`` calls this, and brings them to their types.

    Args:
        processes: raises InputError where torchrun started other processes than the bundle is for; None is for one.
        further: raises InputError for settings that this way of running the bundle does not take.

    Raises:
        SystemExit: with one line, for what the user can mend.
    """
    parser = calling_parser()

    def check() -> None:
        (processes or check_processes)()
        check_trackable(parser.config)  # before the knobs, of which tracking adds some
        check_knobs(parser.config)
        if further is not None:
            further(parser.config)
        adapt_tracking(parser.config)

    or_exit(check)
    parser.ref_resolver.reset()  # so that what follows reads the values in their types


def check_processes() -> None:
    """Refuses torchrun with several processes: each would be a run of its own in the same folder.

    Raises:
        InputError: if this is one process of several.
    """
    number = os.environ.get("WORLD_SIZE", "1")
    if number not in ("", "1"):
        raise InputError(
            f"WORLD_SIZE is {number}: this bundle trains in one process; run it without torchrun, or export a run and "
            "give torchrun its configs/train.json and configs/multi_gpu_train.json."
        )


def check_data(
    dataset_dir: str,
    image_size: Sequence[int],
    in_channels: int,
    spacing: Sequence[float] | None,
    device: str | torch.device,
    precision: str,
    splits: Sequence[str] = SPLIT_NAMES,
) -> None:
    """Checks the dataset, and where the network will run on it, before anything is written.

    Args:
        dataset_dir: a prepared dataset.
        image_size: rows and columns that the network takes.
        in_channels: 1 for grey images, 3 for images in colour.
        spacing: mm that slices are brought to; None leaves them as they are.
        device: where the network will run.
        precision: of its arithmetic.
        splits: that will be read.

    Raises:
        SystemExit: with one line, for what the user can mend.
    """

    def check() -> None:
        check_device(device, precision)
        records = read_manifest(dataset_dir)  # before the split: its error says how to prepare a dataset
        check_channels(dataset_dir, records, in_channels)
        check_scans(dataset_dir, records, image_size, spacing, splits)

    or_exit(check)


def check_channels(dataset_dir: str, records: Sequence[ScanRecord], in_channels: int) -> None:
    """Refuses colour images for a network of grey ones, and the other way round.

    Raises:
        InputError: naming a scan and the number of channels that it has.
    """
    for record in records:
        channels = record.shape[3] if len(record.shape) == 4 else 1  # a stack of colour images is [S, H, W, 3]
        if channels != in_channels:
            kind = "grey" if channels == 1 else "colour"
            raise InputError(
                f"--in_channels {in_channels}: the images of {record.scan_id} in {dataset_dir} are {kind}; "
                f"use --in_channels {channels}."
            )


def check_scans(
    dataset_dir: str,
    records: Sequence[ScanRecord],
    image_size: Sequence[int],
    spacing: Sequence[float] | None,
    splits: Sequence[str] = SPLIT_NAMES,
) -> None:
    """Refuses a dataset with an empty split or with foreground that would be cropped; warns of mixed pixel sizes.

    Raises:
        InputError: naming the split, or the scan and the image size that holds every scan.
    """
    known, used = read_splits(dataset_dir), []
    for split in splits:
        if split not in SPLIT_NAMES:
            raise InputError(f"--split {split!r}: expected one of {', '.join(SPLIT_NAMES)}.")
        scans = records_of_split(known, records, split)
        if not any(scan.slice_indices for scan in scans):
            raise InputError(
                f"the {split} split of {dataset_dir} has no slices; prepare again with --fractions 0.7 0.15 0.15, "
                "or with more patients."
            )
        used += scans
    check_fit(used, image_size, spacing)
    sizes = sorted({tuple(round(mm, 2) for mm in scan.slice_spacing) for scan in used})
    if spacing is None and len(sizes) > 1:
        first, last = (" x ".join(f"{mm:g}" for mm in size) for size in (sizes[0], sizes[-1]))
        logger.warning(f"pixel sizes from {first} to {last} mm in {dataset_dir}; give --spacing to bring them to one.")


def check_network(
    network: VQVAE, image_size: Sequence[int], in_channels: int, output_dir: str, dataset_dir: str, resume: bool
) -> None:
    """Refuses an image size that the network cannot give back, and a run to resume that is another's.

    Raises:
        SystemExit: with one line, before the run's record is overwritten.
    """

    def check() -> None:
        check_image_size(network, list(image_size), in_channels)
        if resume:
            check_resumable(network, Path(output_dir) / "checkpoints" / LAST, dataset_dir)
            _check_same_size(Path(output_dir), list(image_size))

    or_exit(check)


def _check_same_size(run_dir: Path, image_size: list[int]) -> None:
    """Refuses to go on at another image size: the run's record would then be of images it did not learn from."""
    stored = json.loads((run_dir / "config.json").read_text(encoding="utf-8")).get("image_size")
    if stored != image_size:
        raise InputError(
            f"{run_dir} was trained at image_size {stored}, not {image_size}; "
            "give its own, or another --output_dir without --resume."
        )


def check_resumable(network: VQVAE, path: Path, dataset_dir: str) -> None:
    """Refuses a checkpoint of another network, or of another split: its training patients may be test patients here.

    Raises:
        InputError: naming what differs.
    """
    checkpoint = read_checkpoint(path)
    load_network(network, checkpoint, path)
    learned_from, here = checkpoint["record"].get("split_sha256", "unknown"), read_splits(dataset_dir).sha256
    if learned_from != here:
        raise InputError(
            f"{path} learned from another split ({learned_from[:12]}…) than {dataset_dir} has ({here[:12]}…); "
            "give the run's own --dataset_dir, or another --output_dir without --resume."
        )
