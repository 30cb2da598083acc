"""What the page's script shows of the scans: a table, and the caption of each montage."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from data_prep.qc.strips import shown_slices
from monai_vq.data import ScanRecord

__all__ = ["PlacedScan", "list_facts", "scan_table"]


class PlacedScan(NamedTuple):
    """A scan and the name of its split."""

    split: str
    record: ScanRecord


_COLUMNS: dict[str, Callable[[PlacedScan], Any]] = {
    "patient": lambda scan: scan.record.patient_id,
    "session": lambda scan: scan.record.session_id,
    "scan": lambda scan: scan.record.scan_id,
    "split": lambda scan: scan.split,
    "diagnosis": lambda scan: scan.record.diagnosis,
    "age": lambda scan: scan.record.age,
    "sex": lambda scan: scan.record.sex,
    "site": lambda scan: scan.record.site,
    "tesla": lambda scan: scan.record.field_strength,
    "shape": lambda scan: _format_sizes(scan.record.shape),
    "spacing": lambda scan: _format_sizes(scan.record.spacing),
    "slices": lambda scan: len(scan.record.slice_indices),
    "warnings": lambda scan: scan.record.warnings,
}


def scan_table(scans: Sequence[PlacedScan], unit: str) -> dict[str, list[Any]]:
    """The columns in which some scan has a value, and a row of cells a scan; numbers stay numbers, unknown is None.

    Args:
        scans: in the order of the rows.
        unit: of the split; the column of patients is left out where an id is none, but that of the scan again.
    """
    columns = dict(_COLUMNS)
    if unit != "patient" and all(scan.record.patient_id == scan.record.scan_id for scan in scans):
        del columns["patient"]
    cells = {name: [value(scan) for scan in scans] for name, value in columns.items()}
    kept = {name: values for name, values in cells.items() if any(value not in ("", None) for value in values)}
    return {"columns": list(kept), "rows": [list(row) for row in zip(*kept.values(), strict=True)]}


def list_facts(record: ScanRecord) -> Iterator[str]:
    """The caption of a scan's montage, fact by fact."""
    yield record.scan_id
    yield from filter(None, (record.diagnosis, record.sex))
    if record.age is not None:
        yield f"{record.age:g} years"
    if record.axes:
        yield f"stored {_format_sizes(record.shape)} {record.axes}"
    yield f"{len(record.slice_indices)} slices, shown " + " ".join(
        str(record.slice_indices[position]) for position in shown_slices(record)
    )


def _format_sizes(sizes: Sequence[float]) -> str:
    return "x".join(f"{size:g}" for size in sizes)
