"""Scores as the text of a table's cells, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from monai_vq.pages import number
from monai_vq.report.scores import ScoreTables

SCORE_FORMATS = {"ssim": ".4f", "ssim_foreground": ".4f", "psnr": ".2f", "mse": "#.3g", "mae": "#.3g"}
RATE_FORMAT = ".4g"
CODE_FORMATS = {
    "bits_per_pixel_entropy": ".4g",
    "codebook_usage": ".1%",
    "codebook_perplexity": ".0f",
}


@dataclass(frozen=True)
class Cell:
    """A score as text, with its interval or "" where it has none."""

    value: str
    interval: str = ""


def score_groups(tables: Mapping[str, ScoreTables]) -> list[dict[str, Any]]:
    """For each split, its size and a line of cells for the model and for each baseline.

    Args:
        tables: by name, the model first, then the baselines.
    """
    by_split = {name: table.splits.set_index("split") for name, table in tables.items()}
    model = next(iter(by_split.values()))
    groups = []
    for split in model.index:
        lines = [(name, _cells(rows.loc[split])) for name, rows in by_split.items() if split in rows.index]
        sizes = {name: int(model.loc[split, name]) for name in ("n_patients", "n_slices")}
        groups.append({"split": split, "lines": lines, **sizes})
    return groups


def score_cell(row: Mapping[Any, Any] | pd.Series, name: str, spec: str | None = None) -> Cell:
    """A score of a row with its interval, in the format of its name or another."""
    spec = spec or SCORE_FORMATS[name]
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    interval = "" if pd.isna(low) else f"[{low:{spec}}, {high:{spec}}]"
    return Cell(number(row[name], spec), interval)


def _cells(row: pd.Series) -> list[Cell]:
    scores = [score_cell(row, name) for name in SCORE_FORMATS]
    rate = score_cell(row, "bits_per_pixel", RATE_FORMAT)
    codes = [Cell(number(row[name], spec)) for name, spec in CODE_FORMATS.items()]
    return [*scores, rate if _varies(row) else Cell(rate.value), *codes]


def _varies(row: pd.Series) -> bool:
    """Whether patients differ in their rate, which most latents fix."""
    return bool(f"{row['bits_per_pixel_low']:{RATE_FORMAT}}" != f"{row['bits_per_pixel_high']:{RATE_FORMAT}}")
