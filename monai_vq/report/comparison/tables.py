"""The two files of a comparison: a row a run and split, and a row a patient and run."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from monai_vq.report.comparison.runs import Comparison
from monai_vq.report.tables import SCORES, SPLITS

__all__ = ["patient_rows", "score_rows"]

DIFFERENCE_COLUMNS = ["mean", "low", "high", "p", "holm_p", "better", "worse"]


def score_rows(comparison: Comparison, differences: pd.DataFrame, splits: Sequence[str]) -> pd.DataFrame:
    """The rows of comparison.csv.

    Args:
        comparison: the runs.
        differences: from `difference_table`.
        splits: that are listed.

    Returns:
        A row a split and run: ``run``, the columns of ssim_splits.csv, then for each score ``<score>_difference``,
        ``_difference_low``, ``_difference_high``, ``_p``, ``_holm_p``, ``_better`` and ``_worse`` against the
        reference, which are empty for the reference itself and for all but the compared split.
    """
    rows = pd.concat([run.tables.splits.assign(run=run.name) for run in comparison.runs], ignore_index=True)
    wide = _wide(differences).assign(split=comparison.compared_split)
    rows = rows[["run", *rows.columns.drop("run")]].merge(wide, how="left", on=["run", "split"])
    order = [(split, run.name) for split in splits for run in comparison.runs]
    return rows.set_index(["split", "run"]).loc[order].reset_index()[rows.columns]


def patient_rows(comparison: Comparison) -> pd.DataFrame:
    """The rows of comparison_patients.csv: ``run``, the columns of ssim_patients.csv, and ``ssim_difference``.

    The difference is run − reference, in every split.
    """
    reference = comparison.reference.tables.patients[["split", "patient_id", "ssim"]]
    rows = [
        run.tables.patients.merge(reference, on=["split", "patient_id"], suffixes=("", "_reference")).assign(
            run=run.name
        )
        for run in comparison.runs
    ]
    table = pd.concat(rows, ignore_index=True)
    table = table.assign(ssim_difference=table["ssim"] - table["ssim_reference"]).drop(columns="ssim_reference")
    table = table.sort_values(["split", "patient_id"], key=_split_order, kind="stable", ignore_index=True)
    return table[["run", *table.columns.drop("run")]]


def _split_order(column: pd.Series) -> pd.Series:
    return column.map(SPLITS[::-1].index) if column.name == "split" else column


def _wide(differences: pd.DataFrame) -> pd.DataFrame:
    """A row a run, and the columns of each score side by side."""
    renamed = {"mean": "difference", "low": "difference_low", "high": "difference_high"}
    parts = []
    for score in SCORES:
        own = differences[differences["score"] == score].set_index("run")[DIFFERENCE_COLUMNS]
        parts.append(own.rename(columns=renamed).add_prefix(f"{score}_"))
    return pd.concat(parts, axis=1).reset_index()
