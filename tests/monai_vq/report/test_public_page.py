import base64
import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from monai_vq.errors import InputError
from monai_vq.report.content import ReportContent
from monai_vq.report.disclosure import MIN_PATIENTS
from monai_vq.report.page import write_page
from monai_vq.report.pictures import PatientPicture
from monai_vq.report.scores import RunScores, ScoreTables


def text_of(path):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", path.read_text(encoding="utf-8")))


@pytest.fixture
def told(scores, people):
    """All that a page can tell; of val and test there are too few patients for a public one."""
    x = np.random.default_rng(0).random((24, 20))
    pictures = [PatientPicture("best", "test", "sub-test01", "sub-test01_ses-01", 3, 0.9, x, x)]
    return ReportContent(
        scores, people, pd.DataFrame({"epoch": [1, 2], "train_loss": [0.2, 0.1], "val_ssim": [0.2, 0.1]}), pictures,
        np.random.default_rng(0).normal(size=(16, 3)), settings={"dataset_dir": "royal", "seed": 3},
        title="Reconstruction report: sub-train03",
    )  # fmt: skip


def test_a_public_page_has_no_id_no_picture_and_no_small_group(tmp_path, told):
    page = write_page(tmp_path, told, public=True)
    content = page.read_bytes()
    names = {*told.people["patient_id"], *told.people["scan_id"], *told.people["site"], "royal", "ses-0"}
    assert not [name for name in names if name.encode() in content]
    assert b"image/png" not in content  # pictures, and points within the charts
    assert b"<script" not in content  # which would hold a row a patient
    charts = re.findall(rb"data:image/svg\+xml;base64,([^\"]+)", content)
    assert b"<image" not in base64.b64decode(charts[0])  # where points would be
    text = text_of(page)
    assert "Not shown for that reason: the splits val and test" in text
    for word in ("minimum", "median", "lower quartile", "sub-test"):
        assert word not in text
    shown = [int(number) for number in re.findall(r"(?:unknown|CN|F|M|site \d|–\d+) (\d+) 0\.\d{4} \[", text)]
    assert shown
    assert min(shown) >= MIN_PATIENTS


@pytest.mark.usefixtures("without_charts")
def test_a_public_page_shows_the_scores_of_large_splits_as_they_are(tmp_path, told):
    text = text_of(write_page(tmp_path, told, public=True))
    row = ScoreTables.of_model(told.scores).splits.iloc[0]
    assert f"{row['ssim']:.4f} [{row['ssim_low']:.4f}, {row['ssim_high']:.4f}]" in text
    assert "On the 12 patients of the train split" in text


@pytest.mark.usefixtures("without_charts")
def test_without_a_large_split_there_is_nothing_to_publish(tmp_path, scores):
    few = RunScores(scores.model[scores.model["split"] == "test"], scores.latent)
    with pytest.raises(InputError, match="No split has 5 patients"):
        write_page(tmp_path, ReportContent(few), public=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("without_charts")
def test_where_nobody_knows_the_patients_a_public_page_says_what_it_counted(tmp_path, told):
    text = text_of(write_page(tmp_path, dataclasses.replace(told, unit="scan"), public=True))
    assert "does not say whose scans these are, so scans were counted in the place of patients" in text


@pytest.mark.usefixtures("without_charts")
def test_a_site_that_is_everybodys_is_not_named(tmp_path, told):
    everybody = dataclasses.replace(told, people=told.people.assign(site="Royal-Hospital"))
    assert "source oasis2, site Royal-Hospital." in text_of(write_page(tmp_path / "own", everybody))
    text = text_of(write_page(tmp_path / "public", everybody, public=True))
    assert "source oasis2, site 1." in text
    assert "Royal" not in text
