"""Intensities as integers of 16 bits: the source's own steps where they fit, so that its numbers come back exactly."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.valuerep import format_number_as_ds

from monai_vq.data.dicom.frames import Frame

__all__ = ["StoredScale", "choose_scale"]

_RANGES = {False: (0, 65535), True: (-32768, 32767)}  # by sign


@dataclass(frozen=True)
class StoredScale:
    """How intensities are stored: intensity = slope · stored + intercept, as in the elements Rescale*.

    Attributes:
        slope: a step, as a decimal string of DICOM.
        intercept: as a decimal string.
        signed: whether stored numbers are in two's complement.
    """

    slope: str
    intercept: str
    signed: bool

    @property
    def is_identity(self) -> bool:
        """Whether stored numbers are the intensities, so that nothing need be said of a scale."""
        return float(self.slope) == 1 and float(self.intercept) == 0

    def encode(self, intensities: NDArray[np.floating]) -> NDArray[np.integer]:
        """The nearest stored numbers, int16 or uint16, little endian, of the same shape; off by half a step at most."""
        stored = np.rint((intensities.astype(np.float64) - float(self.intercept)) / float(self.slope))
        return np.clip(stored, *_RANGES[self.signed]).astype("<i2" if self.signed else "<u2")


def choose_scale(array: NDArray[np.floating], frames: Sequence[Frame], signed: bool) -> StoredScale:
    """Chooses the scale for a volume.

    Args:
        array: finite intensities.
        frames: of the source, with their slopes and intercepts.
        signed: whether the source's numbers are; kept where they fit.

    Returns:
        The source's finest step, and its intercept; or, where the range of intensities is too large for 16 bits of
        those, 65,535 steps from the smallest intensity to the largest.
    """
    low, high = float(array.min()), float(array.max())
    step, intercept = _source_steps(frames, low)
    for is_signed in (signed, not signed):
        smallest, largest = _RANGES[is_signed]
        if smallest <= round((low - intercept) / step) and round((high - intercept) / step) <= largest:
            return _scale(step, intercept, is_signed)
    return _scale((high - low) / _RANGES[False][1] or step, low, False)


def _source_steps(frames: Sequence[Frame], low: float) -> tuple[float, float]:
    step = min(abs(frame.slope or 1.0) for frame in frames)
    intercepts = {frame.intercept or 0.0 for frame in frames}
    return step, intercepts.pop() if len(intercepts) == 1 else low


def _scale(step: float, intercept: float, signed: bool) -> StoredScale:
    return StoredScale(format_number_as_ds(float(step)), format_number_as_ds(float(intercept)), signed)
