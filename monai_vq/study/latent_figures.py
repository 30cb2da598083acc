"""The pictures of a study: the same slices by every variant, and what the codebooks and gains look like."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from monai_vq.report.canvas import figure_style, to_png, to_svg
from monai_vq.report.codewords import principal_components
from monai_vq.report.figures import WIDTH
from monai_vq.report.latent_figures import GAIN_BINS, GAIN_TAIL
from monai_vq.report.pictures import PatientPicture
from monai_vq.report.styles import Style, add_legend
from monai_vq.study.latents import Latent
from monai_vq.study.styles import LEGEND_SIZE

COLUMNS = 4  # of small panels
MARGIN = 2.2  # inches beside the images, for names and the scale of errors
MAX_HEIGHT = 1.6  # inches of an image


def draw_reconstructions(latents: Sequence[Latent]) -> tuple[str, float]:
    """A row a variant, two columns a slice: reconstruction and absolute error, all errors on one scale.

    Returns:
        The figure, and the error at the top of its scale (the 99.9th percentile of all shown pixels).
    """
    shown = latents[0].pictures
    errors = np.concatenate([picture.error.ravel() for latent in latents for picture in latent.pictures])
    top = max(float(np.quantile(errors, 0.999)), 1e-3)
    height, width = shown[0].x.shape[:2]
    side = min((WIDTH - MARGIN) / (2 * len(shown)), MAX_HEIGHT * width / height)
    with figure_style():
        size = (2 * len(shown) * side + MARGIN, side * height / width * (len(latents) + 1) + 0.4)
        figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.06))  # or a name's first letter is cut
        grid = figure.subplots(len(latents) + 1, 2 * len(shown), squeeze=False)
        for axes in grid.ravel():
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        for number, picture in enumerate(shown):
            _show_image(grid[0, 2 * number], picture.x)
            grid[0, 2 * number].set_title(f"{picture.rank}: {picture.patient_id}", fontsize=7)
        _name_row(grid[0, 0], "input")
        for row, latent in zip(grid[1:], latents, strict=True):
            _show_row(row, latent.pictures, top)
            _name_row(row[0], latent.group)
        figure.colorbar(grid[1, 1].images[0], ax=grid[0, 1::2], extend="max", label="absolute error", aspect=8)
        return to_png(figure), top


def draw_usage(latents: Sequence[Latent], styles: dict[str, Style]) -> str | None:
    """Frequencies of the codes on the test slices, sorted; a curve ends at its last used code."""
    with_codes = [latent for latent in latents if latent.code_counts is not None]
    if not with_codes:
        return None
    with figure_style():
        figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
        axes = figure.subplots()
        for latent in with_codes:
            counts = latent.code_counts
            used = np.sort(counts[counts > 0])[::-1]  # type: ignore[index, operator]
            style, places = styles[latent.group], np.arange(1, used.size + 1)
            axes.plot(places, used / used.sum(), linestyle=style.line, color=style.colour, label=latent.group)
        axes.set(xlabel="code, most frequent first", ylabel="share of positions", xscale="log", yscale="log")
        axes.grid()
        add_legend(figure, LEGEND_SIZE)
        return to_svg(figure)


def draw_codebooks(latents: Sequence[Latent]) -> str | None:
    """Codewords on their first two principal components, a panel a variant, coloured by their frequency."""
    shown = [latent for latent in latents if latent.codewords is not None and latent.code_counts is not None]
    return _draw_panels(shown, _draw_codewords, to_png)


def draw_gains(latents: Sequence[Latent]) -> str | None:
    """Histograms of the stored gains, a panel a variant, all groups of channels together."""
    shown = [latent for latent in latents if latent.gains is not None and latent.gains.size]
    return _draw_panels(shown, _draw_gains, to_svg)


def _draw_panels(
    latents: Sequence[Latent], draw: Callable[[Axes, Latent], None], encode: Callable[[Figure], str]
) -> str | None:
    if not latents:
        return None
    rows = -(-len(latents) // COLUMNS)
    with figure_style():
        figure = Figure(figsize=(WIDTH, 2.5 * rows + 0.2), layout="constrained")
        for number, latent in enumerate(latents, start=1):
            axes = figure.add_subplot(rows, COLUMNS, number)
            draw(axes, latent)
            axes.set_title(latent.group)
            axes.locator_params(nbins=4)
            axes.tick_params(labelsize=6)
        return encode(figure)


def _draw_codewords(axes: Axes, latent: Latent) -> None:
    codewords, counts = latent.codewords, latent.code_counts
    if codewords is None or counts is None:
        return
    (first, second), explained = (array.T for array in principal_components(codewords))
    used = counts > 0
    axes.scatter(first[~used], second[~used], s=8, marker="x", color="0.65", linewidths=0.6)
    order = np.argsort(counts[used])  # frequent codes on top
    axes.scatter(first[used][order], second[used][order], s=6, c=counts[used][order], norm=LogNorm(), cmap="viridis")
    axes.set_xlabel(f"{explained.sum():.0%} of the variance; {used.sum()} of {used.size} codes used", fontsize=7)


def _draw_gains(axes: Axes, latent: Latent) -> None:
    gains = latent.gains
    if gains is None:
        return
    low, high = np.quantile(gains, [GAIN_TAIL, 1 - GAIN_TAIL])
    inside = np.clip(gains, low, high)  # so that a few outliers do not squash all others into one bin
    axes.hist(inside, GAIN_BINS, weights=np.full(gains.size, 1 / gains.size), color="#D55E00", alpha=0.7)
    axes.set_xlabel(f"mean {gains.mean():.3g}, sd {gains.std():.3g}", fontsize=7)


def _show_row(row: np.ndarray, pictures: Sequence[PatientPicture], top: float) -> None:
    for number, picture in enumerate(pictures):
        _show_image(row[2 * number], picture.x_hat)
        row[2 * number + 1].imshow(picture.error, cmap="magma", vmin=0, vmax=top)


def _show_image(axes: Axes, image: np.ndarray) -> None:
    axes.imshow(np.clip(image, 0, 1), cmap="gray", vmin=0, vmax=1)


def _name_row(axes: Axes, name: str) -> None:
    axes.set_ylabel(name.replace(", ", "\n"), rotation=0, ha="right", va="center", fontsize=7)
