import datetime
import zipfile

import openpyxl
import pytest

from data_prep.sources import tables
from data_prep.sources.tables import find_table, read_table
from monai_vq.errors import InputError

ROWS = [
    {"ID": "OAS1_0001_MR1", "Age": "74", "CDR": "0", "nWBV": "0.743"},
    {"ID": "OAS1_0002_MR1", "Age": "55", "CDR": "", "nWBV": "0.81"},
]


def write_workbook(path, lines):
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    book.save(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_text_in_every_delimiter(tmp_path, delimiter, start):
    lines = ["ID , Age,CDR,nWBV", "OAS1_0001_MR1, 74 ,0,0.743", ",,,", "", "OAS1_0002_MR1,55,,0.81"]
    text = start + "\r\n".join(lines).replace(",", delimiter) + "\r\n"
    (tmp_path / "t.csv").write_bytes(text.encode())
    assert read_table(tmp_path / "t.csv", ["ID", "CDR"]) == ROWS


def test_a_workbook_says_the_same_as_its_text(tmp_path):
    first, second = ["OAS1_0001_MR1", 74.0, 0, 0.743], ["OAS1_0002_MR1", 55, None, 0.81]
    lines = [["ID", "Age", "CDR", "nWBV"], first, [None] * 4, second]
    write_workbook(tmp_path / "t.xlsx", lines)
    assert read_table(tmp_path / "t.xlsx", ["ID"]) == ROWS


def test_dates_of_a_workbook_are_iso(tmp_path):
    write_workbook(tmp_path / "t.xlsx", [["day"], [datetime.datetime(2006, 11, 2)]])
    assert read_table(tmp_path / "t.xlsx", ["day"]) == [{"day": "2006-11-02"}]


def test_short_lines_end_in_empty_cells(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,c\n1\n")
    assert read_table(tmp_path / "t.csv", ["c"]) == [{"a": "1", "b": "", "c": ""}]


def test_a_quotation_mark_without_its_twin_is_found(tmp_path):
    lines = ["ID,site", *(f"{number},A" for number in range(10)), '10,"A', *("11,B" for _ in range(50_000))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"t\.csv, line 12: field larger than .*; look for a quotation mark"):
        read_table(tmp_path / "t.csv", ["ID"])


def test_western_text_that_is_no_utf8(tmp_path):
    (tmp_path / "t.csv").write_bytes("site\nMünchen\n".encode("cp1252"))
    assert read_table(tmp_path / "t.csv", ["site"]) == [{"site": "München"}]


def test_what_is_wrong_is_said(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no table"):
        read_table(tmp_path / "none.csv", [])
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"t\.csv lacks the columns CDR; it has a, b"):
        read_table(tmp_path / "t.csv", ["a", "CDR"])
    (tmp_path / "t.xlsx").write_bytes(b"<html>")
    with pytest.raises(InputError, match=r"t\.xlsx is not an XLSX workbook"):
        read_table(tmp_path / "t.xlsx", [])
    monkeypatch.setattr(tables, "MAX_TABLE_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sheet.xml", b"0" * 5000)
    with pytest.raises(InputError, match=r"bomb\.xlsx unpacks to 5000 bytes"):
        read_table(tmp_path / "bomb.xlsx", [])


def test_a_table_is_found_by_name_in_the_first_folder_that_has_it(tmp_path):
    for name in ("a/other.csv", "b/ADNIMERGE_20Oct2024.csv", "b/._ADNIMERGE.csv", "c/adnimerge.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    folders = [tmp_path / name for name in "abcd"]
    assert find_table(folders, r"ADNIMERGE(_\d{1,2}[A-Za-z]{3}\d{4})?") == tmp_path / "b/ADNIMERGE_20Oct2024.csv"
    assert find_table(folders, "nothing") is None
    (tmp_path / "b/ADNIMERGE_21Oct2024.csv").touch()
    with pytest.raises(InputError, match=r"several tables fit: ADNIMERGE_20Oct2024\.csv, ADNIMERGE_21Oct2024\.csv"):
        find_table(folders, r"ADNIMERGE(_\d{1,2}[A-Za-z]{3}\d{4})?")


def test_the_csv_is_taken_before_its_xlsx_twin(tmp_path):
    for suffix in ("xlsx", "csv"):
        (tmp_path / f"oasis.{suffix}").touch()
    assert find_table([tmp_path], "oasis") == tmp_path / "oasis.csv"
