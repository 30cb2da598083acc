"""How a run or a variant looks in every figure that compares it with others: a colour, a marker and a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

__all__ = ["Style", "add_legend", "assign_styles"]

# Okabe and Ito's palette, told apart with every colour vision, but for its yellow, which is too light.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X"
LINES: tuple[Any, ...] = ("-", "--", ":", "-.")
LEGEND_LETTERS = 150  # of names on one line of a legend


@dataclass(frozen=True)
class Style:
    """Colour, marker and line."""

    colour: str
    marker: str
    line: Any


def assign_styles(names: Sequence[str]) -> dict[str, Style]:
    """Returns a style for each name; the first 56 differ in colour or marker, the first 28 in colour or line."""
    return {
        name: Style(
            COLOURS[place % len(COLOURS)],
            MARKERS[place % len(MARKERS)],
            LINES[place // len(COLOURS) % len(LINES)],
        )
        for place, name in enumerate(names)
    }


def add_legend(figure: Figure, fontsize: float | None = None) -> None:
    """Puts the labels of all panels below the figure, each once, in as many columns as fit.

    Args:
        figure: with labelled panels.
        fontsize: in points; None is the figure's own.
    """
    entries: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(str(label), handle)
    if entries:
        longest = max(map(len, entries)) + 5  # and the line before it
        columns = max(1, min(5, len(entries), LEGEND_LETTERS // longest))
        look: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "frameon": False, "fontsize": fontsize}
        figure.legend(list(entries.values()), list(entries), **look)
