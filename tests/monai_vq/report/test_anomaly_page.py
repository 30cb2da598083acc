import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monai_vq.anomaly.evaluation import METHODS, SCORES
from monai_vq.report.anomaly_figures import AnomalyPicture
from monai_vq.report.anomaly_page import Evaluation, write_anomaly_page

SCANS = pd.DataFrame({"scan_id": ["scan-1"], "likelihood mean": [0.123456]})


def make_methods(aurocs: dict[str, float], patients: int = 12) -> pd.DataFrame:
    rows = []
    for method, auroc in aurocs.items():
        row: dict[str, object] = {"method": method, "n_patients": patients}
        for score in SCORES:
            row |= {score: auroc, f"{score}_low": auroc - 0.01, f"{score}_high": auroc + 0.01}
            row |= {f"{score}_gain": 0.05, f"{score}_gain_low": 0.02, f"{score}_gain_high": np.nan}
        rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture
def pictures() -> list[AnomalyPicture]:
    rng = np.random.default_rng(0)
    foreground = np.ones((16, 12), bool)
    lesion = np.zeros((16, 12), bool)
    lesion[4:7, 5:8] = True
    return [
        AnomalyPicture(f"row {i}", rng.random((16, 12)), lesion, foreground, {m: rng.random((16, 12)) for m in METHODS})
        for i in range(2)
    ]


@pytest.fixture
def evaluation() -> Evaluation:
    aurocs = dict(zip(METHODS, [0.81, 0.74, 0.5, 0.6, 0.7], strict=True))
    lesions = pd.DataFrame(
        [
            {"method": method, "kind": kind, "radius_mm": radius, "auroc": 0.7}
            for method in METHODS
            for kind in ("hyperintense", "texture")
            for radius in (3.0, 6.0)
        ]
    )
    return Evaluation(make_methods(aurocs), SCANS, lesions)


def write(folder: Path, *arguments, **options) -> str:
    return html.unescape(write_anomaly_page(folder / "index.html", *arguments, **options).read_text())


def test_the_page_needs_nothing_but_itself_and_says_the_result(tmp_path, pictures, evaluation):
    page = write(tmp_path, pictures, SCANS, evaluation)
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert page.count("<img") == 2
    assert "4 lesions planted in the scans of 12 patients" in page
    assert (
        "<strong>likelihood</strong> tells lesion from healthy pixels with an AUROC of\n<strong>0.810</strong>" in page
    )
    assert "deviation from healthy, with 0.700" in page
    assert "has the higher AUROC" not in page
    assert "[0.800, 0.820]" in page


def test_a_prior_that_loses_and_few_patients_are_said_first(tmp_path, pictures, evaluation):
    aurocs = dict(zip(METHODS, [0.6, 0.5, 0.5, 0.6, 0.7], strict=True))
    losing = Evaluation(make_methods(aurocs, patients=7), SCANS, evaluation.lesions)
    page = write(tmp_path, pictures, SCANS, losing, cautions=["Mind <this>."])
    cautions = page[page.index("Read with caution") : page.index("<h2>")]
    assert "deviation from healthy, which knows no prior, has the higher AUROC" in cautions
    assert "Only 7 patients" in cautions
    assert "Mind <this>." in cautions
    assert "<this>" not in (tmp_path / "index.html").read_text()  # escaped


def test_without_lesions_there_are_maps_and_scans_but_no_scores(tmp_path, pictures):
    page = write(tmp_path, pictures[:1], SCANS, settings={"seed": 7, "prior": {"dim": 96}})
    assert "AUROC" not in page
    assert '<td class="text">0.1235</td>' in page
    assert "<th>seed</th><td>7</td>" in page
    assert "It is no diagnosis" in page


def test_equal_arguments_give_an_equal_file(tmp_path, pictures, evaluation):
    assert write(tmp_path / "a", pictures, SCANS, evaluation) == write(tmp_path / "b", pictures, SCANS, evaluation)
