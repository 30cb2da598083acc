"""How a variant looks in every figure of a study: its family's colour, and a marker and a line of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from monai_vq.study.variants import Variant

# Okabe and Ito's palette, which is told apart with every colour vision, but for its yellow, which is too light.
FAMILY_COLOURS = {
    "vq": "#0072B2",
    "peer": "#56B4E9",
    "projected": "#D55E00",
    "frequency": "#009E73",
    "hybrid": "#CC79A7",
    "none": "#000000",
    "vae": "#E69F00",
}
MARKERS = "osD^vP*Xp<>hd8"
LINES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1)))


TONES = (0.0, 0.4, 0.65)  # share of white, for a family that has more members than there are lines


@dataclass(frozen=True)
class Style:
    """Colour, marker and line."""

    colour: str
    marker: str
    line: Any


def assign_styles(variants: Sequence[Variant]) -> list[Style]:
    """Returns a style for each variant: markers, lines and tones are counted within its family."""
    styles, members = [], dict.fromkeys(FAMILY_COLOURS, 0)
    for variant in variants:
        number = members[variant.family]
        members[variant.family] += 1
        line = LINES[number % len(LINES)]
        colour = _lighter(FAMILY_COLOURS[variant.family], TONES[number // len(LINES) % len(TONES)])
        styles.append(Style(colour, MARKERS[number % len(MARKERS)], line))
    return styles


def _lighter(colour: str, white: float) -> str:
    red, green, blue = ((1 - white) * channel + white for channel in to_rgb(colour))
    return to_hex((red, green, blue))


def add_legend(figure: Figure) -> None:
    """Puts the labels of all panels below the figure, each once."""
    entries: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(str(label), handle)
    if entries:
        figure.legend(
            list(entries.values()), list(entries), loc="outside lower center", ncols=5, frameon=False, fontsize=7
        )
