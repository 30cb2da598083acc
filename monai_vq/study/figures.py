"""The charts of a study, each as a data URI."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from monai_vq.report.canvas import figure_style, to_svg
from monai_vq.report.figures import WIDTH
from monai_vq.report.styles import Style, add_legend
from monai_vq.study.results import FinishedRun, Results
from monai_vq.study.styles import LEGEND_SIZE, assign_variant_styles

LOSS_PANELS = {
    "train_reconstruction": "reconstruction, train",
    "val_mse": "reconstruction, held out (val)",
    "train_quantization": "quantisation, train",
    "val_quantization": "quantisation, held out (val)",
}
SCORE_LABELS = {
    "ssim": "SSIM",
    "psnr": "PSNR (dB)",
    "mse": "MSE",
    "perplexity": "perplexity",
    "bits_per_pixel": "bits per pixel",
}
CURVE_FAMILIES = ("frequency", "hybrid")
CURVE_ANCHORS = ("vq_ema", "projected", "none")  # what S = K and S = 0 are to meet


def group_styles(results: Results) -> dict[str, Style]:
    """Returns the style of each variant and grid point."""
    members = [members[0].run.variant for members in results.groups.values()]
    return dict(zip(results.groups, assign_variant_styles(members), strict=True))


def draw_rate_distortion(results: Results) -> str:
    """Bits per pixel against SSIM and PSNR on the test split; hollow and to the left, the rate by code entropy."""
    styles = group_styles(results)
    with figure_style():
        figure = Figure(figsize=(WIDTH, 5.0), layout="constrained")
        for axes, score in zip(figure.subplots(1, 2), ("ssim", "psnr"), strict=True):
            for (group, style), row in zip(styles.items(), results.variants.to_dict("records"), strict=True):
                _draw_point(axes, row, score, style, group)
            axes.set(xscale="log", xlabel="bits per pixel", ylabel=SCORE_LABELS[score])
            axes.grid()
        add_legend(figure, LEGEND_SIZE)
        return to_svg(figure)


def draw_losses(results: Results) -> str | None:
    """The four curves of the source report, of all variants: mean over seeds, and the range of the seeds.

    Panels of columns that no metrics.csv has are left out; None where none has any.
    """
    columns = [name for name in LOSS_PANELS if any(_has(one.history, name) for one in results.finished)]
    if not columns:
        return None
    styles = group_styles(results)
    with figure_style():
        figure = Figure(figsize=(WIDTH, 3.4 * -(-len(columns) // 2) + 0.8), layout="constrained")
        panels = figure.subplots(-(-len(columns) // 2), 2, squeeze=False).ravel()
        for axes, column in zip(panels, columns, strict=False):
            for group, members in results.groups.items():
                _draw_curve(axes, members, column, styles[group], group)
            axes.set(title=LOSS_PANELS[column], xlabel="epoch", yscale="log")
            axes.grid()
        for axes in panels[len(columns) :]:
            axes.set_axis_off()
        add_legend(figure, LEGEND_SIZE)
        return to_svg(figure)


def draw_frequent(results: Results) -> str | None:
    """SSIM, MSE and rate against S / K for frequency and hybrid; None where there are not two S of one of them."""
    members = [members[0] for members in results.groups.values()]
    rows = results.variants.assign(
        group=list(results.groups),
        share=[_frequent_share(one) for one in members],
        family=[one.run.variant.family for one in members],
    )
    frequent = rows[rows["family"].isin(CURVE_FAMILIES)].sort_values("share")
    names = ["family", *results.knobs]
    curves = {key: curve for key, curve in frequent.groupby(names, dropna=False) if curve["share"].nunique() > 1}
    if not curves:
        return None
    styles = group_styles(results)
    with figure_style():
        figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
        for axes, score in zip(figure.subplots(1, 3), ("ssim", "mse", "bits_per_pixel"), strict=True):
            for key, curve in curves.items():
                style = styles[curve["group"].iloc[-1]]
                _draw_knob(axes, curve, "share", score, style, ", ".join(_point_words(names, key)))
            for row in rows[rows["variant"].isin(CURVE_ANCHORS)].to_dict("records"):
                axes.axhline(row[score], color=styles[row["group"]].colour, linestyle="--", label=row["group"])
            axes.set(xscale="linear", xlabel="S / K, share of codes that are frequent", ylabel=SCORE_LABELS[score])
            if score != "ssim":
                axes.set_yscale("log")
            axes.grid()
        add_legend(figure, LEGEND_SIZE)
        return to_svg(figure)


def draw_grid(results: Results, knob: str) -> str | None:
    """A knob of the grid against SSIM, MSE and perplexity; None where no variant was run with two values."""
    table = results.variants.dropna(subset=knob)
    others = ["variant", *(name for name in results.knobs if name != knob)]
    lines = [(key, line) for key, line in table.groupby(others, dropna=False, sort=False) if line[knob].nunique() > 1]
    if not lines:
        return None
    variants = [results.groups[_group_at(results, line.index[0])][0].run.variant for _, line in lines]
    with figure_style():
        figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
        for axes, score in zip(figure.subplots(1, 3), ("ssim", "mse", "perplexity"), strict=True):
            for (key, line), style in zip(lines, assign_variant_styles(variants), strict=True):
                label = ", ".join(_point_words(others, key))
                _draw_knob(axes, line, knob, score, style, label)
            axes.set(xlabel=knob, ylabel=SCORE_LABELS[score])
            axes.grid()
        add_legend(figure, LEGEND_SIZE)
        return to_svg(figure)


def _draw_point(axes: Axes, row: dict, score: str, style: Style, label: str) -> None:
    own: dict[str, Any] = {"color": style.colour, "marker": style.marker, "linestyle": "none"}
    deviation = row[f"{score}_sd"]
    axes.errorbar(
        row["bits_per_pixel"], row[score], None if pd.isna(deviation) else deviation, capsize=2, label=label, **own
    )
    if pd.notna(row["bits_per_pixel_entropy"]):
        rates = [row["bits_per_pixel_entropy"], row["bits_per_pixel"]]
        axes.plot(rates, [row[score]] * 2, color=style.colour, linewidth=0.6, zorder=0)
        axes.plot(rates[0], row[score], markerfacecolor="white", markersize=5, **own)


def _draw_curve(axes: Axes, members: list[FinishedRun], column: str, style: Style, label: str) -> None:
    histories = [one.history.set_index("epoch")[column].dropna() for one in members if _has(one.history, column)]
    if not histories:
        return
    table = pd.concat(histories, axis=1)
    table = table[(table > 0).all(axis=1)]  # no quantisation loss has no place on a logarithmic axis
    marker = "." if len(table) < 40 else ""
    mean = table.mean(axis=1)
    axes.plot(mean.index, mean, linestyle=style.line, color=style.colour, marker=marker, linewidth=1.1, label=label)
    axes.fill_between(table.index, table.min(axis=1), table.max(axis=1), color=style.colour, alpha=0.12, linewidth=0)


def _draw_knob(axes: Axes, line: pd.DataFrame, knob: str, score: str, style: Style, label: str) -> None:
    numeric = pd.to_numeric(line[knob], errors="coerce").notna().all()
    x = pd.to_numeric(line[knob]) if numeric else line[knob].astype(str)
    line = line.assign(_x=x).sort_values("_x") if numeric else line.assign(_x=x)
    own: dict[str, Any] = {"color": style.colour, "marker": style.marker, "linestyle": style.line, "capsize": 2}
    axes.errorbar(line["_x"], line[score], line[f"{score}_sd"].fillna(0), label=label, **own)
    if numeric and line["_x"].min() > 0 and line["_x"].max() >= 4 * line["_x"].min():
        axes.set_xscale("log", base=2)
        axes.set_xticks(line["_x"], [f"{value:g}" for value in line["_x"]])


def _frequent_share(one: FinishedRun) -> float:
    S = one.run.settings.get("num_frequent")
    return float("nan") if S is None else S / one.num_embeddings


def _group_at(results: Results, place: int) -> str:
    return list(results.groups)[place]


def _point_words(names: list[str], key: tuple) -> list[str]:
    known = [(name, value) for name, value in zip(names, key, strict=True) if pd.notna(value)]
    return [str(value) if name in ("variant", "family") else f"{name}={value}" for name, value in known]


def _has(history: pd.DataFrame, column: str) -> bool:
    return column in history and bool(history[column].notna().any())
