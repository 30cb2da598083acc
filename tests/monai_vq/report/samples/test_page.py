import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from monai_vq.report.samples.page import MAX_PAIRS_SHOWN, write_samples_page
from monai_vq.report.samples.scores import score_samples
from monai_vq.report.samples.words import verdict


class Balance(HTMLParser):
    """Collects the page's text and links, and checks that every element is closed in order."""

    VOID = ("meta", "img", "link", "br")

    def __init__(self):
        super().__init__()
        self.open, self.text, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parse(path):
    parser = Balance()
    parser.feed(path.read_text(encoding="utf-8"))
    assert parser.open == []
    return re.sub(r"\s+", " ", " ".join(parser.text)), parser.links


@pytest.fixture
def sets(samples, train, heldout):
    return samples, train, heldout


def test_shows_every_score(tmp_path, scores, sets):
    text, _ = parse(write_samples_page(tmp_path, scores, *sets))
    for table in (scores.distances, scores.decoded_distances, scores.groups.table):
        for row in table.to_dict("records"):
            assert re.search(
                rf"{row['images']} \d+ {row['frechet']:.1f} ± {row['frechet_sd']:.1f} {row['mmd']:.3f}", text
            )
    assert verdict(scores.memorisation) in text
    assert f"{scores.sample_diversity.ms_ssim:.3f}" in text
    assert f"{scores.real_diversity.ms_ssim:.3f}" in text


def test_each_sample_stands_beside_its_nearest_training_slice_closest_first(tmp_path, scores, sets):
    text, links = parse(write_samples_page(tmp_path, scores, *sets))
    ordered = scores.neighbours.sort_values("similarity", ascending=False)
    places = [text.index(f"{row.similarity:.3f} sample {row.sample} (") for row in ordered.itertuples()]
    assert places == sorted(places)
    first = ordered.iloc[0]
    assert f"{first['nearest_scan_id']}, slice {first['nearest_slice_index']}" in text
    assert len(links) == len(ordered) + 3  # two sheets and the similarities


def test_needs_nothing_but_itself_and_equal_arguments_give_an_equal_file(tmp_path, scores, sets):
    settings = {"seed": 0, "Prior": {"knob": "<script>alert(1)</script>"}}
    pages = [write_samples_page(tmp_path / n, scores, *sets, settings=settings) for n in ("a", "b")]
    text, links = parse(pages[0])
    assert all(link.startswith("data:image/") for link in links)
    assert "<script" not in pages[0].read_text(encoding="utf-8")
    assert "<script>alert(1)</script>" in text
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert [entry.name for entry in pages[0].parent.iterdir()] == ["index.html"]


def test_copies_are_called_so_and_marked(tmp_path, copies, train, heldout):
    scores = score_samples(copies, train, heldout)
    path = write_samples_page(tmp_path, scores, copies, train, heldout)
    text, _ = parse(path)
    assert "30 of 30 samples are copies of training slices" in text
    assert path.read_text(encoding="utf-8").count('class="above"') == 30
    assert "To reconstructions" not in text


def test_of_many_samples_the_closest_are_shown(tmp_path, train, heldout):
    many = train.take(list(range(60)))
    text, links = parse(write_samples_page(tmp_path, score_samples(many, train, heldout), many, train, heldout))
    assert f"The {MAX_PAIRS_SHOWN} samples closest to a training slice" in text
    assert len(links) == MAX_PAIRS_SHOWN + 3


def test_groups_that_are_left_out_are_named(tmp_path, scores, sets):
    groups = replace(scores.groups, table=pd.DataFrame(), left_out={"MCI": "4 samples"})
    text, _ = parse(write_samples_page(tmp_path, replace(scores, groups=groups), *sets))
    assert "MCI is left out: 4 samples." in text
