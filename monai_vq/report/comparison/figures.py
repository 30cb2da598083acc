"""The charts of a comparison, each as a data URI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from monai_vq.report.canvas import figure_style, plain, to_svg
from monai_vq.report.comparison.differences import patient_scores
from monai_vq.report.comparison.runs import ComparedRun, Comparison
from monai_vq.report.figures import HISTORY_PANELS, WIDTH
from monai_vq.report.styles import Style, add_legend, assign_styles

__all__ = ["draw_differences", "draw_histories", "draw_rates"]

SCORE_LABELS = {"ssim": "SSIM", "psnr": "PSNR (dB)"}
MANY_POINTS = 300  # of a run; more are drawn as an image: as shapes they would be megabytes
POINTS = "#0072B2"
BOX = 0.62  # height of a box of quartiles, of the distance between runs
COMPARED_COLUMNS = ("val_ssim", "val_mse", "train_reconstruction", "val_perplexity", "val_usage", "learning_rate")


def draw_rates(comparison: Comparison) -> str:
    """Bits per pixel against SSIM and PSNR with intervals; hollow and to the left, the rate by the codes' entropy."""
    styles, split = assign_styles([run.name for run in comparison.runs]), comparison.compared_split
    with figure_style():
        figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
        for axes, (score, label) in zip(figure.subplots(1, 2), SCORE_LABELS.items(), strict=True):
            for run in comparison.runs:
                _draw_point(axes, run.split_rows(split), score, styles[run.name], run.name)
            axes.set(xlabel="bits per pixel", ylabel=f"{label}, {split}")
            _scale_rates(axes, [run.split_rows(split)["bits_per_pixel"] for run in comparison.runs])
            axes.grid()
        add_legend(figure)
        return to_svg(figure)


def draw_differences(comparison: Comparison, differences: pd.DataFrame, public: bool = False) -> str:
    """Differences from the reference in SSIM and PSNR, a line a run: points, a box of quartiles, mean and interval.

    Args:
        comparison: the runs.
        differences: from `difference_table`.
        public: draws one standard deviation in the place of points and boxes, which are single patients' values.
    """
    names = [run.name for run in comparison.others]
    labels = [plain(name) for name in names]
    with figure_style():
        figure = Figure(figsize=(WIDTH, 1.1 + 0.55 * len(names)), layout="constrained")
        panels = figure.subplots(1, len(SCORE_LABELS), sharey=True)
        for axes, (score, label) in zip(panels, SCORE_LABELS.items(), strict=True):
            scores = patient_scores(comparison, score, comparison.compared_split)
            means = differences[differences["score"] == score].set_index("run").to_dict("index")
            for place, name in enumerate(names):
                own = (scores[name] - scores[comparison.reference.name]).dropna().to_numpy(dtype=float)
                _draw_spread(axes, place, own, public)
                _draw_mean(axes, place, means[name])
            axes.axvline(0, color="black", linewidth=0.8)
            axes.set(xlabel=f"difference in {label}", yticks=range(len(names)), yticklabels=labels)
            axes.set_ylim(len(names) - 0.5, -0.5)  # the first run on top
            axes.grid(axis="x")
        return to_svg(figure)


def draw_histories(comparison: Comparison) -> str | None:
    """Training curves, a panel a column of metrics.csv and a line a run; None where no run has any."""
    histories = {run.name: _numbers(run) for run in comparison.runs}
    titles = {name: (title, scale) for title, columns, scale in HISTORY_PANELS for name in columns}
    columns = [name for name in COMPARED_COLUMNS if any(_says_something(own, name) for own in histories.values())]
    if not columns:
        return None
    styles = assign_styles(list(histories))
    with figure_style():
        rows = -(-len(columns) // 3)
        figure = Figure(figsize=(WIDTH, 2.8 * rows + 0.5), layout="constrained")
        for place, column in enumerate(columns, start=1):
            axes = figure.add_subplot(rows, 3, place)
            for name, history in histories.items():
                if _says_something(history, column):
                    _draw_curve(axes, history[column].dropna(), styles[name], name)
            title, scale = titles[column]
            axes.set(title=f"{title}: {column}", xlabel="epoch", yscale=scale)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axes.grid()
        add_legend(figure)
        return to_svg(figure)


def _draw_point(axes: Axes, row: dict, score: str, style: Style, label: str) -> None:
    rate, value, low, high = (row[name] for name in ("bits_per_pixel", score, f"{score}_low", f"{score}_high"))
    error = None if np.isnan(low) else [[max(value - low, 0)], [max(high - value, 0)]]
    axes.errorbar(rate, value, error, fmt=style.marker, color=style.colour, capsize=2, linewidth=1, label=plain(label))
    if not np.isnan(row["bits_per_pixel_entropy"]):
        rates = [row["bits_per_pixel_entropy"], rate]
        axes.plot(rates, [value] * 2, color=style.colour, linewidth=0.6, zorder=0)
        axes.plot(rates[0], value, style.marker, color=style.colour, markerfacecolor="white", markersize=5)


def _scale_rates(axes: Axes, rates: list[float]) -> None:
    """Rates of an autoencoder and a few bits lie a hundredfold apart; near ones need numbers that can be read."""
    if max(rates) > 4 * min(rates) > 0:
        axes.set_xscale("log")
    else:
        axes.margins(x=0.15)


def _draw_spread(axes: Axes, place: int, differences: np.ndarray, public: bool) -> None:
    if public:
        deviation = np.std(differences, ddof=1)
        axes.errorbar(differences.mean(), place, xerr=deviation, fmt="none", color=POINTS, linewidth=6, alpha=0.35)
        return
    jitter = np.random.default_rng(0).uniform(-0.28, 0.28, differences.size)  # seeded: an equal page for equal scores
    as_image = differences.size > MANY_POINTS
    axes.scatter(differences, place + jitter, s=9, color=POINTS, alpha=0.6, linewidths=0, zorder=3, rasterized=as_image)
    if differences.size > 2:
        low, median, high = np.quantile(differences, [0.25, 0.5, 0.75])
        axes.barh(place, [median - low, high - median], BOX, [low, median], facecolor="none", edgecolor="0.5", zorder=2)


def _draw_mean(axes: Axes, place: int, row: Mapping[Any, Any]) -> None:
    error = None if np.isnan(row["low"]) else [[max(row["mean"] - row["low"], 0)], [max(row["high"] - row["mean"], 0)]]
    axes.errorbar(
        row["mean"], place, xerr=error, fmt="D", markersize=4, color="black", capsize=3, linewidth=1.4, zorder=5
    )


def _draw_curve(axes: Axes, values: pd.Series, style: Style, label: str) -> None:
    marker = "." if len(values) < 40 else ""
    look = {"color": style.colour, "linestyle": style.line, "marker": marker, "linewidth": 1.2}
    axes.plot(values.index, values, **look, label=plain(label))


def _numbers(run: ComparedRun) -> pd.DataFrame:
    """The run's history by epoch."""
    history = run.content.history
    if history is None or "epoch" not in history:
        return pd.DataFrame()
    return history.apply(pd.to_numeric, errors="coerce").set_index("epoch")


def _says_something(history: pd.DataFrame, column: str) -> bool:
    return column in history and bool(history[column].fillna(0).any())
