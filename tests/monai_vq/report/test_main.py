import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monai_vq.report.__main__ import main
from monai_vq.report.content import ReportContent
from monai_vq.report.page import write_page
from monai_vq.report.scores import RunScores
from monai_vq.report.stored import read_content, write_content


@pytest.fixture
def runs(tmp_path, scores):
    """Two runs of the same patients, the second a little better."""
    for name, gain in (("first", 0.0), ("second", 0.01)):
        model = scores.model.assign(ssim=scores.model["ssim"] + gain)
        content = ReportContent(RunScores(model, scores.latent, scores.code_counts, scores.baselines))
        write_content(tmp_path / name / "report", content)
    return [str(tmp_path / name) for name in ("first", "second")]


def test_one_run_gets_its_page_again(runs, tmp_path, capsys):
    assert main(runs[:1]) == 0
    page = tmp_path / "first/report/index.html"
    assert capsys.readouterr().out == f"report: {page}\n"
    expected = write_page(tmp_path / "expected", read_content(runs[0]))
    assert page.read_bytes() == expected.read_bytes()


def test_a_public_page_lies_beside_nothing_else(runs, tmp_path):
    assert main([runs[0], "--public"]) == 0
    folder = tmp_path / "first/report/public"
    assert [path.name for path in folder.iterdir()] == ["index.html"]
    assert "sub-train" not in (folder / "index.html").read_text(encoding="utf-8")
    assert main([runs[0], "--public"]) == 0  # again, over its own


def test_several_runs_are_compared_with_the_reference(runs, tmp_path, capsys):
    assert main([*runs, "--reference", runs[1], "--output_dir", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == f"comparison: {tmp_path / 'out/index.html'}\n"
    table = pd.read_csv(tmp_path / "out/comparison.csv").query("split == 'test'").set_index("run")
    assert table.loc["first", "ssim_difference"] == pytest.approx(-0.01)
    assert np.isnan(table.loc["second", "ssim_difference"])


def test_given_names_stand_in_the_public_comparison(runs, tmp_path):
    words = ["--public", "--names", "plain", "with gains", "--output_dir", str(tmp_path / "out")]
    assert main([*runs, *words]) == 0
    text = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert "with gains" in text
    assert "second" not in text.replace("a second one", "")


def test_a_comparison_is_not_written_over_a_runs_report(runs, capsys):
    report = Path(runs[0]) / "report"
    before = sorted(path.name for path in report.iterdir())
    assert main([*runs, "--output_dir", str(report)]) == 2
    assert "is a run's report" in capsys.readouterr().err
    assert sorted(path.name for path in report.iterdir()) == before


# [words after the runs, how many runs, what the error says]
BAD = [
    ([], 2, "needs --output_dir OUT"),
    (["--reference", "elsewhere", "--output_dir", "OUT"], 2, "--reference elsewhere is none of the runs"),
    (["--names", "one", "--output_dir", "OUT"], 2, "expected 2 different names"),
    (["--names", "one"], 1, "are for two runs or more"),
    (["--public", "--output_dir", "FIRST"], 1, "holds report, which need not be public; choose an empty folder"),
    (["--public", "--output_dir", "FIRST"], 2, "holds report, which need not be public"),
]


@pytest.mark.parametrize(("words", "number", "message"), BAD)
def test_a_mistake_is_one_line_and_status_2_and_writes_nothing(runs, tmp_path, capsys, words, number, message):
    places = {"OUT": str(tmp_path / "out"), "FIRST": runs[0]}
    before = sorted(tmp_path.rglob("*"))
    assert main([*runs[:number], *(places.get(word, word) for word in words)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert sorted(tmp_path.rglob("*")) == before


def test_runs_that_cannot_be_compared_are_refused(runs, tmp_path, capsys):
    content = read_content(runs[1])
    write_content(tmp_path / "second/report", dataclasses.replace(content, unit="scan"))
    assert main([*runs, "--output_dir", str(tmp_path / "out")]) == 2
    assert "first has patient, second has scan" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_run_is_refused_with_the_remedy(runs, tmp_path, capsys):
    assert main([str(tmp_path / "nowhere")]) == 2
    assert main([runs[0], str(tmp_path / "nowhere"), "--output_dir", str(tmp_path / "out")]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "has no stored report" in first
    assert "nowhere is no folder; give the folder of a run" in second
