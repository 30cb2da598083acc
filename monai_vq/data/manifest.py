"""`manifest.csv`: one typed row a scan."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from monai_vq.errors import InputError

__all__ = ["MANIFEST_NAME", "ScanRecord", "format_row", "parse_row", "read_manifest", "read_rows", "write_manifest"]

MANIFEST_NAME = "manifest.csv"
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*")  # scan ids become file names: no dots, no separators


@dataclass(frozen=True)
class ScanRecord:
    """What a prepared dataset knows of one scan; unknown strings are empty, an unknown age is None.

    Attributes:
        patient_id: unit of the split, such as `sub-IXI013`.
        session_id: one visit, such as `ses-01`; empty where the source has no sessions.
        scan_id: unique, and the stem of the scan's files.
        diagnosis: as the source's table has it.
        age: years at the session.
        sex: `M`, `F`, or as the source's table has it.
        site: where the scan was made, a code of the study.
        field_strength: of the scanner, tesla.
        source: path of the volume relative to the source's root, with forward slashes, or its pseudonym.
        sha256: of the source files' bytes (see `files_sha256`).
        shape: of the volume as stored; of a stack of slices, that of its pixels.
        spacing: of the volume as stored, in mm; empty for a stack.
        axes: anatomical directions of the stored axes, such as `PSR`; empty for a stack.
        affine: first three rows of the volume's voxel-to-world matrix, row by row (world axes right, anterior,
            superior in mm): with axes, plane and slice indices it puts a reconstruction back; empty for a stack.
        plane: `axial`, `coronal` or `sagittal`; empty where the source does not say.
        window_low: intensity stored as 0.
        window_high: intensity stored as 65535.
        slice_indices: increasing, into the volume brought to the plane's axes.
        slice_spacing: (row, column) pixel size in mm.
        foreground_box: (row start, row stop, column start, column stop) around all of the scan's masks.
        warnings: what to look at on the QC page, separated by semicolons; empty where there is nothing.
        slices_sha256: of the file of slices.
        mask_sha256: of the file of masks.
        labels_sha256: of the file of tissue labels; empty where the source has none.
    """

    patient_id: str
    session_id: str
    scan_id: str
    diagnosis: str
    age: float | None
    sex: str
    site: str
    field_strength: str
    source: str
    sha256: str
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    axes: str
    affine: tuple[float, ...]
    plane: str
    window_low: float
    window_high: float
    slice_indices: tuple[int, ...]
    slice_spacing: tuple[float, ...]
    foreground_box: tuple[int, ...]
    warnings: str
    slices_sha256: str
    mask_sha256: str
    labels_sha256: str

    def slices_path(self, dataset_dir: Path) -> Path:
        """The scan's slices, uint16 or uint8 [S, H, W], or uint8 [S, H, W, 3]."""
        return dataset_dir / "slices" / f"{self.scan_id}.npy"

    def mask_path(self, dataset_dir: Path) -> Path:
        """The foreground of the scan's slices, bool [S, H, W]."""
        return dataset_dir / "slices" / f"{self.scan_id}_mask.npy"

    def labels_path(self, dataset_dir: Path) -> Path:
        """The tissue labels of the scan's slices, uint8 [S, H, W]; there only if `labels_sha256` is not empty."""
        return dataset_dir / "slices" / f"{self.scan_id}_labels.npy"

    def hashed_paths(self, dataset_dir: Path) -> dict[Path, str]:
        """Every file of the scan, with the hash of its bytes."""
        paths = {self.slices_path(dataset_dir): self.slices_sha256, self.mask_path(dataset_dir): self.mask_sha256}
        return paths | ({self.labels_path(dataset_dir): self.labels_sha256} if self.labels_sha256 else {})


_COLUMNS = tuple(field.name for field in fields(ScanRecord))
_FLOATS = {"window_low", "window_high"}
_SEQUENCES = {  # column: (separator, type of an element)
    "shape": ("x", int),
    "spacing": ("x", float),
    "affine": (" ", float),
    "slice_spacing": ("x", float),
    "slice_indices": (" ", int),
    "foreground_box": (" ", int),
}


def write_manifest(path: Path, records: Sequence[ScanRecord]) -> None:
    """Writes one row a scan, in the order given."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(format_row(record) for record in records)


def read_manifest(dataset_dir: Path | str) -> list[ScanRecord]:
    """Reads the manifest of a prepared dataset and checks that every scan's files exist.

    Raises:
        InputError: the folder or its manifest is missing, a column or a file of slices is missing, a cell cannot be
            read, or a scan id occurs twice.
    """
    dataset_dir = Path(dataset_dir)
    path = dataset_dir / MANIFEST_NAME
    if not path.is_file():
        missing = f"no {MANIFEST_NAME} in" if dataset_dir.is_dir() else "no prepared dataset at"
        raise InputError(
            f"{missing} {dataset_dir}; "
            f"prepare it with `python -m data_prep SOURCE --source DIR --output_dir {dataset_dir}`, SOURCE as in bids"
        )
    records = read_rows(path)
    _check_files(dataset_dir, records)
    return records


def read_rows(path: Path) -> list[ScanRecord]:
    """Reads the rows alone, whatever has become of the files they name.

    Raises:
        InputError: a column is missing, a cell cannot be read, there is no row, or a scan id occurs twice.
    """
    remedy = "prepare the dataset again with --force"
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise InputError(f"{path} lacks the columns {', '.join(missing)}; {remedy}")
        records = []
        for row in reader:
            try:
                records.append(parse_row(row))
            except (TypeError, ValueError, AttributeError) as error:
                raise InputError(f"{path}, line {reader.line_num}: {error}; {remedy}") from error
    counts = Counter(record.scan_id for record in records)
    twice = sorted(scan_id for scan_id, count in counts.items() if count > 1)
    if twice or not records:
        raise InputError(f"{path} has {'scans twice: ' + ', '.join(twice) if twice else 'no scans'}; {remedy}")
    return records


def format_row(record: ScanRecord) -> dict[str, str]:
    """The cells of a row, by column."""
    return {column: _format_cell(column, getattr(record, column)) for column in _COLUMNS}


def parse_row(row: dict[str, str]) -> ScanRecord:
    """Undoes `format_row`.

    Raises:
        ValueError: a cell cannot be read.
    """
    if not _SAFE_NAME.fullmatch(row["scan_id"]):
        raise ValueError(f"scan_id {row['scan_id']!r} is not a plain name")
    return ScanRecord(**{column: _parse_cell(column, row[column]) for column in _COLUMNS})


def _format_cell(column: str, value: Any) -> str:
    if column in _SEQUENCES:
        return _SEQUENCES[column][0].join(str(element) for element in value)
    return "" if value is None else str(value)


def _parse_cell(column: str, cell: str) -> Any:
    if column in _SEQUENCES:
        separator, kind = _SEQUENCES[column]
        return tuple(kind(element) for element in cell.split(separator)) if cell else ()
    if column == "age":
        return float(cell) if cell else None
    return float(cell) if column in _FLOATS else cell


def _check_files(dataset_dir: Path, records: Sequence[ScanRecord]) -> None:
    missing = [path for record in records for path in record.hashed_paths(dataset_dir) if not path.is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of the files that {dataset_dir / MANIFEST_NAME} lists are missing, first {missing[0]}; "
            "run the same `python -m data_prep` command again to restore them"
        )
