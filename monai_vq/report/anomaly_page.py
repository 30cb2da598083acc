"""The page of anomaly maps: one HTML file that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from monai_vq.anomaly.evaluation import PRIOR_METHODS, SCORES
from monai_vq.metrics.bootstrap import FEW_PATIENTS
from monai_vq.pages import page_environment
from monai_vq.report.anomaly_figures import AnomalyPicture, draw_lesions, draw_maps
from monai_vq.report.settings import interval_settings, settings_sections
from monai_vq.report.tables import write_whole

SCORE_LABELS = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "dice": "Dice",
    "best_dice": "best Dice",
}


@dataclass(frozen=True)
class Evaluation:
    """What planted lesions say about the methods.

    Attributes:
        methods: of `monai_vq.anomaly.evaluation.method_table`.
        scans: of `scan_table`.
        lesions: of `lesion_table`.
    """

    methods: pd.DataFrame
    scans: pd.DataFrame
    lesions: pd.DataFrame


def write_anomaly_page(
    path: Path,
    pictures: Sequence[AnomalyPicture],
    scans: pd.DataFrame,
    evaluation: Evaluation | None = None,
    settings: Mapping[str, Any] | None = None,
    cautions: Sequence[str] = (),
    title: str = "Anomaly maps",
    unit: str = "patient",
) -> Path:
    """Writes the page, whole or not at all; returns its path. Equal arguments give an equal file.

    Args:
        path: ends in ``.html``.
        pictures: one at least, all of one size.
        scans: a row a scan for the page's last table, its columns as headings; shown where no lesions were planted.
        evaluation: None where no lesions were planted.
        settings: provenance; a nested mapping becomes a section of its own.
        cautions: sentences for the top, beside the page's own.
        title: heading of the page.
        unit: what a ``patient_id`` stands for: ``patient``, or ``scan`` or ``image``.
    """
    text = (
        page_environment(Path(__file__).parent)
        .get_template("anomaly_page.html")
        .render(
            title=title,
            unit=unit,
            cautions=[*cautions, *_cautions(evaluation, unit)],
            result=None if evaluation is None else _result(evaluation.methods),
            labels=SCORE_LABELS,
            rows=[] if evaluation is None else _rows(evaluation.methods),
            lesion_figure=None if evaluation is None else draw_lesions(evaluation.lesions),
            num_lesions=0 if evaluation is None else _count_lesions(evaluation.lesions),
            map_figure=draw_maps(pictures),
            scan_columns=list(scans.columns),
            scan_rows=[[_text(value) for value in row] for row in scans.itertuples(index=False)],
            method=_method_settings(evaluation is not None),
            provenance=settings_sections(settings or {}),
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return path


def _result(methods: pd.DataFrame) -> dict[str, Any]:
    """The one result of the page: the better of the prior's maps by AUROC, and the best baseline."""
    of_prior = methods[methods["method"].isin(PRIOR_METHODS)].sort_values("auroc").iloc[-1]
    others = methods[~methods["method"].isin(PRIOR_METHODS)].sort_values("auroc").iloc[-1]
    return {"prior": of_prior.to_dict(), "baseline": others.to_dict(), "n_patients": int(of_prior["n_patients"])}


def _rows(methods: pd.DataFrame) -> list[dict[str, Any]]:
    """The lines of the table of methods, as text."""
    return [
        {
            "method": row["method"],
            "is_prior": row["method"] in PRIOR_METHODS,
            "cells": [
                (
                    f"{row[score]:.3f}",
                    _interval(row, score),
                    _gain(row, score) if row["method"] in PRIOR_METHODS else "",
                )
                for score in SCORES
            ],
        }
        for row in methods.to_dict("records")
    ]


def _interval(row: Mapping[Any, Any], name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return "" if pd.isna(low) else f"[{low:.3f}, {high:.3f}]"


def _gain(row: Mapping[Any, Any], score: str) -> str:
    gain, low, high = (row[f"{score}_gain{side}"] for side in ("", "_low", "_high"))
    return f"{gain:+.3f}" if pd.isna(low) else f"{gain:+.3f} [{low:+.3f}, {high:+.3f}]"


def _cautions(evaluation: Evaluation | None, unit: str) -> list[str]:
    """What a reader must know before believing the maps."""
    cautions = [
        "A map shows where an image differs from the training images, not a disease. It is no diagnosis.",
        f"What the model and the prior learned from counts as healthy, whatever is known of those {unit}s.",
    ]
    if evaluation is None:
        return cautions
    number = int(evaluation.methods["n_patients"].min())
    if number < FEW_PATIENTS:
        cautions.append(f"Only {number} {unit}s: the intervals are wide, and hold only if these {unit}s are typical.")
    cautions.append("Planted lesions are no real ones: they say which map is better, not how well it finds disease.")
    result = _result(evaluation.methods)
    if result["prior"]["auroc"] <= result["baseline"]["auroc"]:
        cautions.append(f"{result['baseline']['method']}, which knows no prior, has the higher AUROC.")
    return cautions


def _count_lesions(lesions: pd.DataFrame) -> int:
    return int((lesions["method"] == lesions["method"].iloc[0]).sum())


def _method_settings(is_evaluation: bool) -> dict[str, dict[str, str]]:
    maps = {
        "likelihood": "bits (−log2 p) of the code and gains at each position, given the positions before it; less the "
        "mean and divided by the standard deviation that healthy validation slices have there; resampled bilinearly",
        "restoration": "positions whose deviation is above a quantile of the healthy validation slices' are drawn anew "
        "from the prior and decoded; mean of |x_hat − restored| times the deviation (after Pinaya et al. 2022)",
    }
    if not is_evaluation:
        return {"Maps": maps}
    baselines = {
        "reconstruction error": "|x − x_hat| of stage 1",
        "difference from median": "|x − median of the scan's foreground|",
        "deviation from healthy": "|x − mean| / standard deviation of the training patients' pixels at the same place",
    }
    scores = {
        "pixels": "of the foreground, all slices of a scan",
        "smoothing": "Gaussian; each method's σ is the one of the best average precision on the tuning lesions",
        "Dice": "at the threshold of the best Dice on the tuning lesions, in validation patients",
        "best Dice": "at each scan's own best threshold: a bound",
        "gain": "over the baseline with the highest mean of that score, paired by patient",
    }
    return {"Maps": maps, "Baselines": baselines, "Scores": scores, "Intervals": interval_settings()}


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
