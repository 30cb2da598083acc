import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest

from monai_vq.report.comparison.differences import difference_table
from monai_vq.report.comparison.page import render_comparison


class Page(HTMLParser):
    """Collects the text outside scripts and the links, and checks that every element is closed in order."""

    VOID = ("meta", "img", "link", "br", "input")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.parts, self.links = [], [], []
        self.feed(page)
        assert self.open == []
        self.text = re.sub(r"\s+", " ", " ".join(self.parts))

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.parts.append(data)


@pytest.fixture
def render():
    return lambda comparison, public=False: render_comparison(comparison, difference_table(comparison), public)


def listed(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])


def test_every_score_of_every_run_has_its_interval_and_baselines_stand_once(comparison, render):
    text = Page(render(comparison)).text
    for run in comparison.runs:
        for row in run.tables.splits.to_dict("records"):
            assert f"{row['ssim']:.4f} [{row['ssim_low']:.4f}, {row['ssim_high']:.4f}]" in text
            assert f"{row['bits_per_pixel']:.4g}" in text
    scores = text[text.index("Scores by split") : text.index("Beside first")]
    assert scores.count("mean training image") == scores.count("blurred input") == 3
    assert scores.index("test 6 patients") < scores.index("val 3 patients") < scores.index("train 8 patients")


def test_the_paired_comparison_is_in_the_page(comparison, render):
    text = Page(render(comparison)).text
    for row in difference_table(comparison).query("score == 'ssim'").to_dict("records"):
        interval = f"[{row['low']:+.4f}, {row['high']:+.4f}]"
        numbers = f"{row['mean']:+.4f} {interval} {row['p']:.2g} {row['holm_p']:.2g} {row['better']} {row['worse']} 6"
        assert numbers in text
    assert "Read with caution" in text
    assert "The rates differ" in text


def test_needs_nothing_but_itself(comparison, render):
    page = render(comparison)
    links = Page(page).links
    assert links
    assert all(link.startswith("data:image/") for link in links)
    assert not re.search(r"url\(|https?://|@import", re.sub(r'"data:[^"]*"', "", page))


def test_equal_comparisons_give_an_equal_page(comparison, render):
    assert render(comparison) == render(comparison)


def test_the_list_of_patients_has_a_column_a_run_and_their_differences(comparison, render):
    data = listed(render(comparison))
    titles = [column["title"] for column in data["columns"]]
    assert titles == ["split", "patient", "SSIM first", "SSIM better", "SSIM worse", "better − first", "worse − first"]
    assert len(data["rows"]) == 8 + 3 + 6
    row = next(row for row in data["rows"] if row[1] == "sub-test02")
    patients = comparison.runs[1].tables.patients.set_index("patient_id")["ssim"]
    assert row[3] == pytest.approx(patients["sub-test02"], abs=1e-5)
    assert row[5] == pytest.approx(row[3] - row[2], abs=2e-5)


def test_of_many_runs_the_list_has_scores_alone(make_content, compare, render):
    many = compare(**{f"v{seed}": make_content(seed=seed) for seed in range(1, 7)})
    assert [column["title"] for column in listed(render(many))["columns"][2:]] == [f"SSIM v{i}" for i in range(1, 7)]


def test_names_and_ids_are_text_wherever_they_stand(make_content, compare, render):
    attack = "</script><script>alert(1)</script>"
    content = make_content()
    model = content.scores.model
    model = model.assign(patient_id=model["patient_id"].replace("sub-test00", attack))
    hurt = dataclasses.replace(content, scores=dataclasses.replace(content.scores, model=model, baselines={}))
    page = render(compare(**{attack: hurt, "other": hurt}))
    assert page.count("</script>") == 2  # the data's and the table's own
    assert any(attack in row for row in listed(page)["rows"])


def test_without_shared_pictures_the_page_says_so(make_content, make_pictures, compare, render):
    kept = make_content(pictures=make_pictures([("best", "sub-test01", 2)]))
    text = Page(render(compare(a=kept, b=make_content(seed=2)))).text
    assert "The runs keep no picture of the same slice." in text
    shared = Page(render(compare(a=kept, b=dataclasses.replace(make_content(seed=2), pictures=kept.pictures)))).text
    assert "best patient sub-test01 (scan sub-test01_ses-01, slice 2)" in shared


def test_settings_that_differ_are_listed_and_the_others_once(comparison, render):
    text = Page(render(comparison)).text
    different = text[text.index("Settings that differ") : text.index("Settings that all runs share")]
    assert "seed 1 2 3" in different
    assert "spacing" not in different
    assert comparison.reference.content.settings["split_sha256"] in text
