"""Which slices a scan has, by class: in AD_NC their numbers alone tell much of the diagnosis."""

from collections import Counter, defaultdict
from collections.abc import Iterable

__all__ = ["describe_windows"]

_N_LISTED = 12  # the published download has 9


def describe_windows(scans: Iterable[tuple[str, int, int]]) -> str:
    """One sentence: scans of each class by the slices they have, and how well these alone tell the class.

    The rule that is scored knows, of each window, the class that is more frequent in it, on these same scans.

    Args:
        scans: (class, first slice, last slice) of each scan.

    >>> describe_windows([("AD", 75, 94), ("AD", 75, 94), ("NC", 75, 94), ("NC", 94, 113)])
    'slices of a scan, and scans of AD / NC that have them: 75-94 2 / 1, 94-113 0 / 1; these numbers alone tell the \
class of 75.0 % of the scans, the larger class would of 50.0 %'
    """
    windows: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    classes: Counter[str] = Counter()
    for diagnosis, first, last in scans:
        windows[first, last][diagnosis] += 1
        classes[diagnosis] += 1
    names = sorted(classes)
    rows = [
        f"{first}-{last} {' / '.join(str(counts[name]) for name in names)}"
        for (first, last), counts in sorted(windows.items())
    ]
    more = f" and {len(rows) - _N_LISTED} others" if len(rows) > _N_LISTED else ""
    told = 100 * sum(max(counts.values()) for counts in windows.values()) / classes.total()
    larger = 100 * max(classes.values()) / classes.total()
    return (
        f"slices of a scan, and scans of {' / '.join(names)} that have them: {', '.join(rows[:_N_LISTED])}{more}; "
        f"these numbers alone tell the class of {told:.1f} % of the scans, the larger class would of {larger:.1f} %"
    )
