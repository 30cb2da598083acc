"""The table of what each split holds, in the words of the split's unit."""

from collections.abc import Mapping
from typing import Any

from monai_vq.data import Splits

__all__ = ["count_columns", "count_rows"]

_SIZES = {  # unit: names of the counts
    "patient": {"n_patients": "patients", "n_scans": "scans", "n_slices": "slices"},
    "scan": {"n_patients": "groups", "n_scans": "scans", "n_slices": "slices"},
    "image": {"n_patients": "groups", "n_scans": "stacks", "n_slices": "images"},
}


def count_columns(splits: Splits) -> dict[str, str]:
    """The sizes to show: keys of `splits.table`'s rows, and their names.

    Without patients, what is no more than the next size again is left out: each scan, or image, is then its own group.
    """
    names = dict(_SIZES[splits.unit])
    if splits.unit != "patient":
        for coarse, fine in (("n_patients", "n_scans"), ("n_scans", "n_slices")):
            if all(row[coarse] == row[fine] for row in splits.table.values()):
                del names[coarse]
    return names


def count_rows(splits: Splits) -> list[dict[str, Any]]:
    """One row a split: `split`, `sizes`, and texts for `age`, `diagnosis`, `sex` and each difference from train."""
    compared = sorted({column for row in splits.table.values() for column in row.get("smd") or {}})
    return [
        {
            "split": name,
            "sizes": [row[size] for size in count_columns(splits)],
            "age": _format_age(row),
            "diagnosis": _format_counts(row["diagnosis"]),
            "sex": _format_counts(row["sex"]),
            "differences": {column: _format_difference(row, column) for column in compared},
        }
        for name, row in splits.table.items()
    ]


def _format_age(row: Mapping[str, Any]) -> str:
    if row["age_mean"] is None:
        return ""
    return f"{row['age_mean']:.1f}" + ("" if row["age_sd"] is None else f" ± {row['age_sd']:.1f}")


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{value}: {count}" for value, count in counts.items())


def _format_difference(row: Mapping[str, Any], column: str) -> str:
    difference = (row.get("smd") or {}).get(column)
    return "" if difference is None else f"{difference:.2f}"
