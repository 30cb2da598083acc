"""The report's figures of a codebook and of gains, each as a data URI."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from monai_vq.report.canvas import figure_style, to_svg
from monai_vq.report.codewords import principal_components
from monai_vq.report.figures import COLOURS, SPLIT_STYLES, WIDTH
from monai_vq.report.gains import GainReport
from monai_vq.report.tables import SPLITS

NARROW = 0.7 * WIDTH  # as `figure.narrow` of the page
GAIN_BINS = 60
GAIN_TAIL = 0.001  # share of gains at each end that the first and the last bin hold
PANELS_A_ROW = 4


def draw_codebook(code_counts: Mapping[str, np.ndarray]) -> str:
    """Frequencies of the codes of each split, sorted, next to uniform use; a curve ends at the last used code."""
    with figure_style():
        figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
        axes = figure.subplots()
        for split in [name for name in SPLITS if name in code_counts]:
            used = np.sort(code_counts[split][code_counts[split] > 0])[::-1]
            colour, line = SPLIT_STYLES[split]
            label = f"{split}: {used.size} codes used"
            axes.step(np.arange(1, used.size + 1), used / used.sum(), line, where="mid", color=colour, label=label)
        num_embeddings = max(counts.size for counts in code_counts.values())
        axes.axhline(1 / num_embeddings, color="0.5", linewidth=0.8, label=f"uniform use of {num_embeddings} codes")
        axes.set(xlabel="code, most frequent first", ylabel="share of positions", yscale="log")
        axes.set_xlim(0, num_embeddings + 1)
        axes.legend(frameon=False)
        return to_svg(figure)


def draw_codewords(codewords: np.ndarray, counts: np.ndarray) -> str:
    """Codewords [K, D] on their first two principal components, coloured by how often each occurs, counts [K]."""
    places, explained = principal_components(codewords)
    share = counts / max(counts.sum(), 1)
    used = share > 0
    with figure_style():
        figure = Figure(figsize=(NARROW, 4.6), layout="constrained")
        axes = figure.subplots()
        x, y = places[~used].T
        unused = f"{np.sum(~used)} unused codes"
        axes.scatter(x, y, s=12, marker="x", color="0.6", linewidths=0.7, label=unused, rasterized=True)
        order = np.argsort(share)[np.sum(~used) :]  # frequent codes on top
        x, y = places[order].T
        points = axes.scatter(x, y, s=14, c=share[order], norm=LogNorm(), cmap="viridis", rasterized=True)
        first, second = (f"component {i} ({part:.1%} of the variance)" for i, part in enumerate(explained, start=1))
        axes.set(xlabel=first, ylabel=second)
        figure.colorbar(points, label="share of positions")
        axes.set_aspect("equal", adjustable="datalim")
        axes.grid()
        if not used.all():
            axes.legend(frameon=False)
        return to_svg(figure)


def draw_gains(gains: GainReport) -> str:
    """A panel a group of channels: the histogram of its gains, or, of rounded ones, the share of each level."""
    groups = len(gains.histogram.counts)
    columns = min(groups, PANELS_A_ROW)
    rows = -(-groups // columns)
    with figure_style():
        figure = Figure(figsize=(NARROW if groups == 1 else WIDTH, 2.6 * rows), layout="constrained")
        for number in range(groups):
            axes = figure.add_subplot(rows, columns, number + 1)
            if gains.levels is None:
                _draw_histogram(axes, gains, number)
            else:
                _draw_levels(axes, gains.levels[number], gains.histogram.level_counts(gains.levels)[number])
            axes.set(
                xlabel=f"gain {number + 1}" if groups > 1 else "gain", ylabel=None if number % columns else "share"
            )
            axes.grid(axis="y")
        return to_svg(figure)


def _draw_histogram(axes: Axes, gains: GainReport, group: int) -> None:
    histogram = gains.histogram
    low, high = (histogram.quantile(level)[group] for level in (GAIN_TAIL, 1 - GAIN_TAIL))
    weights = histogram.counts[group] / max(histogram.counts[group].sum(), 1)
    inside = np.clip(histogram.values, low, high)  # so that a few outliers do not squash all others into one bin
    axes.hist(inside, GAIN_BINS, weights=weights, histtype="stepfilled", color=COLOURS[0], alpha=0.7)


def _draw_levels(axes: Axes, levels: np.ndarray, counts: np.ndarray) -> None:
    share = counts / max(counts.sum(), 1)
    axes.vlines(levels, 0, share, color=COLOURS[0], linewidth=max(1.0, 48 / levels.size))
    axes.plot(levels, np.zeros_like(levels), "|", color="black", markersize=8, clip_on=False)
    axes.set_ylim(bottom=0)
