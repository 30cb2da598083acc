"""The same slices by every run, as far as the runs keep pictures of the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from monai_vq.report.canvas import figure_style, plain, to_png
from monai_vq.report.comparison.runs import Comparison
from monai_vq.report.figures import WIDTH
from monai_vq.report.pictures import PatientPicture

__all__ = ["SharedSlice", "draw_shared_slices", "shared_slices"]

SAME_SHADE = 1 / 255  # stored inputs of one slice are equal to 16 bits
MARGIN = 2.4  # inches beside the images, for names and the scale of errors
MAX_HEIGHT = 1.9  # inches of an image


@dataclass(frozen=True, eq=False)
class SharedSlice:
    """A slice of the reference's pictures that other runs keep, too.

    Attributes:
        picture: the reference's.
        by_run: of each run that has it, by name; the reference among them.
    """

    picture: PatientPicture
    by_run: Mapping[str, PatientPicture]


def shared_slices(comparison: Comparison) -> list[SharedSlice]:
    """The reference's pictures of which another run keeps the same slice, in the reference's order."""
    shared = []
    for picture in comparison.reference.content.pictures:
        by_run = {
            run.name: own for run in comparison.runs for own in run.content.pictures if _is_same_slice(own, picture)
        }
        if len(by_run) > 1:
            shared.append(SharedSlice(picture, by_run))
    return shared


def draw_shared_slices(slices: Sequence[SharedSlice], names: Sequence[str]) -> tuple[str, float]:
    """A row a run, two columns a slice: reconstruction and absolute error, all errors on one scale.

    Args:
        slices: from `shared_slices`, at least one.
        names: of the runs, in the order of the rows; those without a picture of any slice are left out.

    Returns:
        The figure, and the error at the top of its scale (the 99.9th percentile of all shown pixels).
    """
    rows = [name for name in names if any(name in shown.by_run for shown in slices)]
    errors = [own.error.ravel() for shown in slices for own in shown.by_run.values()]
    top = max(float(np.quantile(np.concatenate(errors), 0.999)), 1e-3)
    height, width = slices[0].picture.x.shape[:2]
    side = min((WIDTH - MARGIN) / (2 * len(slices)), MAX_HEIGHT * width / height)
    size = (2 * len(slices) * side + MARGIN, side * height / width * (len(rows) + 1) + 0.5)
    with figure_style():
        figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.06))  # or a name's first letter is cut
        grid = figure.subplots(len(rows) + 1, 2 * len(slices), squeeze=False)
        for axes in grid.ravel():
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        for place, shown in enumerate(slices):
            _draw_column(grid[:, 2 * place : 2 * place + 2], shown, rows, top)
        for axes, name in zip(grid[:, 0], ["input", *rows], strict=True):
            axes.set_ylabel(plain(name), rotation=0, ha="right", va="center", fontsize=8)
        scale = next(axes.images[0] for axes in grid[1:, 1::2].ravel() if axes.images)
        figure.colorbar(scale, ax=grid[0, 1::2], extend="max", label="absolute error", aspect=8)
        return to_png(figure), top


def _is_same_slice(one: PatientPicture, other: PatientPicture) -> bool:
    places = [(own.scan_id, own.slice_index, own.x.shape) for own in (one, other)]
    return places[0] == places[1] and bool(np.abs(one.x - other.x).max() <= SAME_SHADE)


def _draw_column(grid: np.ndarray, shown: SharedSlice, rows: Sequence[str], top: float) -> None:
    """One slice: its input on top, then a row a run."""
    picture = shown.picture
    _show_image(grid[0, 0], picture.x)
    grid[0, 0].set_title(f"{picture.rank}: {plain(picture.patient_id)}", fontsize=8)
    for (left, right), name in zip(grid[1:], rows, strict=True):
        own = shown.by_run.get(name)
        if own is None:
            left.text(0.5, 0.5, "not kept", ha="center", va="center", fontsize=7, color="0.5")
            continue
        _show_image(left, own.x_hat)
        left.set_xlabel(f"SSIM {own.ssim:.3f}", fontsize=7, labelpad=2)
        right.imshow(own.error, cmap="magma", vmin=0, vmax=top)


def _show_image(axes: Axes, image: np.ndarray) -> None:
    axes.imshow(np.clip(image, 0, 1), cmap="gray", vmin=0, vmax=1)
