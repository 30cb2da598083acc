import subprocess
import sys
from dataclasses import replace

import pytest

from data_prep.__main__ import COMMANDS, main
from monai_vq.data import read_manifest


def test_help_lists_every_command_in_one_line(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    for name, command in COMMANDS.items():
        assert [line for line in lines if line.split()[:1] == [name] and command.summary in line]


def test_help_has_an_example_of_every_command_that_is_complete(capsys, monkeypatch):
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    examples = [line.split()[3:] for line in lines if line.startswith("python -m data_prep ")]
    ran = []
    for name in COMMANDS:
        monkeypatch.setitem(
            COMMANDS, name, replace(COMMANDS[name], run=lambda options: ran.append(options.command) or 0)
        )
    assert [main(example) for example in examples] == [0, 0, 0]
    assert ran == list(COMMANDS)


def test_bids_then_verify(bids_tree, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["bids", "--source", bids_tree, "--output_dir", out, "--slice_range", 0.2, 0.8, "--num_slices", 5]
    assert main([str(word) for word in arguments]) == 0
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines() if line.split()[:1] in (["train"], ["val"], ["test"])]
    assert [sum(column) for column in zip(*(map(int, row[1:]) for row in rows), strict=True)] == [6, 8, 40]
    assert f"rejected: 0, listed in {out / 'rejected.csv'}" in printed
    assert f"QC page: {out / 'qc' / 'index.html'}" in printed
    assert "volumes a second" in printed
    assert {len(record.slice_indices) for record in read_manifest(out)} == {5}
    provenance = (out / "provenance.json").read_text()
    assert "--source bids --output_dir out --plane axial --slice_range 0.2 0.8 --num_slices 5" in provenance
    assert main(["verify", str(out)]) == 0
    assert "good" in capsys.readouterr().out
    (out / "slices/sub-P00.npy").unlink()
    assert main(["verify", str(out)]) == 1
    assert "problem: slices/sub-P00.npy is missing" in capsys.readouterr().out


def test_dry_run_lists_and_writes_nothing(bids_tree, tmp_path, capsys):
    assert main(["bids", "--source", str(bids_tree), "--output_dir", str(tmp_path / "out"), "--dry_run"]) == 0
    printed = capsys.readouterr().out
    assert "read    sub-P02/ses-02/anat/sub-P02_ses-02_T1w.nii.gz" in printed
    assert "8 scans of 6 patients would be read" in printed
    assert not (tmp_path / "out").exists()


# [options beside a good source and output folder, what the error says]
BAD = [
    [["--plane", "transversal"], "unknown plane 'transversal'"],
    [["--slice_range", "0.5", "1.5"], "slice range 0.5 1.5"],
    [["--num_slices", "0"], "0 slices"],
    [["--window", "50", "50"], "window 50 50"],
    [["--fractions", "0.5", "0.2", "0.2"], "sum to 1"],
    [["--stratify", "site"], "'site' to stratify by is unknown"],
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

    monkeypatch.setattr("data_prep.__main__.prepare_bids", interrupt)
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
