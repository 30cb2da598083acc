"""Names that sort and save well, made of whatever a study calls its visits."""

import re
from collections.abc import Collection

__all__ = ["pad_numbers"]


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
