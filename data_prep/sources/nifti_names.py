"""Names that sort and save well, made of whatever a study calls its patients and visits."""

import re
import unicodedata
from collections.abc import Collection, Sequence

__all__ = ["name_scans", "pad_numbers"]

_UNSAFE = re.compile(r"[^A-Za-z0-9_+-]+")  # scan ids become file names


def pad_numbers(sessions: Collection[str]) -> dict[str, str]:
    """Pads the numbers in names of sessions with zeros, if sorting by text would confuse their order.

    >>> pad_numbers(["m6", "m12"])
    {'m6': 'm06', 'm12': 'm12'}
    >>> pad_numbers(["2021-03-01", "2020-11-30", ""])
    {'2021-03-01': '2021-03-01', '2020-11-30': '2020-11-30', '': ''}
    """
    width = max((len(number) for name in sessions for number in re.findall(r"\d+", name)), default=0)
    padded = {name: re.sub(r"\d+", lambda match: match[0].zfill(width), name) for name in sessions}
    in_order = sorted(sessions) == sorted(sessions, key=lambda name: padded[name])
    return {name: name for name in sessions} if in_order else padded


def name_scans(labels: Sequence[str]) -> list[str]:
    """Unique plain names for scans, given one label each; the second of a label gets the number 2.

    >>> name_scans(["P1", "P1", "Zoë/1", "P1_2", "P1"])
    ['P1', 'P1_3', 'Zoe-1', 'P1_2', 'P1_4']
    """
    ascii_labels = [unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode() for label in labels]
    bases = [_UNSAFE.sub("-", label).lstrip("_+-").rstrip("-") or "scan" for label in ascii_labels]
    reserved, used = set(bases), dict[str, None]()
    for base in bases:
        name, number = base, 1
        while name in used or (number > 1 and name in reserved):
            number += 1
            name = f"{base}_{number}"
        used[name] = None
    return list(used)
