"""A second run into the same folder: models may have been trained on its split, so it may only come out the same."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from data_prep.output import SLICES_DIR
from data_prep.rejections import REJECTED_NAME
from data_prep.scan_files import hash_labels
from data_prep.sources.scan import Scan
from monai_vq.data import ScanRecord, Splits, files_sha256, read_splits
from monai_vq.data.manifest import MANIFEST_NAME, format_row, parse_row, read_rows
from monai_vq.data.splits import SPLITS_NAME
from monai_vq.errors import InputError

__all__ = ["prune_slices", "refuse_changed_rows", "refuse_changed_source", "refuse_changed_split"]

_REMEDY = "choose another --output_dir, or give --force to replace the dataset and its split"


def refuse_changed_source(output_dir: Path, scans: Sequence[Scan]) -> None:
    """Compares the source with a complete dataset before anything of it is touched.

    Raises:
        InputError: a scan has come, gone or changed since, or its labels have.
    """
    if not (output_dir / MANIFEST_NAME).exists():
        return
    earlier = {record.source: record.sha256 for record in read_rows(output_dir / MANIFEST_NAME)}
    now = {scan.source: scan.files for scan in scans}
    gone = earlier.keys() - now.keys()
    come = now.keys() - earlier.keys() - _rejected_sources(output_dir)
    changed = {source for source, sha256 in earlier.items() if source in now and files_sha256(now[source]) != sha256}
    changed |= {scan.source for scan in scans if scan.source in earlier and _have_labels_changed(output_dir, scan)}
    for sources, what in ((gone, "gone"), (come, "new"), (changed, "changed")):
        if sources:
            raise InputError(
                f"{len(sources)} volume(s) of the source are {what} since {output_dir} was prepared, "
                f"first {min(sources)}; {_REMEDY}"
            )


def refuse_changed_split(output_dir: Path, splits: Splits) -> None:
    """Compares the split with that of a complete dataset.

    Raises:
        InputError: it would change, as a rejected volume was mended or a table of the source was edited.
    """
    if not ((output_dir / MANIFEST_NAME).exists() and (output_dir / SPLITS_NAME).exists()):
        return
    if read_splits(output_dir).sha256 != splits.sha256:
        prune_slices(output_dir, (record.scan_id for record in read_rows(output_dir / MANIFEST_NAME)))
        raise InputError(f"the split would differ from that in {output_dir}, as the source has changed; {_REMEDY}")


def refuse_changed_rows(output_dir: Path, records: Iterable[ScanRecord]) -> None:
    """Compares every row of the manifest with that of a complete dataset.

    The message names columns and never their values, as an age or a diagnosis is nobody's to read in a log.

    Raises:
        InputError: a row would change, as a table of the source or the manifest was edited.
    """
    if not (output_dir / MANIFEST_NAME).exists():
        return
    earlier = {record.scan_id: format_row(record) for record in read_rows(output_dir / MANIFEST_NAME)}
    now = {record.scan_id: format_row(parse_row(format_row(record))) for record in records}  # as it would be read back
    changed = {
        scan_id: _differing_columns(earlier.get(scan_id), now.get(scan_id))
        for scan_id in sorted(earlier.keys() | now.keys())
        if earlier.get(scan_id) != now.get(scan_id)
    }
    if changed:
        prune_slices(output_dir, earlier)
        first, columns = next(iter(changed.items()))
        raise InputError(
            f"{len(changed)} row(s) of {MANIFEST_NAME} would differ from those in {output_dir}, first that of "
            f"{first} ({', '.join(columns)}), as a table of the source or the manifest has changed; {_REMEDY}"
        )


def _differing_columns(earlier: dict[str, str] | None, now: dict[str, str] | None) -> list[str]:
    """Columns whose cells differ; of a scan that has come or gone, its id."""
    if earlier is None or now is None:
        return ["scan_id"]
    return [column for column, cell in now.items() if earlier[column] != cell]


def prune_slices(output_dir: Path, scan_ids: Iterable[str]) -> None:
    """Removes the files of scans that are not listed, which a killed or refused run has left."""
    endings = (".json", ".npy", "_mask.npy", "_labels.npy")
    listed = {f"{scan_id}{ending}" for scan_id in scan_ids for ending in endings}
    for path in (output_dir / SLICES_DIR).iterdir():
        if path.name not in listed:
            path.unlink()


def _have_labels_changed(output_dir: Path, scan: Scan) -> bool:
    """Whether the source's label files are not those of the scan's note; a scan without a note is made again anyway."""
    try:
        note = json.loads((output_dir / SLICES_DIR / f"{scan.scan_id}.json").read_text(encoding="utf-8"))
        return bool(note["labels_source_sha256"] != hash_labels(scan))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _rejected_sources(output_dir: Path) -> set[str]:
    path = output_dir / REJECTED_NAME
    if not path.exists():
        return set()
    with path.open(newline="", encoding="utf-8") as file:
        return {row["source"] for row in csv.DictReader(file)}
