"""The images of an OASIS-1 session: where they lie, what their names say, and how each is read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.sources.oasis_grid import Grid
from data_prep.sources.oasis_sessions import find_pairs
from monai_vq.data import Volume, VolumeError
from monai_vq.data.analyze import read_analyze

__all__ = [
    "IMAGE_KINDS",
    "SEGMENTATION",
    "ImageKind",
    "SessionImage",
    "find_images",
    "read_image",
    "read_segmentation",
]

TISSUES = (0, 1, 2, 3)  # of FSL_SEG: background, CSF, grey matter, white matter
_T88_GRID = Grid("LAS", (176, 208, 176), (1, 1, 1))  # the Talairach atlas of 1988
_PROCESSED = "PROCESSED/MPRAGE"


@dataclass(frozen=True)
class ImageKind:
    """One kind of image that each session has.

    Attributes:
        folder: where it lies in the session's folder.
        ending: regular expression of what follows the session's name, with a number: of the acquisition in `mpr-1`,
            of the acquisitions averaged in `n4` (it is not N4 bias correction, and `n3`, `n5`, `n6` occur).
        grid: true axes, which Analyze cannot state, and field of view.
        text: for messages.
    """

    folder: str
    ending: str
    grid: Grid
    text: str


IMAGE_KINDS = {
    "masked_t88": ImageKind(
        f"{_PROCESSED}/T88_111", r"_mpr_n(\d+)_anon_111_t88_masked_gfc", _T88_GRID, "brain alone, in atlas space"
    ),
    "t88": ImageKind(f"{_PROCESSED}/T88_111", r"_mpr_n(\d+)_anon_111_t88_gfc", _T88_GRID, "head, in atlas space"),
    "subj111": ImageKind(
        f"{_PROCESSED}/SUBJ_111",
        r"_mpr_n(\d+)_anon_sbj_111",
        Grid("ASL", (256, 256, 160), (1, 1, 1)),
        "head, average of the session's acquisitions",
    ),
    "raw": ImageKind(
        "RAW", r"_mpr-(\d+)_anon", Grid("ASL", (256, 256, 160), (1, 1, 1.25)), "head, a single acquisition"
    ),
}
SEGMENTATION = "fsl_seg"
_KINDS = {
    **IMAGE_KINDS,
    SEGMENTATION: ImageKind(
        "FSL_SEG", r"_mpr_n(\d+)_anon_111_t88_masked_gfc_fseg", _T88_GRID, "tissue labels of masked_t88"
    ),
}


@dataclass(frozen=True)
class SessionImage:
    """A pair of files in a session's folder.

    Attributes:
        stem: its path without suffix.
        kind: key of `IMAGE_KINDS`, `SEGMENTATION`, or empty where the name is none of the study's.
        number: of the acquisition, or of the acquisitions averaged.
    """

    stem: Path
    kind: str
    number: int = 0


def find_images(folder: Path) -> Iterator[SessionImage]:
    """All pairs of a session's folder, by folder and name.

    The kind is decided by folder and whole name: a pattern such as `*masked_gfc*` takes labels for images.
    """
    for subfolder in sorted({kind.folder for kind in _KINDS.values()}):
        for stem in find_pairs(folder / subfolder):
            yield _classify(stem, folder.name, subfolder)


def read_image(files: tuple[Path, ...], kind: str) -> Volume:
    """Reads an image of `IMAGE_KINDS` along its true axes.

    Raises:
        VolumeError: see `read_analyze`; or the grid is not that of the kind.
        OSError: a file cannot be opened.
    """
    grid = _KINDS[kind].grid
    volume = read_analyze(files, axes=grid.axes)
    grid.check(volume)
    return volume


def read_segmentation(files: tuple[Path, ...]) -> Volume:
    """Reads tissue labels: 0 background, 1 CSF, 2 grey matter, 3 white matter.

    Raises:
        VolumeError: as `read_image`; or a label is another.
        OSError: a file cannot be opened.
    """
    volume = read_image(files, SEGMENTATION)
    others = volume.array[~np.isin(volume.array, TISSUES)]
    if others.size:
        raise VolumeError(
            f"{others.size} voxels are no tissue label, such as {others[0]:g}; expected 0, 1, 2 or 3",
            "download or unpack the pair again, or leave out --labels",
        )
    return volume


def _classify(stem: Path, session: str, subfolder: str) -> SessionImage:
    for name, kind in _KINDS.items():
        match = re.fullmatch(re.escape(session) + kind.ending, stem.name)
        if kind.folder == subfolder and match:
            return SessionImage(stem, name, int(match[1]))
    return SessionImage(stem, "")
