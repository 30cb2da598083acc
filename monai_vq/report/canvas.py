"""Figures as data URIs: one style, no pyplot and hence no global state, equal figures equal to the byte."""

import base64
import io
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

DOTS_PER_INCH = 150
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "legend.fontsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "0.9",
    "image.interpolation": "nearest",
    "svg.fonttype": "path",  # text as outlines: a reader's machine may lack the font
    "svg.hashsalt": "monai_vq",  # otherwise element ids are random
}


def figure_style() -> AbstractContextManager[None]:
    """The style, for the time in which a figure is drawn and encoded."""
    return mpl.rc_context(STYLE)


def to_svg(figure: Figure) -> str:
    """The figure as an SVG data URI: for charts, sharp at any size."""
    FigureCanvasSVG(figure)
    return _data_uri(figure, "svg", "image/svg+xml", {"Date": None})


def to_png(figure: Figure) -> str:
    """The figure as a PNG data URI: for images."""
    FigureCanvasAgg(figure)
    return _data_uri(figure, "png", "image/png", {})


def plain(name: str) -> str:
    """A name that is not ours as a label takes it: `$` begins no formula, and `_` does not hide it from a legend."""
    return (" " if name.startswith("_") else "") + name.replace("$", r"\$")


def _data_uri(figure: Figure, file_format: str, mime_type: str, metadata: dict) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=file_format, dpi=DOTS_PER_INCH, metadata=metadata)
    return f"data:{mime_type};base64,{base64.b64encode(buffer.getvalue()).decode()}"
