"""What the page's script shows, in a browser; the choice is given in the page's address."""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from data_prep.qc import write_qc
from data_prep.rejections import Rejection

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome to run the page's script")
AGES = [70.0, 61.0, None, 85.0, 9.0, 66.0]


@pytest.fixture(scope="module")
def profile(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("profile")


@pytest.fixture
def page(write_dataset, make_record) -> Path:
    warnings = ["", "cut at 12 mm; dark", "cut at 3 mm", "", "", ""]
    records = [
        make_record(number, age=age, warnings=warning, diagnosis="" if number == 5 else "AD<b>" if number % 2 else "CN")
        for number, (age, warning) in enumerate(zip(AGES, warnings, strict=True))
    ]
    rejections = [Rejection(f"file_{number}.nii", f"cut after {number} bytes", "copy it again") for number in (2, 10)]
    return write_qc(write_dataset(records, [*rejections, Rejection("other.nii", "empty", "copy it again")]))


@pytest.fixture
def show(page, profile):
    """The page's markup after its script ran, without script and style, for a choice such as `scans.split=val`."""

    def show(choice: str = "") -> str:
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--dump-dom"]
        command = [str(BROWSER), *options, f"{page.as_uri()}#{choice}"]
        markup = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
        return re.sub(r"<(script|style).*?</\1>", "", markup, flags=re.DOTALL)

    return show


def list_column(markup: str, table: str, column: int) -> list[str]:
    body = re.search(rf'id="{table}_table".*?<tbody>(.*?)</tbody>', markup, re.DOTALL)[1]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", body)]
    return [unescape(re.sub(r"<[^>]*>", "", row[column])) for row in rows]


def test_all_scans_are_listed_and_shown_with_their_histograms(show):
    markup = show()
    patients = list_column(markup, "scans", 0)
    assert sorted(patients) == [f"sub-P{number:02d}" for number in range(6)]
    assert re.findall(r"<h3>(.*?)</h3>", markup) == patients
    assert markup.count("<path d=") == markup.count('loading="lazy"') == 6
    assert "AD<b>" in list_column(markup, "scans", 4)
    assert list_column(markup, "rejections", 0) == ["file_10.nii", "file_2.nii", "other.nii"]


def test_numbers_sort_as_numbers_with_the_unknown_last_in_both_directions(show):
    assert list_column(show("scans.sort=age"), "scans", 5) == ["9", "61", "66", "70", "85", ""]
    downwards = show("scans.sort=age&scans.down=1")
    assert list_column(downwards, "scans", 5) == ["85", "70", "66", "61", "9", ""]
    assert re.findall(r"<h3>(.*?)</h3>", downwards) == list_column(downwards, "scans", 0)
    assert downwards.count('aria-sort="descending"') == 1


def test_filters_leave_the_scans_that_pass_all_of_them(show):
    markup = show("scans.diagnosis=CN&scans.find=p0&rejections.reason=empty")
    assert sorted(list_column(markup, "scans", 0)) == ["sub-P00", "sub-P02", "sub-P04"]
    assert len(re.findall(r"<h3>", markup)) == 3
    assert ">3 of 6<" in markup
    assert list_column(markup, "rejections", 0) == ["other.nii"]
    assert set(list_column(show("scans.split=train"), "scans", 3)) == {"train"}


def test_unknown_and_known_values_can_be_chosen_as_such(show):
    markup = show("scans.diagnosis=(none)&rejections.sort=source")
    assert list_column(markup, "scans", 0) == ["sub-P05"]
    assert list_column(markup, "rejections", 0) == ["file_2.nii", "file_10.nii", "other.nii"]
    assert len(list_column(show("scans.warnings=(any)"), "scans", 0)) == 2


def test_warnings_are_one_kind_whatever_their_numbers(show):
    cut = show("scans.warnings=cut at %23 mm")
    assert sorted(list_column(cut, "scans", 0)) == ["sub-P01", "sub-P02"]
    assert '<option value="cut at # mm">cut at # mm (2)</option>' in cut
    assert '<option value="dark">dark (1)</option>' in cut
