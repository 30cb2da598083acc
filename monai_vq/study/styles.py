"""How a variant looks in every figure of a study: its family's colour, and a marker and a line of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.colors import to_hex, to_rgb

from monai_vq.report.styles import Style
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
LEGEND_SIZE = 7  # points: a study has many variants
TONES = (0.0, 0.4, 0.65)  # share of white, for a family that has more members than there are lines


def assign_variant_styles(variants: Sequence[Variant]) -> list[Style]:
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
