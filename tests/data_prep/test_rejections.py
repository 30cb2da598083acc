import csv
import gzip
import re

import pytest

from data_prep.__main__ import main
from data_prep.rejections import Rejection, write_rejections
from monai_vq.data import VolumeError


def test_each_kind_of_error_gets_a_reason_and_a_remedy():
    known = Rejection.from_error("a", VolumeError("too large", "crop it"))
    assert known == Rejection("a", "too large", "crop it")
    unreadable = Rejection.from_error("a", PermissionError(13, "Permission denied", "/private/path/a"))
    assert unreadable.reason == "cannot be read: Permission denied"
    assert "report" in Rejection.from_error("a", KeyError("dim")).remedy


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyError("Jane Doe"), r"unexpected KeyError at test_rejections\.py:\d+"),
        (UnicodeDecodeError("utf-8", b"Jane Doe", 0, 1, "Jane Doe"), r"unexpected UnicodeDecodeError at .*:\d+"),
        (OSError("Jane Doe"), "cannot be read: OSError"),
        (FileNotFoundError(2, "No such file or directory", "/home/Jane Doe"), "cannot be read: No such file .*"),
    ],
)
def test_an_exception_s_own_words_stay_out(error, reason):
    try:
        raise error
    except Exception as raised:
        listed = str(Rejection.from_error("a", raised))
    assert re.fullmatch(f"a: {reason}; .*", listed)
    assert "Jane Doe" not in listed


def test_no_byte_of_a_foreign_file_and_no_part_of_its_name_comes_out(tmp_path, write_head, capfd, caplog):
    texts = (b"Patient: Sentinel, Jane", gzip.compress(b"Patient: Sentinel, Jane" * 40), b"Sentinel, Jane" + bytes(400))
    for number in range(1, 4 + len(texts)):
        path = write_head(tmp_path / f"study/Sentinel{number}/t1.nii.gz", number)
        if number > 3:
            path.write_bytes(texts[number - 4])
    key, out = tmp_path / "key.json", tmp_path / "out"
    options = ["--patient_regex", r"(Sentinel\d)/", "--pseudonymize", "--key_file", str(key)]
    assert main(["nifti", "--source", str(tmp_path / "study"), "--output_dir", str(out), *options]) == 0
    written = [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    shown = "".join(capfd.readouterr()) + caplog.text + "".join(path.name for path in out.rglob("*"))
    assert [content for content in (*written, shown.encode()) if b"sentinel" in content.lower()] == []
    reasons = [line.split(",")[1] for line in (out / "rejected.csv").read_text().splitlines()[1:]]
    kinds = ("not a gzip stream but text", "not a NIfTI file but text", "not a gzip stream but unknown bytes")
    assert sorted(reasons) == sorted(kinds)


def test_table_is_sorted_and_survives_commas_and_quotes(tmp_path):
    rows = [Rejection("b", 'starts with "<html>"', "log in, then download"), Rejection("a", "empty", "copy it")]
    write_rejections(tmp_path / "rejected.csv", rows)
    with (tmp_path / "rejected.csv").open(newline="") as file:
        assert [Rejection(**row) for row in csv.DictReader(file)] == rows[::-1]
