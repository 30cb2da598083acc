"""The tables of a reconstruction: scores of slices, scans and patients, what each scan is, and what was skipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from monai_vq.reconstruct.input_scan import SkippedFile
from monai_vq.report.tables import ID_COLUMNS, MEANS, SLICE_COLUMNS, write_whole

__all__ = ["SKIPPED_COLUMNS", "ScoredSlices", "write_csv", "write_skipped"]

SKIPPED_COLUMNS = ("place", "reason", "remedy")


@dataclass(frozen=True)
class ScoredSlices:
    """Scores on three levels, with the columns of a run's report.

    Attributes:
        slices: a row a slice: `split, patient_id, session_id, scan_id, slice_index`, the scores, `bits_per_pixel`;
            `split` is that of the model's own dataset, or `new`.
        scans: means over a scan's slices, with `n_slices` last.
        patients: means over a patient's slices, with `n_slices` last.
    """

    slices: pd.DataFrame
    scans: pd.DataFrame
    patients: pd.DataFrame

    @classmethod
    def of_slices(cls, parts: Sequence[pd.DataFrame]) -> ScoredSlices:
        """Makes the tables of the slices of each scan, at least one."""
        slices = pd.concat(parts, ignore_index=True)[SLICE_COLUMNS]
        slices = slices.sort_values(ID_COLUMNS[1:], kind="stable", ignore_index=True)
        return cls(slices, _means(slices, ID_COLUMNS[:4]), _means(slices, ID_COLUMNS[:2]))

    def write(self, folder: Path) -> None:
        """Writes `ssim_slices.csv`, `ssim_scans.csv` and `ssim_patients.csv`, each whole or not at all."""
        for level in ("slices", "scans", "patients"):
            write_csv(folder / f"ssim_{level}.csv", getattr(self, level))


def _means(slices: pd.DataFrame, ids: Sequence[str]) -> pd.DataFrame:
    groups = slices.groupby(list(ids), as_index=False, sort=False)
    return groups[MEANS].mean().assign(n_slices=groups.size()["size"])


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Writes a table, whole or not at all, with nine significant digits."""
    write_whole(path, table.to_csv(index=False, float_format="%.9g", lineterminator="\n"))


def write_skipped(path: Path, skipped: Sequence[SkippedFile]) -> None:
    """Writes what was not reconstructed, why, and what would help."""
    rows: list[Mapping[str, str]] = [asdict(one) for one in skipped]
    write_csv(path, pd.DataFrame(rows, columns=list(SKIPPED_COLUMNS)))
