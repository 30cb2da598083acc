import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from monai_vq.metrics import GainHistogram, LatentFormat
from monai_vq.report.content import ReportContent
from monai_vq.report.gains import GainReport
from monai_vq.report.groups import group_table
from monai_vq.report.page import write_page
from monai_vq.report.pictures import DRAWN, PatientPicture, choose_patients, choose_slice
from monai_vq.report.scores import RunScores, ScoreTables
from monai_vq.report.tables import slice_table


class Balance(HTMLParser):
    """Collects the page's text and links, and checks that every element is closed in order."""

    VOID = ("meta", "img", "link", "br")

    def __init__(self):
        super().__init__()
        self.open, self.text, self.scripts, self.links = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.scripts if self.open[-1:] == ["script"] else self.text).append(data)


def read(path):
    parser = Balance()
    parser.feed(path.read_text(encoding="utf-8"))
    assert parser.open == []
    return parser


def parse(path):
    parser = read(path)
    return re.sub(r"\s+", " ", " ".join(parser.text)), parser.links


def listed(path):
    """The rows of the table of all patients, by column."""
    data = json.loads(read(path).scripts[0])
    return pd.DataFrame(data["rows"], columns=[column["title"] for column in data["columns"]])


@pytest.fixture
def tables(scores):
    return ScoreTables.of_model(scores)


def choose_pictures(tables):
    rng = np.random.default_rng(0)
    pictures = []
    for rank, patient in choose_patients(tables.patients, "test").items():
        chosen = choose_slice(tables.slices, patient)
        x = rng.random((24, 20))
        pictures.append(
            PatientPicture(rank, "test", patient, chosen.scan_id, chosen.slice_index, chosen.ssim, x, x + 0.1)
        )
    return pictures


@pytest.fixture
def pictures(tables):
    return choose_pictures(tables)


@pytest.mark.usefixtures("without_charts")
def test_shows_every_score_beside_the_baselines(tmp_path, scores, tables):
    text, _ = parse(write_page(tmp_path, ReportContent(scores)))
    everyone = [tables, *ScoreTables.of_baselines(scores).values()]
    for split in everyone:
        for row in split.splits.to_dict("records"):
            assert f"{row['ssim']:.4f} [{row['ssim_low']:.4f}, {row['ssim_high']:.4f}]" in text
            assert f"{row['psnr']:.2f}" in text
    assert text.count("mean training image") == text.count("blurred input") == 3 + 1  # and what it is
    assert "93.8%" in text
    assert text.count("0.8125") == 1 + 3  # the result and a row a split: all patients have the same rate
    assert "Fewer than 10 patients in val (3), test (4)" in text


def test_needs_nothing_but_itself_and_is_small(tmp_path, scores, tables, pictures):
    history = pd.DataFrame({"epoch": [1, 2], "train_loss": [0.2, 0.1]})
    path = write_page(tmp_path / "new" / "report", ReportContent(scores, history=history, pictures=pictures))
    text, links = parse(path)
    assert len(links) == 4
    assert all(link.startswith("data:image/") for link in links)
    assert "url(" not in path.read_text(encoding="utf-8")
    assert path.stat().st_size < 3e6
    assert [entry.name for entry in path.parent.iterdir()] == ["index.html"]
    assert all(picture.patient_id in text for picture in pictures)


def test_equal_arguments_give_an_equal_file(tmp_path, scores, tables, pictures):
    pages = [write_page(tmp_path / name, ReportContent(scores, pictures=pictures)) for name in ("a", "b")]
    assert pages[0].read_bytes() == pages[1].read_bytes()


@pytest.mark.usefixtures("without_charts")
def test_text_is_escaped(tmp_path, scores, tables):
    attack = "<script>alert(1)</script>"
    text, _ = parse(path := write_page(tmp_path, ReportContent(scores, title=attack, settings={"knob": attack})))
    assert "<script>alert" not in path.read_text(encoding="utf-8")
    assert text.count(attack) == 3  # twice the title, once the setting


@pytest.mark.usefixtures("without_charts")
def test_without_codes_baselines_or_a_test_split(tmp_path, slices, scores):
    scores = RunScores(slices[slices["split"] == "train"], scores.latent)
    text, links = parse(write_page(tmp_path, ReportContent(scores)))
    assert "This model has no codebook" in text
    assert "On the 12 patients of the train split" in text
    assert len(links) == 1


@pytest.mark.usefixtures("without_charts")
def test_a_rate_has_an_interval_where_patients_differ_in_it(tmp_path, scores):
    rng = np.random.default_rng(0)
    model = scores.model.assign(bits_per_pixel=rng.uniform(0.5, 1, len(scores.model)))
    varied = RunScores(model, scores.latent, scores.code_counts)
    text, _ = parse(write_page(tmp_path, ReportContent(varied)))
    for row in ScoreTables.of_model(varied).splits.to_dict("records"):
        interval = f"[{row['bits_per_pixel_low']:.4g}, {row['bits_per_pixel_high']:.4g}]"
        assert f"{row['bits_per_pixel']:.4g} {interval} {row['bits_per_pixel_entropy']:.4g}" in text


@pytest.mark.usefixtures("without_charts")
def test_a_rate_that_is_a_bound_is_called_one_wherever_it_stands(tmp_path, slices):
    vae = RunScores(slices, LatentFormat((1, 1), (128, 128), 1, 256, is_bound=True))
    text, _ = parse(write_page(tmp_path, ReportContent(vae)))
    assert "at 0.8125 bits per pixel (a bound)." in text
    assert "bits per pixel (bound)" in text
    assert "KL(q(z | x) ‖ N(0, 1)) / ln 2" in text


@pytest.mark.usefixtures("without_charts")
@pytest.mark.parametrize("levels", [None, np.array([[0.5, 1.0, 1.5, 2.0]])])
def test_codewords_and_gains_are_shown(tmp_path, scores, tables, levels):
    codewords = np.random.default_rng(0).normal(size=(16, 4))
    gains = GainReport("test", GainHistogram(np.array([0.5, 1.0, 2.0]), np.array([[10, 20, 10]])), levels)
    text, links = parse(write_page(tmp_path, ReportContent(scores, codewords=codewords, gains=gains)))
    assert len(links) == 4  # patients, codebook, codewords, gains
    assert "The gains that the latents of the test split store" in text
    assert ("4 levels" in text) == ("75.0% 1.50 2" in text) == (levels is not None)
    assert "1 40 1.125 0.54" in text


@pytest.mark.usefixtures("without_charts")
def test_a_split_without_stored_gains_says_so(tmp_path, scores, tables):
    gains = GainReport("test", GainHistogram(np.zeros(0), np.zeros((1, 0), dtype=int)))
    text, links = parse(write_page(tmp_path, ReportContent(scores, gains=gains)))
    assert "No position of the test split stores a gain" in text
    assert len(links) == 2


@pytest.mark.usefixtures("without_charts")
def test_states_settings_and_provenance(tmp_path, scores, tables):
    text, _ = parse(write_page(tmp_path, ReportContent(scores, settings={"Dataset": {"splits.json sha256": "abc123"}})))
    for expected in ("11 × 11", "σ = 1.5", "0.01, 0.03", "data_range", "bootstrap-t", "abc123", "32 × 32"):
        assert expected in text


@pytest.mark.usefixtures("without_charts")
def test_speaks_of_what_the_unit_is(tmp_path, scores, tables, pictures):
    text, _ = parse(write_page(tmp_path, ReportContent(scores, pictures=pictures, unit="image")))
    assert "19 images, split by image." in text
    assert "On the 4 images of the test split" in text
    assert "Best, median and worst image of the test split" in text
    text, _ = parse(write_page(tmp_path, ReportContent(scores, pictures=pictures, unit="scan")))
    assert "19 scans, 38 scans" not in text
    assert "Separation of patients cannot be claimed" in text


@pytest.mark.usefixtures("without_charts")
def test_says_which_patients_were_drawn_whatever_the_model(tmp_path, scores, tables, pictures):
    x = pictures[0].x
    drawn = [PatientPicture(DRAWN, "test", patient, "s", 2, 0.9, x, x) for patient in ("sub-test00", "sub-test03")]
    text, _ = parse(write_page(tmp_path, ReportContent(scores, pictures=[*pictures, *drawn])))
    assert "Best, median, worst and drawn patients of the test split" in text
    assert "The 2 patients drawn by a hash of the ids, with the middle slice of a scan, are the same for every" in text
    assert text.count("drawn sub-test") == 2


# [patients to test, heading, ranks]
FEW = [
    (1, "Only patient of the test split Of it, the slice", ["only"]),
    (2, "Best and worst patient of the test split Patients are ranked", ["best", "worst"]),
    (3, "Best, median and worst patient of the test split Patients are ranked", ["best", "median", "worst"]),
]


@pytest.mark.usefixtures("without_charts")
@pytest.mark.parametrize(("count", "heading", "ranks"), FEW)
def test_of_few_patients_each_is_pictured_once(tmp_path, scores, count, heading, ranks):
    tested = [f"sub-test{number:02d}" for number in range(count)]
    kept = ~scores.model["patient_id"].str.startswith("sub-test") | scores.model["patient_id"].isin(tested)
    tables = ScoreTables.of_model(few := RunScores(scores.model[kept], scores.latent))
    text, _ = parse(write_page(tmp_path, ReportContent(few, pictures=choose_pictures(tables))))
    assert heading in text
    rows = re.findall(r"(best|median|worst|only) (sub-test\d\d) sub-test", text)
    assert [rank for rank, _ in rows] == ranks
    assert sorted(patient for _, patient in rows) == tested
    assert f"On the {count} patient{'s' * (count > 1)} of the test split" in text


@pytest.mark.usefixtures("without_charts")
def test_all_of_very_many_images_are_listed_in_a_page_that_stays_small(tmp_path, scores):
    count = 10_000
    ssim = np.random.default_rng(0).permutation(np.linspace(0.2, 0.99, count))
    ids = {"split": "test", "patient_id": [f"i{number:05d}" for number in range(count)], "session_id": ""}
    own = {"scan_id": "test-cat-000", "slice_index": range(count), "ssim": ssim, "ssim_foreground": ssim}
    others = {"psnr": 20.0, "mse": 0.01, "mae": 0.05, "bits_per_pixel": 0.8}
    many = RunScores(pd.DataFrame(ids | own | others), scores.latent)
    path = write_page(tmp_path, ReportContent(many, unit="image"))
    rows = listed(path)
    assert rows["image"].tolist() == ids["patient_id"]
    assert rows["SSIM"].to_numpy() == pytest.approx(ssim, abs=1e-5)
    assert path.stat().st_size < 2e6


@pytest.mark.usefixtures("without_charts")
def test_an_id_cannot_end_the_script_that_holds_it(tmp_path, scores):
    attack = "</script><b>"
    model = scores.model.replace({"patient_id": {"sub-test00": attack}})
    rows = listed(write_page(tmp_path, ReportContent(RunScores(model, scores.latent))))
    assert attack in rows["patient"].tolist()
    assert len(rows) == 19


@pytest.mark.usefixtures("without_charts")
def test_shows_groups_of_each_split_and_says_that_no_difference_was_tested(tmp_path, scores, people):
    text, _ = parse(write_page(tmp_path, ReportContent(scores, people)))
    groups = group_table(slice_table(scores.model), people)
    assert set(groups["attribute"]) == {"diagnosis", "sex", "age", "session", "site"}
    for row in groups.dropna(subset="ssim_low").to_dict("records"):
        interval = f"[{row['ssim_low']:.4f}, {row['ssim_high']:.4f}]"
        assert f"{row['group']} {row['n_patients']} {row['ssim']:.4f} {interval}" in text
    assert "no difference between them has been tested" in text
    assert "The same for every scan: source oasis2" in text
    assert "unknown" in text
    assert "healthy" in text  # it says that unknown is not


@pytest.mark.usefixtures("without_charts")
def test_without_people_every_attribute_is_said_to_be_unknown(tmp_path, scores):
    text, _ = parse(write_page(tmp_path, ReportContent(scores)))
    assert "does not say of any scan: diagnosis, sex, age, session, source, site." in text
