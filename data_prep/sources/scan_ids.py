"""Scan ids become file names: on every file system each must be one of its own."""

from collections.abc import Iterable

from data_prep.sources.scan import Scan
from monai_vq.errors import InputError

__all__ = ["MAX_ID_BYTES", "check_scan_ids"]

MAX_ID_BYTES = 200  # of the 255 of a file's name; the rest is for endings
_SHOWN = 40


def check_scan_ids(scans: Iterable[Scan]) -> None:
    """Refuses ids that cannot become file names everywhere.

    Raises:
        InputError: an id is too long, or two differ in case alone, which macOS and Windows take for one name.
    """
    owners: dict[str, Scan] = {}
    for scan in scans:
        if len(scan.scan_id.encode()) > MAX_ID_BYTES:
            raise InputError(
                f"the scan id {scan.scan_id[:_SHOWN]}… has {len(scan.scan_id.encode())} bytes, expected at most "
                f"{MAX_ID_BYTES}, as it becomes a file name; give the patient, session or file a shorter name"
            )
        twin = owners.setdefault(scan.scan_id.casefold(), scan)
        if twin is not scan:
            raise InputError(
                f"the scan ids {twin.scan_id} (of {twin.source}) and {scan.scan_id} (of {scan.source}) would be one "
                "file on macOS and Windows; rename one of the two patients, sessions or files"
            )
