"""The page of a comparison: one HTML file that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Template

from monai_vq.pages import encode, number, page_environment
from monai_vq.report.comparison.cautions import find_comparison_cautions
from monai_vq.report.comparison.checks import split_sha256
from monai_vq.report.comparison.differences import patient_scores
from monai_vq.report.comparison.figures import draw_differences, draw_histories, draw_rates
from monai_vq.report.comparison.pictures import SharedSlice, draw_shared_slices, shared_slices
from monai_vq.report.comparison.runs import Comparison
from monai_vq.report.comparison.settings import common_settings, comparison_settings, different_settings
from monai_vq.report.disclosure import MIN_PATIENTS
from monai_vq.report.score_cells import RATE_FORMAT, SCORE_FORMATS, Cell, score_cell
from monai_vq.report.scores import ScoreTables
from monai_vq.report.settings import baseline_settings, interval_settings, metric_settings

__all__ = ["render_comparison"]

SCORE_NAMES = {
    "ssim": "SSIM",
    "ssim_foreground": "foreground SSIM",
    "psnr": "PSNR, dB",
    "mse": "MSE",
    "mae": "MAE",
}
MOST_DIFFERENCES = 4  # columns of differences in the table of patients: with more it is wider than paper
TABLE_DIGITS = 4  # of an SSIM in the table of patients; one more is sent, for sorting


def render_comparison(comparison: Comparison, differences: pd.DataFrame, public: bool = False) -> str:
    """The page as text; equal arguments give an equal text.

    Args:
        comparison: the runs; for a public page, of what may be public.
        differences: from `difference_table`.
        public: leaves out what belongs to single patients.
    """
    slices = shared_slices(comparison)
    worst, *_, best = sorted(_leads(comparison), key=lambda lead: lead["ssim"])
    return _template().render(
        public=public,
        min_patients=MIN_PATIENTS,
        comparison=comparison,
        unit=comparison.unit,
        names=[run.name for run in comparison.runs],
        reference=comparison.reference.name,
        compared_split=comparison.compared_split,
        sizes=_sizes(comparison),
        split_sha256=split_sha256(comparison.reference.content),
        best=best,
        worst=worst,
        cautions=find_comparison_cautions(comparison),
        score_groups=_score_groups(comparison),
        score_names=SCORE_NAMES,
        differences={score: _difference_rows(differences, score) for score in SCORE_NAMES},
        difference_figure=draw_differences(comparison, differences, public),
        rate_figure=draw_rates(comparison),
        patient_list=None if public else encode(_patient_list(comparison)),
        history_figure=draw_histories(comparison),
        slices=slices,
        picture_figure=_picture_figure(comparison, slices),
        different=different_settings(comparison),
        common=common_settings(comparison),
        method={
            "Comparison": comparison_settings(comparison),
            "Scores": metric_settings(),
            "Intervals": interval_settings(),
            "Baselines": baseline_settings(list(comparison.baselines)),
        },
    )


def _template() -> Template:
    return page_environment(Path(__file__).parent).get_template("comparison.html")


def _sizes(comparison: Comparison) -> dict[str, dict[str, int]]:
    """Patients and slices of each split, the same for all runs."""
    rows = {split: comparison.reference.split_rows(split) for split in comparison.splits}
    return {split: {name: int(row[name]) for name in ("n_patients", "n_slices")} for split, row in rows.items()}


def _leads(comparison: Comparison) -> list[dict[str, Any]]:
    """Name, SSIM and rate of every run on the compared split."""
    return [{"name": run.name, **run.split_rows(comparison.compared_split)} for run in comparison.runs]


def _score_groups(comparison: Comparison) -> list[dict[str, Any]]:
    """For each split the cells of every run, then those of the baselines, once."""
    tables = {run.name: run.tables for run in comparison.runs}
    groups = []
    for split in comparison.splits:
        lines = [(name, _cells(own, split), True) for name, own in tables.items()]
        lines += [(name, _cells(own, split), False) for name, own in comparison.baselines.items()]
        groups.append({"split": split, "lines": lines})
    return groups


def _cells(tables: ScoreTables, split: str) -> list[Cell]:
    row = tables.splits.set_index("split").to_dict("index")[split]
    rate = score_cell(row, "bits_per_pixel", RATE_FORMAT)
    varies = f"{row['bits_per_pixel_low']:{RATE_FORMAT}}" != f"{row['bits_per_pixel_high']:{RATE_FORMAT}}"
    entropy = Cell(number(row["bits_per_pixel_entropy"], RATE_FORMAT))
    return [*(score_cell(row, name) for name in SCORE_FORMATS), rate if varies else Cell(rate.value), entropy]


def _difference_rows(differences: pd.DataFrame, score: str) -> list[dict[Any, Any]]:
    """The rows of one score, with the difference as a cell."""
    spec = SCORE_FORMATS[score].replace("#", "+#", 1) if "#" in SCORE_FORMATS[score] else f"+{SCORE_FORMATS[score]}"
    own = differences[differences["score"] == score].rename(
        columns={"mean": score, "low": f"{score}_low", "high": f"{score}_high"}
    )
    return [row | {"difference": score_cell(row, score, spec)} for row in own.to_dict("records")]


def _patient_list(comparison: Comparison) -> dict[str, Any]:
    """A row a patient and a column a run, for `patients.js`; differences from the reference, where they are few."""
    tables = []
    for split in comparison.splits:
        scores = patient_scores(comparison, "ssim", split).rename(columns="SSIM {}".format)
        if len(comparison.others) <= MOST_DIFFERENCES:
            reference = comparison.reference.name
            for run in comparison.others:
                title = f"{run.name} − {reference}"
                scores[title] = scores[f"SSIM {run.name}"] - scores[f"SSIM {reference}"]
        tables.append(scores.assign(split=split).reset_index())
    table = pd.concat(tables, ignore_index=True)
    titles = [name for name in table if name not in ("split", "patient_id")]
    columns = [
        {"title": "split", "digits": None, "filter": comparison.splits if len(comparison.splits) > 1 else None},
        {"title": comparison.unit, "digits": None, "filter": None},
        *({"title": title, "digits": ("fixed", TABLE_DIGITS), "filter": None} for title in titles),
    ]
    cells = [table["split"], table["patient_id"], *(_rounded(table[title]) for title in titles)]
    return {"columns": columns, "rows": [list(row) for row in zip(*cells, strict=True)]}


def _rounded(scores: pd.Series) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), TABLE_DIGITS + 1) for value in scores]


def _picture_figure(comparison: Comparison, slices: Sequence[SharedSlice]) -> tuple[str, float] | None:
    return draw_shared_slices(slices, [run.name for run in comparison.runs]) if slices else None
