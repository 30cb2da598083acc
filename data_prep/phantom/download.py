"""The phantom cohort as any download would hold it: to rehearse one that is not at hand."""

import shutil
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from data_prep.phantom.patient import PhantomPatient
from monai_vq.errors import InputError

__all__ = ["LAYOUTS", "write_layout"]

LAYOUTS = ("bids", "nifti", "oasis1", "oasis2", "oasis3", "neurite_oasis", "adni", "ad_nc", "dicom")
"""Names of sources whose downloads can be imitated."""


def write_layout(
    layout: str, root: Path | str, *, num_patients: int = 24, seed: int = 0, voxel_size: float = 2.0
) -> Path:
    """Writes simulated patients in the layout and formats of a download, whole or not at all.

    Args:
        layout: one of `LAYOUTS`.
        root: folder to make.
        num_patients: how many.
        seed: of the cohort.
        voxel_size: edge of a voxel, mm.

    Returns:
        `root`.

    Raises:
        InputError: the layout is unknown, a setting is out of range, or `root` exists.
    """
    root = Path(root)
    if layout not in LAYOUTS:
        raise InputError(f"unknown layout {layout!r}; expected one of {', '.join(LAYOUTS)}")
    if num_patients < 1 or seed < 0 or not 1 <= voxel_size <= 8:
        raise InputError(
            f"num_patients {num_patients}, seed {seed}, voxel_size {voxel_size}: "
            "expected at least 1 patient, a seed of 0 or more and voxels of 1 to 8 mm"
        )
    if root.exists():
        raise InputError(f"{root} exists; give a folder that does not")
    part = root.with_name(f".{root.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # left by a run that was killed
    part.mkdir(parents=True)
    try:
        patients = [PhantomPatient.draw(seed, index) for index in range(num_patients)]
        _find_writer(layout)(part, patients, voxel_size)
        part.rename(root)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return root


def _find_writer(layout: str) -> Callable[[Path, Sequence[PhantomPatient], float], None]:
    """`write_<layout>` of the layout's own module, loaded only when asked for."""
    writer: Callable[[Path, Sequence[PhantomPatient], float], None]
    writer = getattr(import_module(f"data_prep.phantom.layouts.{layout}"), f"write_{layout}")
    return writer
