import shlex
import subprocess
import sys
from dataclasses import replace

import pytest

from data_prep.__main__ import main
from data_prep.commands import COMMANDS
from monai_vq.data import read_manifest


def test_help_lists_every_command_in_one_line(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    words = " ".join(capsys.readouterr().out.split())
    for name, command in COMMANDS.items():
        assert f" {name} {command.summary} " in words
        assert len(command.summary) < 120


def test_every_command_has_an_example_that_is_complete(monkeypatch):
    ran = []
    for name, command in list(COMMANDS.items()):
        monkeypatch.setitem(COMMANDS, name, replace(command, run=lambda options: ran.append(options.command) or 0))
    assert [main([name, *shlex.split(command.example)]) for name, command in COMMANDS.items()] == [0] * len(COMMANDS)
    assert ran == list(COMMANDS)


def test_help_shows_examples_of_commands_that_exist(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  python -m data_prep ")]
    assert len(shown) >= 5
    assert all(" ".join(words[4:]) == COMMANDS[words[3]].example for words in shown)


def test_bids_then_verify(bids_tree, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["bids", "--source", bids_tree, "--output_dir", out, "--slice_range", 0.2, 0.8, "--num_slices", 5]
    assert main([str(word) for word in arguments]) == 0
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines() if line.split()[:1] in (["train"], ["val"], ["test"])]
    assert [sum(column) for column in zip(*(map(int, row[1:]) for row in rows), strict=True)] == [6, 8, 40]
    assert f"rejected: 0, left out on purpose: 0, listed in {out / 'rejected.csv'}" in printed
    assert f"QC page: {out / 'qc' / 'index.html'}" in printed
    assert "scans a second" in printed
    assert {len(record.slice_indices) for record in read_manifest(out)} == {5}
    provenance = (out / "provenance.json").read_text()
    assert "--source bids --output_dir out --plane axial --slice_range 0.2 0.8 --window 0.5 99.5" in provenance
    assert main(["verify", str(out)]) == 0
    assert "good" in capsys.readouterr().out
    (out / "slices/sub-P00.npy").unlink()
    assert main(["verify", str(out)]) == 1
    assert "problem: slices/sub-P00.npy is missing" in capsys.readouterr().out


def test_dry_run_lists_and_writes_nothing(bids_tree, tmp_path, capsys):
    assert main(["bids", "--source", str(bids_tree), "--output_dir", str(tmp_path / "out"), "--dry_run"]) == 0
    printed = capsys.readouterr().out
    assert "take    sub-P02/ses-02/anat/sub-P02_ses-02_T1w.nii.gz" in printed
    assert "8 scans of 6 patients would be taken" in printed
    assert not (tmp_path / "out").exists()


# [options beside a good source and output folder, what the error says]
BAD = [
    [["--plane", "transversal"], "unknown plane 'transversal'"],
    [["--slice_range", "0.5", "1.5"], "slice range 0.5 1.5"],
    [["--num_slices", "0"], "0 slices"],
    [["--window", "50", "50"], "window 50 50"],
    [["--fractions", "0.5", "0.2", "0.2"], "sum to 1"],
    [["--stratify", "scanner"], "'scanner' to stratify by is unknown"],
    [["--stratify", "site"], "'site' to stratify by has no values"],
    [["--sessions", "last"], "unknown choice of sessions 'last'"],
    [["--window_unit", "HU"], "unknown window unit 'HU'"],
    [["--workers", "0"], "0 workers"],
    [["--source", "nowhere"], "no folder nowhere"],
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_input_is_one_line_and_status_2_and_leaves_nothing(bids_tree, tmp_path, capsys, options, message):
    out = tmp_path / "out"
    assert main(["bids", "--source", str(bids_tree), "--output_dir", str(out), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert not out.exists()


def test_verify_of_no_dataset(tmp_path, capsys):
    assert main(["verify", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("error: no manifest.csv in ")


def test_an_interrupted_run_says_how_to_go_on(bids_tree, tmp_path, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("data_prep.commands.prepare.prepare_source", interrupt)
    assert main(["bids", "--source", str(bids_tree), "--output_dir", str(tmp_path / "out")]) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_the_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "data_prep", "bids", "--source", "nowhere", "--output_dir", "none"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "error: no folder nowhere; give the root of a BIDS tree, which holds the sub-* folders\n"


def test_split_needs_force_to_replace_one(bids_tree, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["bids", "--source", str(bids_tree), "--output_dir", out, "--slice_range", "0.2", "0.8"]) == 0
    assert main(["split", out, "--seed", "3"]) == 2
    assert "has a split already" in capsys.readouterr().err
    assert main(["split", out, "--seed", "3", "--force", "--fractions", "0.5", "0.25", "0.25"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(row[0], row[1]) for row in rows[-3:]] == [("train", "3"), ("val", "2"), ("test", "1")]


def test_first_sessions_alone(bids_tree, tmp_path, capsys):
    command = ["bids", "--source", str(bids_tree), "--output_dir", str(tmp_path / "out"), "--sessions", "first"]
    assert main([*command, "--dry_run"]) == 0
    printed = capsys.readouterr().out
    assert "leave   sub-P02/ses-02/anat/sub-P02_ses-02_T1w.nii.gz: a later session of its patient" in printed
    assert "7 scans of 6 patients would be taken" in printed


def test_a_fixed_window_is_the_same_for_every_volume(bids_tree, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["bids", "--source", str(bids_tree), "--output_dir", str(out), "--slice_range", "0.2", "0.8"]
    assert main([*command, "--window", "0", "1200", "--window_unit", "intensity"]) == 0
    assert {(record.window_low, record.window_high) for record in read_manifest(out)} == {(0.0, 1200.0)}
    capsys.readouterr()


def test_check_private_of_what_was_prepared(bids_tree, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["bids", "--source", str(bids_tree), "--output_dir", out, "--slice_range", "0.2", "0.8"]) == 0
    capsys.readouterr()
    assert main(["check_private", out]) == 0
    assert "no date, UID, person name, address or path" in capsys.readouterr().out
    assert main(["check_private", out, "--terms", "sub-P03"]) == 1
    printed = capsys.readouterr().out
    assert "found: manifest.csv" in printed


def test_a_mistyped_option_names_the_nearest(bids_tree, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["bids", "--source", str(bids_tree), "--output_dir", str(tmp_path / "out"), "--slicerange", "0.2", "0.8"])
    assert stop.value.code == 2
    assert "unknown option --slicerange; did you mean --slice_range?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [["--workers", "0"], ["--scheduler", "nonsense"], ["--scheduler", "tcp://127.0.0.1:9"]]
)
@pytest.mark.parametrize("dry", [[], ["--dry_run"]])
def test_nobody_to_work_is_found_out_first(bids_tree, tmp_path, capsys, wrong, dry):
    command = ["bids", "--source", str(bids_tree), "--output_dir", str(tmp_path / "out"), *wrong, *dry]
    assert main(command) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_dataset_within_its_source_is_refused(bids_tree, capsys):
    assert main(["bids", "--source", str(bids_tree), "--output_dir", str(bids_tree / "prepared")]) == 2
    assert "lies in the source" in capsys.readouterr().err
    assert not (bids_tree / "prepared").exists()


def test_pseudonyms_hide_the_names_of_folders_in_the_record(bids_tree, tmp_path):
    source = bids_tree.rename(bids_tree.with_name("DOE_JANE_1950"))
    out = tmp_path / "out"
    command = [
        "nifti",
        "--source",
        str(source),
        "--output_dir",
        str(out),
        "--patient_regex",
        "(?P<patient>sub-P0[0-9])",
    ]
    command += ["--slice_range", "0.2", "0.8", "--pseudonymize", "--key_file", str(tmp_path / "key.json")]
    assert main(command) == 0
    text = (out / "provenance.json").read_text()
    assert "JANE" not in text
    assert "sub-P0" not in text
