"""Writes an XLSX workbook whose bytes depend on its cells alone."""

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import openpyxl

__all__ = ["write_workbook"]

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP archive can say
_STAMP = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def write_workbook(path: Path, rows: Iterable[Sequence[str | int | float | None]]) -> None:
    """Writes rows as the first sheet; openpyxl alone would put the time of writing into it.

    Args:
        path: the file to make.
        rows: the header first; None and empty text leave a cell blank.
    """
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append([cell if cell != "" else None for cell in row])
    saved = io.BytesIO()
    book.save(saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = _STAMP.sub(rb"\g<1>1980-01-01T00:00:00Z", source.read(name))
            target.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
