import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from monai_vq.reconstruct.input_scan import SkippedFile
from monai_vq.reconstruct.page import MAX_ROWS, PageContent, write_page
from monai_vq.report.tables import MEANS


@pytest.fixture
def content():
    ids = {"split": "new", "patient_id": "P <1>", "session_id": "", "scan_id": "P <1>"}
    row = ids | dict.fromkeys(MEANS, 0.5) | {"n_slices": 3, "shape": "4x5x6", "spacing": "1x1x2"}
    row |= {"mean_absolute_error": 12.0, "recon": "scans/a_recon.nii.gz", "error": "scans/a_error.nii.gz"}
    scans = pd.DataFrame([row | {"cautions": "odd & old"}])
    return PageContent(scans=scans, patients=scans[["split", "patient_id", *MEANS]], pictures=(), title="Scans <b>")


class _Balance(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_page_is_whole_needs_nothing_else_and_escapes_what_it_is_given(tmp_path, content):
    text = write_page(tmp_path / "index.html", content).read_text()
    parser = _Balance()
    parser.feed(text)
    assert parser.open == []
    assert not re.search(r'(src|href)="(https?:|//)', text)
    assert "P &lt;1&gt;" in text
    assert "odd &amp; old" in text
    assert "Scans &lt;b&gt;" in text
    assert 'href="scans/a_recon.nii.gz"' in text


def test_what_was_left_out_and_what_is_to_be_minded_is_said(tmp_path, content):
    skipped = [SkippedFile("x.nii", "it is cut off", "download it again")]
    text = write_page(tmp_path / "index.html", replace(content, skipped=skipped, cautions=["mind this"])).read_text()
    assert all(words in text for words in ("x.nii", "it is cut off", "download it again", "mind this"))
    assert "Left out" not in write_page(tmp_path / "index.html", content).read_text()


def test_of_very_many_scans_the_table_says_how_many_it_leaves_out(tmp_path, content):
    many = pd.concat([content.scans] * (MAX_ROWS + 7), ignore_index=True)
    text = write_page(tmp_path / "index.html", replace(content, scans=many)).read_text()
    assert "7 more are in scans.csv" in text
    assert text.count("_recon.nii.gz") == MAX_ROWS


def test_means_over_patients_have_an_interval(tmp_path, content):
    values = [0.5 + 0.01 * place for place in range(-6, 7)]
    patients = pd.concat([content.patients.assign(ssim=value, patient_id=str(value)) for value in values])
    text = write_page(tmp_path / "index.html", replace(content, patients=patients)).read_text()
    assert re.search(r"<strong>0\.500</strong> \[0\.4\d+, 0\.5\d+\]", text)
    assert "<strong>0.500</strong>," in write_page(tmp_path / "index.html", content).read_text()
