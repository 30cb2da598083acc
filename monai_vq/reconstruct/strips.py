"""Pictures of scans for a page: the middle and the worst slice of each, for the worst scans."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from monai_vq.reconstruct.scan import SlicePicture
from monai_vq.report.canvas import figure_style, to_png
from monai_vq.report.figures import WIDTH

__all__ = ["MAX_SCANS", "ScanPictures", "ShownScans", "draw_strip"]

MAX_SCANS = 20  # more make a page that no one scrolls through; the tables have every scan
ERROR_LIMIT = 0.25  # of the window; a larger error is clipped. One scale for all scans, so that they can be compared
_PANEL = WIDTH / 6  # inches
_TITLES = {"x": "scan", "x_in": "with noise", "x_hat": "reconstruction", "error": "|error|"}


@dataclass(frozen=True)
class ScanPictures:
    """What is shown of a scan.

    Attributes:
        scan_id: of the scan.
        ssim: mean SSIM of its foreground.
        pictures: of its slices.
    """

    scan_id: str
    ssim: float
    pictures: tuple[SlicePicture, ...]


@dataclass
class ShownScans:
    """Keeps the pictures of the worst scans while all pass, so that memory does not grow with their number."""

    limit: int = MAX_SCANS
    scans: list[ScanPictures] = field(default_factory=list)

    def see(self, scan: ScanPictures) -> None:
        """Takes a scan in, and the best one out where there are too many."""
        self.scans.append(scan)
        self.scans.sort(key=lambda one: (np.nan_to_num(one.ssim, nan=-1.0), one.scan_id))
        del self.scans[self.limit :]


def draw_strip(scan: ScanPictures, with_input: bool) -> str:
    """A row of panels, slice by slice: scan, what the model was given if that differs, reconstruction, error.

    Args:
        scan: to be shown.
        with_input: whether the model was given something else than the scan.

    Returns:
        The figure as a PNG data URI.
    """
    panels = [name for name in _TITLES if with_input or name != "x_in"]
    height, width = scan.pictures[0].x.shape
    with figure_style():
        columns = len(panels) * len(scan.pictures)
        figure = Figure(figsize=(columns * _PANEL, _PANEL * height / width + 0.45), layout="constrained")
        grid = figure.subplots(1, columns, squeeze=False)[0]
        for place, picture in enumerate(scan.pictures):
            own = grid[place * len(panels) : (place + 1) * len(panels)]
            for axes, name in zip(own, panels, strict=True):
                _show(axes, getattr(picture, name), name)
            own[0].set_xlabel(f"{picture.rank} slice, {picture.slice_index}; SSIM {picture.ssim:.3f}", loc="left")
        return to_png(figure)


def _show(axes: Axes, image: NDArray[np.float32], name: str) -> None:
    is_error = name == "error"
    axes.imshow(image, cmap="magma" if is_error else "gray", vmin=0, vmax=ERROR_LIMIT if is_error else 1)
    axes.set_title(_TITLES[name])
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
