"""Bits of a prior and of what it is compared with, by patient and by split, as files and for the terminal."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from monai_vq.atomic import atomic_path
from monai_vq.metrics import patient_bits, patient_interval
from monai_vq.metrics.prior_bits import BITS

GROUPS = ["split", "model"]
HEADER = ["split", "model", "patients", "slices", "bits/code [95% interval]", "bits/gain", "bits/pixel"]


def bits_by_patient(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns ``split, model, patient_id, n_slices`` and the bits of each patient.

    Args:
        rows: a row a slice, ``split``, ``model`` and the columns of `PriorBits`; groups stay in their order.
    """
    parts = []
    for (split, model), group in rows.groupby(GROUPS, sort=False):
        table = patient_bits(group)
        table.insert(0, "n_slices", group.groupby("patient_id").size())
        parts.append(table.reset_index().assign(split=str(split), model=str(model)))
    table = pd.concat(parts, ignore_index=True)
    return table[[*GROUPS, "patient_id", "n_slices", *BITS]]


def bits_by_split(patients: pd.DataFrame) -> pd.DataFrame:
    """Returns means over patients with bootstrap intervals, of the table of `bits_by_patient`."""
    rows = []
    for (split, model), group in patients.groupby(GROUPS, sort=False):
        row = {"split": split, "model": model, "n_patients": len(group), "n_slices": int(group["n_slices"].sum())}
        for name in BITS:
            low, high = patient_interval(group[name])
            row |= {name: group[name].mean(), f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def write_bits(report_dir: Path, patients: pd.DataFrame, splits: pd.DataFrame) -> None:
    """Writes ``prior_bits.csv``, a row a patient, and ``prior_splits.csv``."""
    report_dir.mkdir(parents=True, exist_ok=True)
    for name, table in (("prior_bits.csv", patients), ("prior_splits.csv", splits)):
        with atomic_path(report_dir / name) as part:
            table.to_csv(part, index=False)


def format_bits(splits: pd.DataFrame, unit: str = "patient") -> str:
    """Returns the table of `bits_by_split` as aligned plain text, "-" where there is no value.

    Args:
        splits: the table.
        unit: what its ``n_patients`` counts: patients, scans or images.
    """
    header = [unit + "s" if name == "patients" else name for name in HEADER]
    lines = [header] + [_cells(row) for row in splits.to_dict("records")]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = []
    for line in lines:
        cells = [*map(str.ljust, line[:2], widths[:2]), *map(str.rjust, line[2:], widths[2:])]
        text.append("  ".join(cells))
    return "\n".join([text[0], "-" * len(text[0]), *text[1:]])


def _cells(row: dict) -> list[str]:
    low, high = _number(row["bits_per_code_low"]), _number(row["bits_per_code_high"])
    return [
        row["split"],
        row["model"],
        str(row["n_patients"]),
        str(row["n_slices"]),
        f"{_number(row['bits_per_code'])} [{low}, {high}]",
        _number(row["bits_per_gain"]),
        _number(row["bits_per_pixel"], ".4f"),
    ]


def _number(value: float, spec: str = ".3f") -> str:
    return "-" if math.isnan(value) else format(value, spec)
