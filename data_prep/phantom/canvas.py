"""Tissues, and the canvas on which an anatomy is painted layer by layer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from data_prep.phantom.shapes import Array

__all__ = ["Canvas", "Tissue"]

_SOFTNESS = 0.8  # mm over which one tissue fades into the next: the partial volume of a 2 mm voxel


class Tissue(IntEnum):
    """Labels of the ground truth."""

    AIR = 0
    SOFT = 1
    BONE = 2
    CSF = 3
    GREY = 4
    WHITE = 5
    VENTRICLE = 6
    MARKER = 7


@dataclass
class Canvas:
    """Points painted over and over, the last layer on top.

    Attributes:
        contrast: T1 intensity, 0 to 1.2, [N].
        labels: `Tissue`, [N].
    """

    contrast: Array
    labels: NDArray[np.uint8]

    @classmethod
    def empty(cls, size: int) -> "Canvas":
        """Air at `size` points."""
        return cls(np.zeros(size, np.float32), np.zeros(size, np.uint8))

    def paint(self, distance: Array, value: Array | float, tissue: Tissue, softness: float = _SOFTNESS) -> None:
        """Covers the inside of a shape, fading over `softness` mm about its boundary."""
        touched = np.flatnonzero(distance < 2 * softness)
        near = distance[touched]
        opacity = 0.5 - 0.5 * np.tanh(near / np.float32(softness))
        colour = value[touched] if isinstance(value, np.ndarray) else np.float32(value)
        self.contrast[touched] += opacity * (colour - self.contrast[touched])
        self.labels[touched[near < 0]] = tissue

    @contextmanager
    def part(self, where: NDArray[np.bool_]) -> Iterator["Canvas"]:
        """Lends the points where a mask [N] holds, and takes them back painted."""
        lent = Canvas(self.contrast[where], self.labels[where])
        yield lent
        self.contrast[where], self.labels[where] = lent.contrast, lent.labels
