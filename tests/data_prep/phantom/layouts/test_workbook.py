import time

import openpyxl

from data_prep.phantom.layouts.workbook import write_workbook
from data_prep.sources.tables import read_table

ROWS = [("ID", "CDR", "Age"), ("a", 0.5, 74), ("b", "", 28), ("c", 0, None)]


def test_the_cells_come_back_with_their_types_and_blanks(tmp_path):
    write_workbook(tmp_path / "table.xlsx", ROWS)
    book = openpyxl.load_workbook(tmp_path / "table.xlsx")
    assert list(book.active.iter_rows(values_only=True))[1:] == [("a", 0.5, 74), ("b", None, 28), ("c", 0, None)]
    assert read_table(tmp_path / "table.xlsx", ["ID"])[1] == {"ID": "b", "CDR": "", "Age": "28"}


def test_the_time_of_writing_is_not_in_the_bytes(tmp_path, monkeypatch):
    write_workbook(tmp_path / "first.xlsx", ROWS)
    later = time.time() + 10**8
    monkeypatch.setattr(time, "time", lambda: later)
    write_workbook(tmp_path / "second.xlsx", ROWS)
    assert (tmp_path / "first.xlsx").read_bytes() == (tmp_path / "second.xlsx").read_bytes()
