"""The table of all patients, which a page's script fills: rows as compact JSON, drawn as they are scrolled to."""

from typing import Any

import numpy as np
import pandas as pd

from monai_vq.report.groups import attribute_title, in_order, label_slices

LIST_ATTRIBUTES = ("diagnosis", "sex", "age", "source", "site")  # not session: a row is over all of them
SEPARATOR = "; "  # between the values of a patient who has several
_TITLES = {
    "n_slices": "slices",
    "ssim": "SSIM",
    "ssim_foreground": "foreground SSIM",
    "psnr": "PSNR, dB",
    "mse": "MSE",
    "mae": "MAE",
    "bits_per_pixel": "bits per pixel",
}
# [fixed or significant, digits] as JavaScript's toFixed and toPrecision take them
_DIGITS: dict[str, tuple[str, int]] = {
    "n_slices": ("fixed", 0),
    "ssim": ("fixed", 4),
    "ssim_foreground": ("fixed", 4),
    "psnr": ("fixed", 2),
    "mse": ("precision", 3),
    "mae": ("precision", 3),
    "bits_per_pixel": ("precision", 4),
}


def patient_list(
    patient_rows: pd.DataFrame, slice_rows: pd.DataFrame, people: pd.DataFrame, unit: str
) -> dict[str, Any]:
    """All patients with their groups and scores, for `patients.js`.

    Args:
        patient_rows: from `tables.patient_table`.
        slice_rows: from `tables.slice_table`.
        people: with the columns of `content.PEOPLE_COLUMNS`.
        unit: the title of the column of ids.

    Returns:
        `columns`, each with its `title`, `digits` (None for text) and `filter`, the values to choose from in a list,
        None where there is nothing to choose; and `rows`, each a list of cells, None for no value. Scores have the
        digits that are shown and one more, for sorting.
    """
    groups = _groups_of(patient_rows, slice_rows, people)
    columns = [
        _text_column("split", _choices(patient_rows["split"].tolist(), in_table_order=True)),
        _text_column(unit, None),
        *(_text_column(attribute_title(name, unit), _choices(values)) for name, values in groups.items()),
        *({"title": title, "digits": _DIGITS[name], "filter": None} for name, title in _TITLES.items()),
    ]
    cells = [patient_rows["split"], patient_rows["patient_id"], *groups.values()]
    cells += [_rounded(patient_rows[name], *_DIGITS[name]) for name in _TITLES]
    return {"columns": columns, "rows": [list(row) for row in zip(*cells, strict=True)]}


def _groups_of(patient_rows: pd.DataFrame, slice_rows: pd.DataFrame, people: pd.DataFrame) -> dict[str, list[str]]:
    """For each attribute in which scans differ, every patient's value or values."""
    labels = label_slices(slice_rows, people)
    patients = slice_rows["patient_id"].to_numpy()
    differing = [name for name in LIST_ATTRIBUTES if labels[name].nunique() > 1]
    found = {name: labels[name].groupby(patients).unique() for name in differing}
    return {
        name: [SEPARATOR.join(in_order(values[patient])) for patient in patient_rows["patient_id"]]
        for name, values in found.items()
    }


def _choices(values: list[str], in_table_order: bool = False) -> list[str] | None:
    """The single values, where there are at least two."""
    single = dict.fromkeys(one for value in values for one in value.split(SEPARATOR))
    choices = list(single) if in_table_order else in_order(single)
    return choices if len(choices) > 1 else None


def _text_column(title: str, choices: list[str] | None) -> dict[str, Any]:
    return {"title": title, "digits": None, "filter": choices}


def _rounded(scores: pd.Series, kind: str, digits: int) -> list[float | int | None]:
    """Numbers short enough to be sent by the ten thousand; None for NaN."""
    if kind == "fixed":
        numbers = np.round(scores.to_numpy(dtype=float), digits + 1)
    else:
        numbers = np.array([float(f"{value:.{digits}e}") for value in scores])  # one significant digit more
    return [None if np.isnan(value) else int(value) if value == int(value) else float(value) for value in numbers]
