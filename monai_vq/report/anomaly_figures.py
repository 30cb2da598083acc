"""The figures of the anomaly page, each as a data URI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from monai_vq.report.canvas import figure_style, to_png, to_svg
from monai_vq.report.figures import COLOURS, WIDTH

MARKERS = "oDs^v"
TOP_QUANTILE = 0.995  # of the shown foreground pixels of a method; brighter ones are clipped
LESION_COLOUR = "#56B4E9"


@dataclass(frozen=True)
class AnomalyPicture:
    """One shown slice with its maps.

    Attributes:
        label: which slice it is, in a few words.
        image: [H, W] in [0, 1].
        lesions: planted mask, [H, W]; nowhere True where none were planted.
        foreground: [H, W].
        maps: by method, [H, W].
    """

    label: str
    image: NDArray[np.floating]
    lesions: NDArray[np.bool_]
    foreground: NDArray[np.bool_]
    maps: Mapping[str, NDArray[np.floating]]


def draw_maps(pictures: Sequence[AnomalyPicture]) -> str:
    """A row a slice: the image, then the map of every method, each method on one scale over all rows."""
    methods = list(pictures[0].maps)
    height, width = pictures[0].image.shape
    columns = len(methods) + 1
    with figure_style():
        row_height = (WIDTH / columns) * height / width
        figure = Figure(figsize=(WIDTH, row_height * len(pictures) + 0.4), layout="constrained")
        grid = figure.subplots(len(pictures), columns, squeeze=False)
        for row, picture in zip(grid, pictures, strict=True):
            _show(row[0], picture.image, picture.lesions, "gray", (0.0, 1.0))
            row[0].set_ylabel(picture.label, fontsize=7)
        for place, method in enumerate(methods, start=1):
            limits = _limits(pictures, method)
            grid[0, place].set_title(method)
            for axes, picture in zip(grid[:, place], pictures, strict=True):
                shown = np.where(picture.foreground, picture.maps[method], limits[0])
                _show(axes, shown, picture.lesions, "magma", limits)
        grid[0, 0].set_title("image")
        return to_png(figure)


def draw_lesions(lesions: pd.DataFrame) -> str:
    """AUROC of single lesions by kind and radius: a point a lesion, and the mean of each method.

    Args:
        lesions: of `monai_vq.anomaly.evaluation.lesion_table`.
    """
    kinds, methods = list(lesions["kind"].unique()), list(lesions["method"].unique())
    with figure_style():
        figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
        for axes, kind in zip(figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0], kinds, strict=True):
            _draw_kind(axes, lesions[lesions["kind"] == kind], methods)
            axes.set(title=kind, xlabel="radius, mm")
            axes.grid(axis="y")
        figure.axes[0].set_ylabel("AUROC against the scan's healthy pixels")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
        return to_svg(figure)


def _draw_kind(axes: Axes, lesions: pd.DataFrame, methods: Sequence[str]) -> None:
    radii = sorted(lesions["radius_mm"].unique())
    width = 0.8 / len(methods)
    for number, method in enumerate(methods):
        own = lesions[lesions["method"] == method]
        x = own["radius_mm"].map(radii.index) + (number - (len(methods) - 1) / 2) * width
        style: dict[str, Any] = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
        axes.scatter(x, own["auroc"], s=8, alpha=0.4, linewidths=0, **style)
        means = own.assign(x=x).groupby("x")["auroc"].mean()
        axes.plot(means.index, means, linestyle="none", markersize=6, label=method, **style)
    axes.axhline(0.5, color="0.5", linewidth=0.8)
    axes.set_xticks(range(len(radii)), [f"{radius:g}" for radius in radii])


def _limits(pictures: Sequence[AnomalyPicture], method: str) -> tuple[float, float]:
    shown = np.concatenate([picture.maps[method][picture.foreground] for picture in pictures])
    low = max(float(np.median(shown)), 0.0) if shown.size else 0.0
    high = float(np.quantile(shown, TOP_QUANTILE)) if shown.size else 0.0
    return low, max(high, low + 1e-6)


def _show(axes: Axes, image: np.ndarray, lesions: np.ndarray, colours: str, limits: tuple[float, float]) -> None:
    axes.imshow(image, cmap=colours, vmin=limits[0], vmax=limits[1])
    if lesions.any():
        axes.contour(lesions, [0.5], colors=LESION_COLOUR, linewidths=0.7)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
