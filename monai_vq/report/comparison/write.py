"""A comparison on disk: the page and its tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from monai_vq.errors import InputError
from monai_vq.report.comparison.differences import difference_table
from monai_vq.report.comparison.page import render_comparison
from monai_vq.report.comparison.runs import ComparedRun, Comparison
from monai_vq.report.comparison.tables import patient_rows, score_rows
from monai_vq.report.disclosure import MIN_PATIENTS
from monai_vq.report.public import public_content
from monai_vq.report.tables import write_whole

__all__ = ["public_comparison", "write_comparison"]

PATIENT_FILE = "comparison_patients.csv"
DIGITS, PUBLIC_DIGITS = 9, 4  # significant ones; in public those of the page's tables


def write_comparison(comparison: Comparison, output_dir: Path, public: bool = False) -> Path:
    """Writes index.html, comparison.csv and, unless public, comparison_patients.csv, each whole or not at all.

    Args:
        comparison: the runs.
        output_dir: made where it does not exist.
        public: leaves out what belongs to single patients, and splits that are too small; see `public_comparison`.

    Returns:
        The path of the page.

    Raises:
        InputError: as `public_comparison` does.
    """
    comparison = public_comparison(comparison) if public else comparison
    differences = difference_table(comparison)
    page = render_comparison(comparison, differences, public)
    scores = score_rows(comparison, differences, comparison.splits)
    output_dir.mkdir(parents=True, exist_ok=True)
    if public:
        _write_table(output_dir / "comparison.csv", scores.filter(regex="^(?!.*_(better|worse)$)"), PUBLIC_DIGITS)
    else:
        _write_table(output_dir / "comparison.csv", scores)
        _write_table(output_dir / PATIENT_FILE, patient_rows(comparison))
    path = output_dir / "index.html"
    write_whole(path, page)
    return path


def public_comparison(comparison: Comparison) -> Comparison:
    """What of a comparison may be shown to others: `public_content` of every run, under its public name.

    Raises:
        InputError: if no split has enough patients.
    """
    runs = [ComparedRun(run.public_name, run.public_name, public_content(run.content)) for run in comparison.runs]
    if runs[0].content.scores.model.empty:
        raise InputError(
            f"No split has {MIN_PATIENTS} patients, so a public page would show nothing; write it without --public."
        )
    return Comparison(runs, runs[list(comparison.runs).index(comparison.reference)])


def _write_table(path: Path, table: pd.DataFrame, digits: int = DIGITS) -> None:
    write_whole(path, table.to_csv(index=False, float_format=f"%.{digits}g", lineterminator="\n"))
