"""All sessions of a patient, or the first alone."""

from collections import Counter

from data_prep.rejections import Rejection
from data_prep.sources.scan import Found
from monai_vq.errors import InputError

__all__ = ["SESSIONS", "choose_sessions"]

SESSIONS = ("all", "first")


def choose_sessions(found: Found, sessions: str) -> Found:
    """Leaves out the later sessions of each patient where only the first is wanted.

    Args:
        found: what a source holds; session ids of a patient sort as text in the order of time.
        sessions: `all` or `first`.

    Raises:
        InputError: the choice is unknown, or the source does not tell sessions apart.
    """
    if sessions not in SESSIONS:
        raise InputError(f"unknown choice of sessions {sessions!r}; expected one of {', '.join(SESSIONS)}")
    if sessions == "all":
        return found
    several = [patient for patient, count in Counter(scan.patient_id for scan in found.scans).items() if count > 1]
    if several and not found.has_sessions:
        raise InputError(
            f"which scan of {min(several)} is the first, of {len(several)} patients with several, is not known; "
            "give --patient_regex a group named session, or the table a column session_id, or --sessions all"
        )
    first: dict[str, str] = {}
    for scan in sorted(found.scans, key=lambda scan: (scan.patient_id, scan.session_id)):
        first.setdefault(scan.patient_id, scan.session_id)
    later = [scan for scan in found.scans if scan.session_id != first[scan.patient_id]]
    found.scans = [scan for scan in found.scans if scan.session_id == first[scan.patient_id]]
    found.left += [
        Rejection(scan.source, "a later session of its patient", "give --sessions all to take it") for scan in later
    ]
    return found
