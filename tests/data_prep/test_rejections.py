import csv

from data_prep.rejections import Rejection, write_rejections
from monai_vq.data import VolumeError


def test_each_kind_of_error_gets_a_reason_and_a_remedy():
    known = Rejection.from_error("a", VolumeError("too large", "crop it"))
    assert known == Rejection("a", "too large", "crop it")
    unreadable = Rejection.from_error("a", PermissionError(13, "Permission denied", "/private/path/a"))
    assert unreadable.reason == "cannot be read: Permission denied"
    bug = Rejection.from_error("a", KeyError("dim"))
    assert bug.reason == "unexpected KeyError: 'dim'"
    assert "report" in bug.remedy


def test_table_is_sorted_and_survives_commas_and_quotes(tmp_path):
    rows = [Rejection("b", 'starts with "<html>"', "log in, then download"), Rejection("a", "empty", "copy it")]
    write_rejections(tmp_path / "rejected.csv", rows)
    with (tmp_path / "rejected.csv").open(newline="") as file:
        assert [Rejection(**row) for row in csv.DictReader(file)] == rows[::-1]
