"""Where pages come from: one way to read templates, strict about what they name and safe about what they show.

This file needs nothing but Jinja2, so that the pages of `data_prep` do not load what only training needs.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

__all__ = ["encode", "number", "number_of", "page_environment"]

SHARED = Path(__file__).parent / "report"  # base.html, page.css and table.js, and parts of pages


def page_environment(folder: Path) -> Environment:
    """Returns the templates of a folder and, behind them, those that every page shares.

    Every page fills the ``body`` of base.html, whose style is page.css: the folder's own, or the shared one. A value is
    escaped, and a name that a template is not given raises. The filters are `number` and `number_of`.

    Args:
        folder: of a page's own templates.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "number_of": number_of}
    return environment


def encode(data: Any) -> str:
    """JSON that cannot end the script element it stands in, whatever a table's cell holds.

    Raises:
        ValueError: for NaN, which is no JSON; None is what has no value.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def number(value: float, spec: str) -> str:
    """A number in a format, – for NaN."""
    return "–" if math.isnan(value) else format(value, spec)


def number_of(count: int, noun: str) -> str:
    """Such as 1 patient, 2 patients."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
