"""The report's figures, each as a data URI, in colours that are told apart with every colour vision."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from monai_vq.report.canvas import figure_style, plain, to_png, to_svg
from monai_vq.report.pictures import PatientPicture
from monai_vq.report.scores import ScoreTables
from monai_vq.report.tables import SPLITS

# Okabe and Ito's palette.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"]
SPLIT_STYLES = {"train": ("#0072B2", "-"), "val": ("#E69F00", "--"), "test": ("#D55E00", ":")}
WIDTH = 11.0  # inches; the page scales every figure to its own width
SCORE_LABELS = {"ssim": "SSIM", "ssim_foreground": "foreground SSIM", "psnr": "PSNR (dB)"}
HISTORY_PANELS = [
    ("reconstruction loss (MSE)", ["train_reconstruction", "val_mse"], "log"),
    ("quantisation loss", ["train_quantization", "val_quantization"], "log"),
    ("total training loss", ["train_loss"], "log"),
    ("validation SSIM", ["val_ssim"], "linear"),
    ("codebook usage", ["train_usage", "val_usage"], "linear"),
    ("codebook perplexity", ["train_perplexity", "val_perplexity"], "linear"),
    ("share of positions that stay continuous", ["train_continuous"], "linear"),
    ("learning rate", ["learning_rate"], "linear"),
    ("largest step's loss / running median", ["train_spike_ratio"], "linear"),
]


def draw_patients(tables: Mapping[str, ScoreTables], public: bool = False) -> str:
    """Every patient's scores, by split: points, a box of quartiles, and the mean with its interval.

    Args:
        tables: by name, the model first, then the baselines.
        public: draws one standard deviation in the place of points and boxes, which are single patients' values.
    """
    with figure_style():
        figure = Figure(figsize=(WIDTH, 3.7), layout="constrained")
        for axes, (name, label) in zip(figure.subplots(1, len(SCORE_LABELS)), SCORE_LABELS.items(), strict=True):
            _draw_score(axes, tables, name, public)
            axes.set_ylabel(label)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
        return to_svg(figure)


def draw_pictures(pictures: Sequence[PatientPicture]) -> tuple[str, float]:
    """A row a patient: input, reconstruction and absolute error, the errors on one scale.

    Returns:
        The figure, and the error at the top of its colour scale (the 99.9th percentile of all shown pixels).
    """
    top = max(float(np.quantile(np.concatenate([p.error.ravel() for p in pictures]), 0.999)), 1e-3)
    with figure_style():
        height, width = pictures[0].x.shape[:2]
        figure = Figure(figsize=(WIDTH * 0.8, 2.3 * len(pictures) * height / width + 0.5), layout="constrained")
        grid = figure.subplots(len(pictures), 3, squeeze=False)
        for row, picture in zip(grid, pictures, strict=True):
            _draw_picture(row, picture, top)
        for axes, heading in zip(grid[0], ["input x", "reconstruction x̂", "absolute error |x̂ − x|"], strict=True):
            axes.set_title(heading)
        figure.colorbar(grid[0, 2].images[0], ax=grid[:, 2], extend="max", shrink=0.9, aspect=40)
        return to_png(figure), top


def draw_history(history: pd.DataFrame) -> str | None:
    """Training curves from the columns of metrics.csv that say something; None where none does.

    A column that is empty or 0 throughout, as the quantisation loss of a model without a quantizer, is left out.
    """
    numbers = history.apply(pd.to_numeric, errors="coerce")
    drawn = {name for name in numbers if numbers[name].fillna(0).any()}
    panels = [(title, [c for c in columns if c in drawn], scale) for title, columns, scale in HISTORY_PANELS]
    panels = [panel for panel in panels if panel[1]]
    if not panels:
        return None
    time = next((name for name in ("epoch", "iteration") if name in numbers and numbers[name].is_unique), None)
    numbers = numbers.set_index(time) if time else numbers
    with figure_style():
        rows = -(-len(panels) // 3)
        figure = Figure(figsize=(WIDTH, 2.6 * rows), layout="constrained")
        for number, (title, columns, scale) in enumerate(panels, start=1):
            axes = figure.add_subplot(rows, 3, number)
            _draw_curves(axes, numbers[columns], scale)
            axes.set(title=title, xlabel=time or "row")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        return to_svg(figure)


def _draw_score(axes: Axes, tables: Mapping[str, ScoreTables], name: str, public: bool) -> None:
    splits = [split for split in SPLITS if any((t.splits["split"] == split).any() for t in tables.values())]
    spread = 0.8 / len(tables)
    rng = np.random.default_rng(0)  # horizontal jitter only; seeded so that a report can be reproduced to the byte
    for which, (label, table) in enumerate(tables.items()):
        colour = COLOURS[which % len(COLOURS)]
        for place, split in enumerate(splits):
            centre = place + (which - (len(tables) - 1) / 2) * spread
            patients = table.patients.loc[table.patients["split"] == split, name].dropna().to_numpy(dtype=float)
            if patients.size == 0:
                continue
            if public:
                axes.vlines(centre, *_one_deviation(patients), color=colour, linewidth=6, alpha=0.5)
            else:
                _draw_points(axes, centre + rng.uniform(-0.25, 0.25, patients.size) * spread, patients, colour)
                _draw_box(axes, centre, patients, colour, 0.7 * spread)
            _draw_interval(axes, centre, table.splits[table.splits["split"] == split].iloc[0], name)
        axes.scatter([], [], color=colour, label=label)
    axes.set_xticks(range(len(splits)), splits)
    axes.grid(axis="y")


def _one_deviation(patients: np.ndarray) -> tuple[float, float]:
    deviation = patients.std(ddof=1) if patients.size > 1 else 0.0
    return patients.mean() - deviation, patients.mean() + deviation


def _draw_points(axes: Axes, x: np.ndarray, patients: np.ndarray, colour: str) -> None:
    axes.scatter(x, patients, s=9, color=colour, alpha=0.5, linewidths=0, rasterized=True)


def _draw_box(axes: Axes, centre: float, patients: np.ndarray, colour: str, width: float) -> None:
    axes.boxplot(
        patients, positions=[centre], widths=width, showfliers=False, manage_ticks=False,
        medianprops={"color": colour}, boxprops={"color": colour}, whiskerprops={"color": colour},
        capprops={"color": colour},
    )  # fmt: skip


def _draw_interval(axes: Axes, centre: float, row: pd.Series, name: str) -> None:
    below, above = row[name] - row[f"{name}_low"], row[f"{name}_high"] - row[name]
    error = None if np.isnan(below) else [[max(below, 0)], [max(above, 0)]]
    axes.errorbar(centre, row[name], error, fmt="D", markersize=3.5, color="black", capsize=2, linewidth=1, zorder=4)


def _draw_picture(row: np.ndarray, picture: PatientPicture, top: float) -> None:
    for axes, image in zip(row, [picture.x, np.clip(picture.x_hat, 0, 1), picture.error], strict=True):
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        is_error = axes is row[2]
        axes.imshow(image, cmap="magma" if is_error else "gray", vmin=0, vmax=top if is_error else 1)
    name = plain(picture.patient_id)
    row[0].set_ylabel(f"{picture.rank}: {name}\nslice {picture.slice_index}, SSIM {picture.ssim:.3f}")


def _draw_curves(axes: Axes, curves: pd.DataFrame, scale: str) -> None:
    for colour, line, name in zip(COLOURS, ["-", "--", ":"], curves, strict=False):
        values = curves[name].dropna()
        marker = "." if len(values) < 40 else ""
        axes.plot(values.index, values, line, color=colour, marker=marker, linewidth=1.2, label=name)
    if scale == "log" and np.nanmin(curves.to_numpy(dtype=float)) > 0:
        axes.set_yscale("log")
    if curves.shape[1] > 1:
        axes.legend(frameon=False)
    axes.grid()
