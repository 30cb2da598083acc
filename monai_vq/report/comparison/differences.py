"""Each run beside the reference, patient by patient."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from monai_vq.metrics.paired import holm, paired_difference
from monai_vq.report.cautions import HIGHER_IS_BETTER
from monai_vq.report.comparison.runs import ComparedRun, Comparison
from monai_vq.report.tables import SCORES

__all__ = ["difference_table", "patient_scores"]


def difference_table(comparison: Comparison) -> pd.DataFrame:
    """The paired comparison of every run with the reference, on the patients of the compared split.

    Returns:
        A row a score and run: ``score, run``, the fields of `PairedDifference` (run − reference), ``holm_p`` (p
        corrected over the runs, within each score), and ``better`` and ``worse``, the numbers of patients.
    """
    tables = [_differences_of(comparison, score) for score in SCORES]
    return pd.concat(tables, ignore_index=True)


def patient_scores(comparison: Comparison, score: str, split: str) -> pd.DataFrame:
    """A row a patient of a split, by its id, and a column a run."""
    return pd.DataFrame({run.name: _scores_of(run, score, split) for run in comparison.runs})


def _differences_of(comparison: Comparison, score: str) -> pd.DataFrame:
    scores = patient_scores(comparison, score, comparison.compared_split)
    reference = scores[comparison.reference.name]
    names = [run.name for run in comparison.others]
    table = pd.DataFrame([asdict(paired_difference(scores[name], reference)) for name in names])
    better, worse = ("higher", "lower") if score in HIGHER_IS_BETTER else ("lower", "higher")
    corrected = holm(table["p"].tolist())
    table = table.assign(holm_p=corrected, better=table[better], worse=table[worse])
    table.insert(0, "score", score)
    table.insert(1, "run", names)
    return table


def _scores_of(run: ComparedRun, score: str, split: str) -> pd.Series:
    patients = run.tables.patients
    return patients[patients["split"] == split].set_index("patient_id")[score]
