"""The tables that ship with a download: CSV, TSV or the first sheet of an XLSX workbook, as rows of text."""

import csv
import datetime
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from monai_vq.errors import InputError

__all__ = ["find_table", "read_table"]

MAX_TABLE_BYTES = 200 << 20  # ADNIMERGE has 13 MB
_TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
_DELIMITERS = {".tsv": "\t"}


def find_table(folders: Iterable[Path], pattern: str) -> Path | None:
    """Finds a table by its name in some folders, the folder first named first; downloads put them in many places.

    Args:
        folders: where to look; their sub-folders are not searched.
        pattern: regular expression of the whole name without suffix, whatever its case.

    Raises:
        InputError: a folder has several, such as two releases.
    """
    name = re.compile(pattern, re.IGNORECASE)
    for folder in folders:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
        tables = (path for path in paths if path.suffix.lower() in _TABLE_SUFFIXES)
        found = [path for path in tables if name.fullmatch(path.stem) and not path.name.startswith(".")]
        if len({path.stem for path in found}) > 1:
            names = ", ".join(path.name for path in found)
            raise InputError(f"several tables fit: {names}; keep one of them there, or name one on the command line")
        if found:
            return found[0]  # the csv and the xlsx of one name are the same table; csv sorts first
    return None


def read_table(path: Path, required: Sequence[str]) -> list[dict[str, str]]:
    """Reads a table, its cells stripped of blanks; rows without any value are left out.

    Args:
        path: `.csv`, `.tsv`, `.txt` (comma, semicolon or tab, found out from the header) or `.xlsx`.
        required: names of columns that must be there.

    Returns:
        A dict a row, by column; empty cells are empty strings, whole numbers have no decimal point, dates are ISO.

    Raises:
        InputError: the file is missing, cannot be read, or lacks a column.
    """
    if not path.is_file():
        raise InputError(f"no table {path}; give the file that came with the download")
    if path.stat().st_size > MAX_TABLE_BYTES:
        raise InputError(f"{path.name} has {path.stat().st_size} bytes, expected a table of at most {MAX_TABLE_BYTES}")
    lines = _read_workbook(path) if path.suffix.lower() == ".xlsx" else _read_text(path)
    header = [name.strip() for name in next(lines, [])]
    missing = [column for column in required if column not in header]
    if missing:
        raise InputError(f"{path.name} lacks the columns {', '.join(missing)}; it has {', '.join(header) or 'none'}")
    rows = (dict(zip(header, [cell.strip() for cell in line] + [""] * len(header), strict=False)) for line in lines)
    return [row for row in rows if any(row.values())]


def _read_text(path: Path) -> Iterator[list[str]]:
    """Lines of cells; the file is read when the first is asked for."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")  # Excel writes a byte-order mark, which would rename column 1
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # what Excel writes on a Western Windows
    first = text.partition("\n")[0]
    delimiter = _DELIMITERS.get(path.suffix.lower()) or max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begin = 1
    try:
        for row in reader:
            begin = reader.line_num + 1
            yield row
    except csv.Error as error:  # a quote that is never closed makes one cell of all that follows
        raise InputError(
            f"{path.name}, line {begin}: {error}; look for a quotation mark without its twin there, and save "
            "the table again as CSV"
        ) from error


def _read_workbook(path: Path) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MAX_TABLE_BYTES:
            raise InputError(f"{path.name} unpacks to {size} bytes, expected at most {MAX_TABLE_BYTES}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # openpyxl names every style that it does not know
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        rows = [[_format_cell(cell) for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)]
        book.close()
    except InputError:
        raise
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, TypeError, EOFError) as error:
        raise InputError(f"{path.name} is not an XLSX workbook; save it again, or as CSV") from error
    return iter(rows)


def _format_cell(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat()
    return str(cell)
