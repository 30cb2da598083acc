"""What is refused before a reconstruction writes anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monai_vq.data.volume import MAX_SPACING_MM, MIN_SPACING_MM
from monai_vq.errors import InputError
from monai_vq.reconstruct.input_scan import FoundScans
from monai_vq.reconstruct.prepared import ALL, is_prepared

__all__ = ["check_places", "check_request", "check_spacing"]


def check_places(input_path: Path | None, output_dir: Path) -> Path:
    """Returns the input, refused where input and output lie in one another.

    What is written among the scans would be reconstructed by the next run, and an earlier run is renamed with all that
    lies in it.

    Raises:
        InputError: no input is given, or one of them lies in the other.
    """
    if input_path is None:
        raise InputError(
            "--input is missing; give a NIfTI or Analyze file, a folder of these or of DICOM series, or a prepared "
            "dataset."
        )
    source, target = input_path.resolve(), output_dir.resolve()
    if source.is_dir() and target.is_relative_to(source):
        raise InputError(f"--output_dir {output_dir} lies in the input {input_path}; give a folder outside of it.")
    if source.is_relative_to(target):
        raise InputError(f"--input {input_path} lies in --output_dir {output_dir}; give another folder.")
    return input_path


def check_request(
    found: FoundScans, source: Path, slice_range: Sequence[float] | None, split: str, dicom_out: bool
) -> None:
    """Refuses settings that this input cannot have.

    Raises:
        InputError: naming the setting; or there is nothing at all to reconstruct.
    """
    if not found.scans and not found.skipped:
        raise InputError(
            f"nothing to reconstruct in {source}: no .nii, .nii.gz, .hdr with .img, or DICOM file, and no prepared "
            "dataset (manifest.csv)."
        )
    prepared = is_prepared(source)
    if prepared and slice_range is not None:
        raise InputError(
            f"--slice_range {list(slice_range)}: {source} is a prepared dataset, whose slices are cut; leave it out, "
            "or give the volumes."
        )
    if not prepared and split != ALL:
        raise InputError(f"--split {split}: {source} is no prepared dataset and has no splits; leave it out.")
    if dicom_out and not any(scan.kind == "DICOM" for scan in found.scans):
        raise InputError(f"--dicom_out true: {source} has no DICOM series to answer; leave it out.")


def check_spacing(spacing: Sequence[float] | None, trained: Sequence[float] | None) -> None:
    """Refuses a pixel size that is none, or another than the one that a model was trained on.

    Raises:
        InputError: naming both.
    """
    if spacing is None:
        return
    if not all(MIN_SPACING_MM <= mm <= MAX_SPACING_MM for mm in spacing):
        raise InputError(
            f"--spacing {list(spacing)}: expected {MIN_SPACING_MM} to {MAX_SPACING_MM} mm, as in '[2.0, 2.0]'."
        )
    if trained is not None and list(spacing) != list(trained):
        raise InputError(
            f"--spacing {list(spacing)}: this model was trained on pixels of {list(trained)} mm, to which every scan "
            "is brought anyway; leave the option out."
        )
