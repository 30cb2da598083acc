"""``*_record.npz``: all that the tables and the page say of a scan, written when its files are there.

| array | what it is |
|---|---|
| `about` | JSON: what the result depends on, the files with their sizes, the row of `scans.csv`, names of the rest |
| `slice_index`, a column each | scores of the slices, [S] |
| `trials` | of noise: the scores of the model and of each filter, float64 [trials, S, scores] |
| `pictures` | slices to be shown: scan, the model's input, reconstruction; float32 [P, 3, H, W] |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_vq.atomic import atomic_path
from monai_vq.reconstruct.checked_arrays import DAMAGE
from monai_vq.reconstruct.scan import SlicePicture

__all__ = ["FinishedScan", "measure_files", "read_finished", "read_settings", "write_finished"]


@dataclass(frozen=True)
class FinishedScan:
    """A scan that was reconstructed, without its volumes.

    Attributes:
        settings: of the run, as far as the result depends on them; plain values.
        source_sha256: of all that the scan was read from.
        files: bytes of each file that was written of it, by its path relative to the output's folder.
        row: of `scans.csv`; plain values.
        known: whether something says whose the scan is.
        scores: a row a slice, of `ReconstructedScan`.
        pictures: the middle and the worst slice.
        trials: of `DenoisingScores.score`, float64 [trials, S, scores]; None without noise.
    """

    settings: Mapping[str, Any]
    source_sha256: str
    files: Mapping[str, int]
    row: Mapping[str, Any]
    known: bool
    scores: pd.DataFrame
    pictures: tuple[SlicePicture, ...]
    trials: NDArray[np.float64] | None = None

    @property
    def ids(self) -> dict[str, Any]:
        """What its slices are named by: `split`, `patient_id`, `session_id`, `scan_id`."""
        return {name: self.row[name] for name in ("split", "patient_id", "session_id", "scan_id")}

    def is_whole(self, folder: Path) -> bool:
        """Whether the files that were written of it are still in the output's folder."""
        return measure_files(folder, [folder / name for name in self.files]) == self.files


def measure_files(folder: Path, paths: list[Path]) -> dict[str, int]:
    """Bytes of files by their paths relative to a folder; one that is missing is left out."""
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths if path.is_file()}


def write_finished(path: Path, scan: FinishedScan) -> None:
    """Writes the record of a scan, whole or not at all; values come back to the bit.

    Args:
        path: ends in ``.npz``.
        scan: to be kept.
    """
    about = {
        "settings": scan.settings,
        "source_sha256": scan.source_sha256,
        "files": scan.files,
        "row": scan.row,
        "known": scan.known,
        "scores": list(scan.scores),
        "pictures": [[one.rank, one.slice_index, one.ssim] for one in scan.pictures],
    }
    arrays: dict[str, Any] = {str(name): column.to_numpy() for name, column in scan.scores.items()}
    arrays["pictures"] = np.stack([[one.x, one.x_in, one.x_hat] for one in scan.pictures])
    if scan.trials is not None:
        arrays["trials"] = scan.trials
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)


def read_settings(path: Path) -> dict[str, Any] | None:
    """Reads what the result of a scan depended on, and nothing else; None of a damaged record."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(json.loads(str(file["about"]))["settings"])
    except DAMAGE:
        return None


def read_finished(path: Path) -> FinishedScan | None:
    """Reads the record of a scan; None where there is none, or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            return FinishedScan(
                settings=about["settings"],
                source_sha256=about["source_sha256"],
                files=about["files"],
                row=about["row"],
                known=about["known"],
                scores=pd.DataFrame({name: file[name] for name in about["scores"]}),
                pictures=tuple(
                    SlicePicture(*named, *images)
                    for named, images in zip(about["pictures"], file["pictures"], strict=True)
                ),
                trials=file.get("trials"),
            )
    except DAMAGE:
        return None
