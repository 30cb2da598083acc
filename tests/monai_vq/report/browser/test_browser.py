"""The run's page and the comparison in a browser."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monai_vq.report.__main__ import main
from monai_vq.report.content import PEOPLE_COLUMNS, ReportContent
from monai_vq.report.scores import RunScores
from monai_vq.report.stored import write_content

SIGNS = {"ascending": 1, "descending": -1}
MORE_ROWS = """new Promise((done) => {{
  const rows = document.querySelector('#patients tbody').rows;
  const look = () => (rows.length > {} ? done(rows.length) : requestAnimationFrame(look));
  look();
}})"""


@pytest.fixture
def write_run(tmp_path: Path, scores: RunScores) -> Callable[[str, float], Path]:
    """Writes a run of the fixture's patients; `shift` is added to the SSIM of one half and taken from the other's."""

    def write(name: str, shift: float) -> Path:
        sign = np.where(scores.model["patient_id"].str[-1].astype(int) % 2, shift, -shift)
        model = scores.model.assign(ssim=scores.model["ssim"] + sign)
        ids = model[["patient_id", "session_id", "scan_id"]].drop_duplicates()
        sex = np.where(np.arange(len(ids)) % 4 < 2, "F", "M")
        people = ids.assign(diagnosis="CN", sex=sex, age=61.0, site="Mercy", source="oasis1")[PEOPLE_COLUMNS]
        content = ReportContent(RunScores(model, scores.latent, scores.code_counts, scores.baselines), people)
        write_content(tmp_path / name / "report", content)
        return tmp_path / name

    return write


@pytest.fixture(scope="module")
def pages() -> dict[str, Path]:
    """The pages that are written already."""
    return {}


@pytest.fixture(params=["run", "comparison"])
def page(
    request: pytest.FixtureRequest, pages: dict[str, Path], write_run: Callable[[str, float], Path], tmp_path: Path
) -> Path:
    """Either page, written once by the command."""
    if request.param not in pages:
        runs = [str(write_run("first", 0.0)), str(write_run("second", 0.03))]
        assert main([*(runs[:1] if request.param == "run" else runs), "--output_dir", str(tmp_path / "out")]) == 0
        pages[request.param] = tmp_path / "out/index.html"
    return pages[request.param]


@pytest.fixture
def title(page: Path) -> str:
    """The column of scores that is sorted."""
    return "SSIM first" if "SSIM first" in page.read_text(encoding="utf-8") else "SSIM"


def header(title: str) -> str:
    return f"[...document.querySelectorAll('#patients th button')].find((one) => one.textContent === {title!r})"


def test_a_page_loads_without_complaint_and_asks_for_nothing_else(tab, page):
    tab.open(page.as_uri())
    assert tab.complaints == []
    assert tab.requests == [page.as_uri()]
    assert tab.value("document.images.length") >= 2
    assert tab.value("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")


def test_a_click_sorts_a_second_turns_round_a_third_restores(tab, page, title):
    tab.open(page.as_uri())
    first = tab.column("patient")
    assert len(set(first)) == len(first) == 19
    for direction, sign in SIGNS.items():
        tab.click(header(title))
        scores = [sign * float(cell) for cell in tab.column(title)]
        assert scores == sorted(scores)
        assert tab.column("patient") != first
        assert tab.value(f"{header(title)}.parentElement.ariaSort") == direction
    tab.click(header(title))
    assert tab.column("patient") == first
    assert tab.complaints == []


def test_numbers_follow_their_patient_when_rows_move(tab, page, title):
    tab.open(page.as_uri())
    before = dict(zip(tab.column("patient"), tab.column(title), strict=True))
    tab.click(header("patient"))
    tab.click(header("patient"))
    patients = tab.column("patient")
    assert patients == sorted(before, reverse=True)
    assert dict(zip(patients, tab.column(title), strict=True)) == before


def test_filters_and_words_hide_the_rows_that_do_not_have_them(tab, page):
    tab.open(page.as_uri())
    everyone = tab.column("patient")
    tab.choose("split", "test")
    assert tab.column("patient") == [patient for patient in everyone if "test" in patient]
    assert tab.value("document.querySelector('#patients output').value") == "4 of 19"
    tab.type("document.querySelector('#patients input[name=find]')", "T02")
    assert tab.column("patient") == ["sub-test02"]
    tab.choose("split", "val")
    assert tab.column("patient") == []
    assert tab.complaints == []


def test_a_choice_is_kept_in_the_address(tab, page):
    tab.open(page.as_uri())
    tab.click(header("patient"))
    tab.click(header("patient"))
    address, rows = tab.value("location.href"), tab.column("patient")
    tab.open("about:blank")
    tab.open(address)
    assert tab.column("patient") == rows == sorted(rows, reverse=True)


def test_on_a_telephone_tables_scroll_and_the_page_does_not(tab, page):
    tab.ask("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=False)
    tab.open(page.as_uri())
    wide = tab.value("document.documentElement.scrollWidth")
    tab.ask("Emulation.clearDeviceMetricsOverride")
    assert wide <= 390


@pytest.mark.parametrize("number", [1, 2])
def test_a_public_page_holds_no_name_and_no_table_of_patients(tab, write_run, tmp_path, number):
    runs = [str(write_run("Mercy_a", 0.0)), str(write_run("Mercy_b", 0.03))][:number]
    assert main([*runs, "--public", "--output_dir", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out/index.html").as_uri()
    tab.open(page)
    shown = tab.value("document.documentElement.outerHTML")
    assert not re.search(r"sub-(train|val|test)\d|ses-0\d|Mercy", shown)
    assert tab.value("document.querySelector('#patients')") is None
    assert "12 patients" in shown  # of the training split, the only one that is large enough
    assert tab.complaints == []
    assert tab.requests == [page]


def test_of_a_thousand_patients_all_are_sorted_and_all_are_printed(tab, tmp_path, scores):
    number = 1000
    ssim = np.random.default_rng(0).permutation(np.linspace(0.2, 0.99, number))
    ids = {"split": "test", "patient_id": [f"sub-{i:04d}" for i in range(number)], "session_id": "ses-01"}
    own = {"scan_id": [f"sub-{i:04d}_ses-01" for i in range(number)], "slice_index": 0, "ssim": ssim}
    others = {"ssim_foreground": 0.5, "psnr": 20.0, "mse": 0.01, "mae": 0.05, "bits_per_pixel": 0.8}
    for name in ("a", "b"):
        content = ReportContent(RunScores(pd.DataFrame(ids | own | others), scores.latent))
        write_content(tmp_path / name / "report", content)
    assert main([str(tmp_path / "a"), str(tmp_path / "b"), "--output_dir", str(tmp_path / "out")]) == 0
    page = tmp_path / "out/index.html"
    assert page.stat().st_size < 30e6
    tab.open(page.as_uri())
    tab.click(header("SSIM a"))
    order = [f"sub-{i:04d}" for i in np.argsort(ssim)]
    drawn = tab.column("patient")
    assert len(drawn) < number  # the rest is drawn when it is scrolled to
    assert drawn == order[: len(drawn)]
    tab.value("document.querySelector('#patients .scroll').scrollTo(0, 1e6)")
    assert tab.value(MORE_ROWS.format(len(drawn))) > len(drawn)
    tab.ask("Page.printToPDF")
    assert tab.column("patient") == order
