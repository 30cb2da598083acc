"""The phantom cohort: simulated patients, written as a BIDS tree and prepared like any other source."""

import shutil
from pathlib import Path
from typing import Any

from data_prep.phantom.layouts.bids import bids_stems, describe_bids, write_bids
from data_prep.phantom.patient import PhantomPatient
from data_prep.prepare import PrepareSummary, prepare_source
from monai_vq.errors import InputError

__all__ = ["prepare_phantom", "write_phantom_bids"]


def write_phantom_bids(
    root: Path | str, *, num_patients: int = 24, seed: int = 0, voxel_size: float = 2.0, progress: bool = True
) -> Path:
    """Writes the cohort as a BIDS tree, atomically; a tree that an equal call wrote is left as it is.

    Args:
        root: folder to make.
        num_patients: patients; every third has two sessions.
        seed: of the cohort; equal seeds give equal bytes, and patient i does not depend on `num_patients`.
        voxel_size: edge of the isotropic voxel, mm.
        progress: show a progress bar.

    Returns:
        `root`.

    Raises:
        InputError: a setting is out of range, or `root` holds something else.
    """
    root = Path(root)
    if num_patients < 1 or seed < 0 or not 1 <= voxel_size <= 8:
        raise InputError(
            f"num_patients {num_patients}, seed {seed}, voxel_size {voxel_size}: "
            "expected at least 1 patient, a seed of 0 or more and voxels of 1 to 8 mm"
        )
    description = describe_bids(f"num_patients {num_patients}, seed {seed}, voxel_size {voxel_size:g} mm")
    patients = [PhantomPatient.draw(seed, index) for index in range(num_patients)]
    if root.exists():
        _check_complete(root, description, patients)
        return root
    part = root.with_name(f".{root.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # left by a run that was killed
    part.mkdir(parents=True)
    try:
        write_bids(part, patients, voxel_size, description, progress)
        part.rename(root)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return root


def prepare_phantom(
    output_dir: Path | str,
    *,
    seed: int = 0,
    num_patients: int = 24,
    voxel_size: float = 2.0,
    progress: bool = True,
    **options: Any,
) -> PrepareSummary:
    """Writes the cohort to `<output_dir>_bids` and prepares it like a download.

    Args:
        output_dir: the prepared dataset.
        seed: of the cohort and of the split.
        num_patients: see `write_phantom_bids`.
        voxel_size: see `write_phantom_bids`.
        progress: show progress bars.
        options: any other argument of `prepare_source`.

    Raises:
        InputError: as `write_phantom_bids` and `prepare_source`.
    """
    output_dir = Path(output_dir)
    source = output_dir.with_name(f"{output_dir.name}_bids")
    write_phantom_bids(source, num_patients=num_patients, seed=seed, voxel_size=voxel_size, progress=progress)
    return prepare_source("bids", source, output_dir, seed=seed, progress=progress, **options)


def _check_complete(root: Path, description: str, patients: list[PhantomPatient]) -> None:
    path = root / "dataset_description.json"
    if not path.is_file() or path.read_text(encoding="utf-8") != description:
        raise InputError(f"{root} exists and is not the phantom cohort asked for; remove it or choose another folder")
    missing = [stem for patient in patients for stem in bids_stems(patient) if not (root / f"{stem}.nii.gz").is_file()]
    if missing:
        raise InputError(
            f"{root} lacks {len(missing)} scan(s), first {missing[0]}.nii.gz; remove the folder to make it again"
        )
