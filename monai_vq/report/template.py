"""Where pages come from: one way to read templates, strict about what they name and safe about what they show."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from monai_vq.report.score_cells import number, number_of

__all__ = ["page_environment"]


def page_environment(folder: Path) -> Environment:
    """Returns the templates of a folder and, behind them, of this one, whose page.css and table.js are every page's.

    A value is escaped, and a name that a template is not given raises. The filters ``number`` and ``number_of`` are
    those of `monai_vq.report.score_cells`.

    Args:
        folder: of a page's own templates.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "number_of": number_of}
    return environment
