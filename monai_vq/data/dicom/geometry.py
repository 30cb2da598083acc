"""Where the voxels of a series lie: slices in their order, and the matrix from voxel to world.

    row 0  o----> column index: orientation[:3]
           |
           v      row index: orientation[3:]          slice index: along their cross product, the normal

Positions in DICOM grow to the left, posterior and superior (LPS); the matrix speaks of right, anterior, superior.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monai_vq.data.dicom.frames import Frame
from monai_vq.data.nifti import VolumeError
from monai_vq.data.volume import MIN_SPACING_MM, check_affine

__all__ = ["ORIENTATION_TOLERANCE", "SliceGrid", "count_repeats", "find_grid", "slice_order"]

ORIENTATION_TOLERANCE = 1e-3
"""Of a direction's components: some exporters cut decimals off, but a head must not turn between slices."""
SPACING_TOLERANCE = 1e-3  # relative, of PixelSpacing between slices
POSITION_TOLERANCE = 0.02  # of the slice spacing; positions that were rounded to 0.01 mm stay below it
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_EXPORT_AGAIN = "export the series again, whole and without anything else"
_NAMES = {
    "position": "ImagePositionPatient",
    "orientation": "ImageOrientationPatient",
    "spacing": "PixelSpacing",
}


@dataclass(frozen=True)
class SliceGrid:
    """The grid of a volume.

    Attributes:
        order: index of the frame, as given, of each slice.
        affine: voxel (column, row, slice) to world (right, anterior, superior) in mm, float64 [4, 4].
    """

    order: tuple[int, ...]
    affine: NDArray[np.float64]


def slice_order(frames: Sequence[Frame]) -> tuple[int, ...]:
    """Indices of the frames by their position along the first one's normal.

    Raises:
        VolumeError: a position or orientation is missing or invalid.
    """
    positions, orientations = _collect(frames, "position"), _collect(frames, "orientation")
    return tuple(int(index) for index in np.argsort(positions @ _normal(orientations[0]), kind="stable"))


def count_repeats(frames: Sequence[Frame]) -> int:
    """How many frames lie at each height along the first one's normal; 1 where not all heights have as many.

    Raises:
        VolumeError: a position or orientation is missing or invalid.
    """
    heights = np.sort(_collect(frames, "position") @ _normal(_collect(frames, "orientation")[0]))
    starts = np.flatnonzero(np.diff(heights, prepend=-np.inf) >= MIN_SPACING_MM)
    counts = np.diff([*starts, len(heights)])
    return int(counts[0]) if (counts == counts[0]).all() else 1


def find_grid(frames: Sequence[Frame]) -> SliceGrid:
    """Orders frames by position and fits the grid on which they lie.

    Raises:
        VolumeError: a position, orientation or pixel spacing is missing; orientations or spacings differ; slices are
            missing (of a regular gap the header tells), repeated, unevenly spaced, or shifted against one another (as
            under a tilted gantry).
    """
    if len(frames) < 2:
        raise VolumeError(f"{len(frames)} slice, expected at least 2", "give all files of the series")
    spacing = _common(_collect(frames, "spacing"), SPACING_TOLERANCE * _collect(frames, "spacing").max(), "spacing")
    if spacing.min() < MIN_SPACING_MM:
        raise VolumeError(f"pixel spacing {spacing.tolist()}, expected at least {MIN_SPACING_MM} mm", _EXPORT_AGAIN)
    orientation = _common(_collect(frames, "orientation"), ORIENTATION_TOLERANCE, "orientation")
    normal = _normal(orientation)
    order = slice_order(frames)
    positions = _collect(frames, "position")[list(order)]
    steps = np.diff(positions @ normal)
    _check_steps(steps)
    _check_distance(float(np.median(steps)), frames)
    first, step = _fit_line(positions, normal)
    affine = np.eye(4)
    affine[:3, 0] = _unit(orientation[:3]) * spacing[1]
    affine[:3, 1] = _unit(orientation[3:]) * spacing[0]
    affine[:3, 2], affine[:3, 3] = step, first
    affine = _LPS_TO_RAS @ affine
    check_affine(affine)
    return SliceGrid(order, affine)


def _collect(frames: Sequence[Frame], attribute: str) -> NDArray[np.float64]:
    values = [getattr(frame, attribute) for frame in frames]
    missing = sum(value is None for value in values)
    if missing:
        raise VolumeError(f"{missing} of {len(values)} slices have no readable {_NAMES[attribute]}", _EXPORT_AGAIN)
    return np.array(values, dtype=np.float64)


def _common(values: NDArray[np.float64], tolerance: float, attribute: str) -> NDArray[np.float64]:
    """The values that all slices share."""
    middle: NDArray[np.float64] = np.median(values, axis=0)
    differing = int((np.abs(values - middle) > tolerance).any(axis=1).sum())
    if differing:
        raise VolumeError(f"{differing} of {len(values)} slices differ in {_NAMES[attribute]}", _EXPORT_AGAIN)
    return middle


def _normal(orientation: NDArray[np.float64]) -> NDArray[np.float64]:
    columns, rows = orientation[:3], orientation[3:]
    errors = np.linalg.norm(columns) - 1, np.linalg.norm(rows) - 1, columns @ rows
    if np.abs(errors).max() > ORIENTATION_TOLERANCE:
        raise VolumeError(
            f"ImageOrientationPatient {orientation.round(4).tolist()} is not two unit vectors at a right angle",
            _EXPORT_AGAIN,
        )
    return _unit(np.cross(columns, rows))


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector)


def _check_steps(steps: NDArray[np.float64]) -> None:
    """Checks the distances of neighbouring slices along the normal."""
    repeated = int((steps < MIN_SPACING_MM).sum())
    if repeated:
        raise VolumeError(
            f"{repeated} of {len(steps) + 1} slices lie where another lies, as repeats, echoes or time points do",
            "take them apart, so that each position is there once",
        )
    usual = float(np.median(steps))
    odd = np.abs(steps - usual) > POSITION_TOLERANCE * usual
    if not odd.any():
        return
    multiples = steps[odd] / usual
    if (np.abs(multiples - np.rint(multiples)) <= POSITION_TOLERANCE * multiples).all() and (multiples > 1.5).all():
        missing = int(np.rint(multiples).sum()) - len(multiples)
        raise VolumeError(f"{missing} slice(s) are missing between others", "export the whole series again")
    raise VolumeError(
        f"the distance of slices varies from {steps.min():.4g} to {steps.max():.4g} mm",
        "give the original series, with slices at equal distances",
    )


def _check_distance(step: float, frames: Sequence[Frame]) -> None:
    """Refuses slices of which every second, or third, is there; the header then says a shorter distance.

    Some scanners write the gap between slices for their distance; it is shorter than a slice is thick.
    """
    said, thickness = frames[0].distance, frames[0].thickness
    if not said or not thickness or said < MIN_SPACING_MM or said < thickness * (1 - POSITION_TOLERANCE):
        return
    multiple = round(step / said)
    if multiple > 1 and abs(step - multiple * said) <= POSITION_TOLERANCE * step:
        raise VolumeError(
            f"slices lie {step:.4g} mm apart, and {said:.4g} mm as the header says: {multiple - 1} of {multiple} are "
            "missing",
            "export the whole series again",
        )


def _fit_line(
    positions: NDArray[np.float64], normal: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Position of the first slice, and the step to the next, by least squares; [3] and [3], mm."""
    index = np.arange(len(positions)) - (len(positions) - 1) / 2
    step: NDArray[np.float64] = index @ positions / (index @ index)
    fitted = positions.mean(axis=0) + index[:, None] * step
    size = float(np.linalg.norm(step))
    shear = float(np.linalg.norm(step - (step @ normal) * normal))
    if shear > POSITION_TOLERANCE * size:
        raise VolumeError(
            f"each slice is shifted by {shear:.3g} mm against the one before, as under a tilted gantry",
            "resample it to slices that lie straight above one another",
        )
    off = float(np.linalg.norm(positions - fitted, axis=1).max())
    if off > POSITION_TOLERANCE * size:
        raise VolumeError(f"slices lie up to {off:.3g} mm off a straight line with equal distances", _EXPORT_AGAIN)
    return fitted[0], step
