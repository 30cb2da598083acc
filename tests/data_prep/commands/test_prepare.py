from pathlib import Path

from data_prep.__main__ import main
from data_prep.commands.prepare import _list_source
from data_prep.rejections import Rejection
from data_prep.sources import Found, Scan


def test_a_dry_run_shows_some_of_each_kind_and_counts_the_rest(capsys):
    scans = [Scan((Path(f"{number}.nii"),), f"{number}.nii", f"P{number}", "", f"P{number}") for number in range(3000)]
    rejections = [Rejection(f"bad{number}.nii", "empty", "copy it") for number in range(21)]
    left = [Rejection(f"left{number}.nii", "a copy", "nothing is to do") for number in range(20)]
    assert _list_source(Found("", scans, rejections, left)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["take"] * 21 + ["reject"] * 21 + ["leave"] * 20
    assert lines[20] == "take    … and 2980 more (see manifest.csv after the run)"
    assert lines[41] == "reject  … and 1 more (see rejected.csv after the run)"
    assert lines[-1] == "3000 scans of 3000 patients would be taken; nothing was written"


def test_ids_kept_and_a_key_for_pseudonyms_contradict_one_another(tmp_path, capsys):
    (tmp_path / "source").mkdir()
    command = ["dicom", "--source", str(tmp_path / "source"), "--output_dir", str(tmp_path / "out"), "--keep_ids"]
    for dry in ([], ["--dry_run"]):
        assert main([*command, "--key_file", str(tmp_path / "key.json"), *dry]) == 2
        assert "--keep_ids writes no pseudonyms" in capsys.readouterr().err
    assert main([*command, "--dry_run"]) == 2
    assert "--key_file" not in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
