"""The order of a patient's examinations, and of the volumes in each."""

from collections import defaultdict
from collections.abc import Sequence

from monai_vq.data.dicom import Series

__all__ = ["number_sessions"]

_MIN_DIGITS = 2


def number_sessions(series: Sequence[Series]) -> list[tuple[str, str, Series]]:
    """Numbers the studies of one patient by date, and the volumes of each study as they were scanned.

    Args:
        series: volumes of one patient.

    Returns:
        (session, run, volume) each, such as `ses-01` and `run-02`: no date is in them. The numbers have as many
        digits as the last needs, so that they sort as text.
    """
    studies: dict[tuple[str, str, str], list[Series]] = defaultdict(list)
    for one in series:
        first = one.headers[0]
        studies[first.info.date or "99999999", first.info.time, first.study].append(one)
    numbered = []
    for session, key in enumerate(sorted(studies), start=1):
        volumes = sorted(studies[key], key=_scan_order)
        for run, one in enumerate(volumes, start=1):
            numbered.append((_label("ses", session, len(studies)), _label("run", run, len(volumes)), one))
    return numbered


def _scan_order(series: Series) -> tuple[int, str, float, str]:
    first = series.headers[0]
    number = first.info.series_number
    return number if number is not None else 1 << 31, first.series, first.frames[0].echo_time or 0.0, str(first.path)


def _label(kind: str, number: int, last: int) -> str:
    digits = max(_MIN_DIGITS, len(str(last)))
    return f"{kind}-{number:0{digits}d}"
