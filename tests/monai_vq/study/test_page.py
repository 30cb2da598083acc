import html
import re
from dataclasses import replace
from pathlib import Path

import pytest

from monai_vq.study.page import write_study_page
from monai_vq.study.plan import Run
from monai_vq.study.results import Results, read_run


@pytest.fixture
def runs(study_dir: Path, make_run) -> list[Run]:
    return [replace(make_run(variant), output_dir=study_dir) for variant in ("vq_ema", "projected")]


def write(runs: list[Run], folder: Path, missing: tuple[str, ...] = (), **options) -> str:
    results = Results([read_run(run) for run in runs], missing, [], "vq_ema")
    return html.unescape(write_study_page(results, folder, **options).read_text())


def test_the_page_of_the_study_needs_nothing_but_itself(study_dir):
    page = (study_dir / "index.html").read_text()
    assert "The same slices by every variant" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert page.count("<h2>") == page.count("</h2>") >= 6


def test_scores_are_those_of_the_table(runs, tmp_path):
    page = write(runs, tmp_path)
    variants = Results([read_run(run) for run in runs], [], [], "vq_ema").variants.set_index("variant")
    for name in ("vq_ema", "projected"):
        assert f"<td>{variants.loc[name, 'ssim']:.4f}</td>" in page
    assert f"<td>{variants.loc['projected', 'mse_ratio']:.3f}<span" in page


def test_missing_and_failed_runs_are_named_first(runs, tmp_path):
    page = write(runs[:1], tmp_path, ("projected-seed0",), failed={"projected-seed0": "ValueError: bad <value>"})
    cautions = page[page.index("Read with caution") : page.index("<h2>")]
    assert "Not complete, hence left out: projected-seed0." in cautions
    assert "Failed: projected-seed0: ValueError: bad <value>" in cautions
    assert "bad <value>" not in (tmp_path / "index.html").read_text()  # escaped
    assert "1 of 2 runs" in page


def test_what_flatters_is_said(runs, tmp_path):
    page = write(runs, tmp_path, unit="image")
    assert "Only 1 images in the test split" in page
    assert "by image, not by patient" in page
    assert "One seed only" in page
    assert "has no complete run: nothing is compared" in write(runs[1:], tmp_path)


def test_folders_are_named_by_their_last_part_only(runs, tmp_path):
    page = write(runs, tmp_path)
    assert str(runs[0].output_dir) not in page
    assert str(runs[0].dataset_dir) not in page
    assert "--dataset_dir=prepared --output_dir=vq_ema-seed0 --seed=0" in page


def test_equal_runs_give_an_equal_page(runs, tmp_path):
    assert write(runs, tmp_path) == write(runs, tmp_path)
