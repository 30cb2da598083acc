"""Natural images, of which each is a unit: copies dropped, a validation part cut, stacks of one split and class."""

import argparse
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.person import Person
from data_prep.rejections import Rejection
from data_prep.sources.scan import Found, Scan
from monai_vq.data import SliceStack
from monai_vq.data.splits import SPLIT_NAMES
from monai_vq.errors import InputError

__all__ = ["DEFAULT_VAL_FRACTION", "STACK_SIZE", "NaturalImage", "add_val_argument", "find_stacks", "hash_pixels"]

STACK_SIZE = 1000  # images; colour pictures of 256 x 256 then take 200 MB of memory
DEFAULT_VAL_FRACTION = 0.1
UNLABELLED = "unlabelled"
ID_RULE = "every image is a unit of its own, <scan_id>_<slice_index>; images of one scene or object are not known"
_KEPT_FIRST = ("test", "val", "train")  # of two copies the one further left stays: what is scored is not shortened
_NO_NAME = re.compile(r"[^A-Za-z0-9_+-]+")  # scan ids become file names


@dataclass(frozen=True, slots=True)
class NaturalImage:
    """One image of an archive.

    Attributes:
        key: names it within the source, such as `data_batch_1#123`.
        index: its number in its split or class as shipped.
        label: its class; empty where the source does not say.
        split: `train`, `val` or `test`, as shipped; `train` where no split is shipped.
        content: hash of its pixels (see `hash_pixels`).
        files: what it is read from.
    """

    key: str
    index: int
    label: str
    split: str
    content: bytes
    files: tuple[Path, ...]


def add_val_argument(parser: argparse._ActionsContainer) -> None:
    """The option that all sources of natural images share."""
    parser.add_argument(
        "--val_fraction",
        type=float,
        default=DEFAULT_VAL_FRACTION,
        metavar="SHARE",
        help="of each class of train that becomes validation, as it does test where none is shipped "
        "(default: %(default)s)",
    )


def hash_pixels(pixels: NDArray[np.uint8]) -> bytes:
    """Hash of an image's pixels and shape, 32 bytes."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()


def find_stacks(
    images: Sequence[NaturalImage],
    read: Callable[..., SliceStack],
    *,
    source: Path,
    val_fraction: float,
    seed: int,
) -> Found:
    """Turns images into scans: stacks of up to 1,000 of one split and class, in the order given.

    Of images with equal pixels one stays, that of test rather than that of train; the others are listed with the
    rejections, so that no two splits share an image. Of each class of train a share is cut for every split that is
    not shipped: those images for which the SHA-256 of seed and key is smallest.

    Args:
        images: all of the source.
        read: `read(files, split=, indices=)` gives a stack again, where `split` is as shipped and `indices` are those
            of its images; a function of a module or a `functools.partial` of one.
        source: the source's root.
        val_fraction: the share.
        seed: of the choice.

    Raises:
        InputError: the share is not between 0 and 1, a split stays empty, or two classes would have one file name.
    """
    if not 0 < val_fraction < 1:
        raise InputError(f"--val_fraction {val_fraction:g}: expected a share between 0 and 1, as in 0.1")
    found = Found(ID_RULE, unit="image")
    kept = _drop_copies(images, found.rejections)
    groups: dict[tuple[str, str], list[NaturalImage]] = {}
    for split, image in _assign(kept, val_fraction, seed, found.notes):
        groups.setdefault((split, image.label), []).append(image)
    _check_groups(groups)
    found.scans = [
        _make_scan(split, label, start // STACK_SIZE, members[start : start + STACK_SIZE], read, source)
        for (split, label), members in sorted(groups.items())
        for start in range(0, len(members), STACK_SIZE)
    ]
    found.scans.sort(key=lambda scan: scan.scan_id)
    return found


def _drop_copies(images: Sequence[NaturalImage], rejections: list[Rejection]) -> list[NaturalImage]:
    owners: dict[bytes, NaturalImage] = {}
    for image in sorted(images, key=lambda image: _KEPT_FIRST.index(image.split)):  # stable: the first of a split stays
        twin = owners.setdefault(image.content, image)
        if twin is not image:
            rejections.append(Rejection(image.key, *_describe_copy(image, twin)))
    return [image for image in images if owners[image.content] is image]


def _describe_copy(image: NaturalImage, twin: NaturalImage) -> tuple[str, str]:
    """The (reason, remedy) for which an image is left out."""
    reason = f"the same pixels as {twin.key}"
    if image.split == twin.split:
        return reason, "nothing is to do, that one is taken"
    return (
        f"{reason} of the {twin.split} split: as shipped, {image.split} and {twin.split} share this image",
        f"nothing is to do, it is taken for {twin.split} alone; for --strict remove one of the two",
    )


def _assign(
    images: Sequence[NaturalImage], fraction: float, seed: int, notes: list[str]
) -> Iterable[tuple[str, NaturalImage]]:
    """Each image with its split, in the order given."""
    shipped = {image.split for image in images}
    missing = [name for name in SPLIT_NAMES[1:] if name not in shipped]
    classes: dict[str, list[str]] = {}
    for image in images:
        if image.split == "train":
            classes.setdefault(image.label, []).append(image.key)
    moved: dict[str, str] = {}
    for keys in classes.values():
        size = int(fraction * len(keys) + 0.5)
        ordered = sorted(keys, key=partial(_shuffle_key, seed))
        for place, name in enumerate(missing):
            moved |= dict.fromkeys(ordered[place * size : (place + 1) * size], name)
    for name in missing:
        notes.append(f"no {name} split is shipped: {fraction:.3g} of each class of train is taken for it")
    return [(moved.get(image.key, image.split), image) for image in images]


def _shuffle_key(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()


def _check_groups(groups: dict[tuple[str, str], list[NaturalImage]]) -> None:
    empty = [name for name in SPLIT_NAMES if name not in {split for split, _ in groups}]
    if empty:
        raise InputError(f"no image is left for {', '.join(empty)}; add images, or give a larger --val_fraction")
    labels = {label for _, label in groups}
    names: dict[str, str] = {}
    for label in sorted(labels):
        twin = names.setdefault(_file_name(label), label)
        if twin != label:
            raise InputError(f"the classes {twin!r} and {label!r} would have the same file names; rename one of them")


def _file_name(label: str) -> str:
    return _NO_NAME.sub("-", label) or UNLABELLED


def _make_scan(
    split: str,
    label: str,
    number: int,
    members: Sequence[NaturalImage],
    read: Callable[..., SliceStack],
    source: Path,
) -> Scan:
    files = tuple(dict.fromkeys(chain.from_iterable(image.files for image in members)))
    scan_id = f"{split}-{_file_name(label)}-{number:03d}"
    return Scan(
        files=files,
        source=files[0].name if files[0] == source else files[0].relative_to(source).as_posix(),
        patient_id=scan_id,
        session_id="",
        scan_id=scan_id,
        person=Person(diagnosis=label),
        read=partial(read, split=members[0].split, indices=tuple(image.index for image in members)),
        split=split,
    )
