import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.qc import page as qc_page
from data_prep.qc import write_qc
from data_prep.rejections import Rejection
from monai_vq.data import Cohort, read_splits
from monai_vq.errors import InputError


@pytest.fixture
def dataset(write_dataset, make_record) -> Path:
    """Six patients; patient 0's values carry markup, and so does a rejected file."""
    records = [make_record(0, diagnosis="</script><script>alert(1)</script>"), *map(make_record, range(1, 6))]
    return write_dataset(records, [Rejection("sub-<b>/x.nii", "a & b", "mend it")])


def read_data(page: Path) -> dict:
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_page_has_every_scan_once_with_its_split(dataset):
    data = read_data(write_qc(dataset))
    columns = data["scans"]["columns"]
    rows = [dict(zip(columns, row, strict=True)) for row in data["scans"]["rows"]]
    splits = read_splits(dataset)
    assert [(row["split"], row["patient"]) for row in rows] == [
        (name, patient) for name, patients in splits.splits.items() for patient in patients
    ]
    assert [montage["patient"] for montage in data["montages"]] == [row["patient"] for row in rows]
    assert {tuple(montage["window"]) for montage in data["montages"]} == {("3", "900")}


def test_page_says_how_the_images_lie_and_which_split_it_shows(dataset):
    text = write_qc(dataset).read_text(encoding="utf-8")
    assert "axial: image left = patient&#39;s right, image top = anterior" in text
    assert read_splits(dataset).sha256 in text
    assert "SMD of age" in text
    assert "2x2 mm" in text
    assert 'role="note"' not in text


def test_what_was_left_on_purpose_is_not_counted_as_rejected(write_dataset, make_record):
    listed = [Rejection(f"{number}.nii", "a reason", "a remedy") for number in range(5)]
    dataset = write_dataset([make_record(number) for number in range(6)], listed, Cohort("bids", "names", exclusions=2))
    assert "Rejected (2), left out on purpose (3)</h2>" in write_qc(dataset).read_text(encoding="utf-8")


def test_text_from_files_stays_text(dataset):
    page = write_qc(dataset)
    text = page.read_text(encoding="utf-8")
    assert text.count("<script") == text.count("</script>") == 2  # the data and the program
    assert "<script>alert" not in text
    assert read_data(page)["rejections"]["rows"] == [["sub-<b>/x.nii", "a & b", "mend it"]]
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in text  # in the table of counts


def test_small_images_are_in_the_page_which_needs_nothing_else(dataset):
    page = write_qc(dataset)
    images = [montage["image"].partition(",")[2] for montage in read_data(page)["montages"]]
    assert len(set(images)) == 6
    assert all(Image.open(io.BytesIO(base64.b64decode(image))).format == "JPEG" for image in images)
    assert not re.search(r"https?://|src=\"|<link|@import", page.read_text(encoding="utf-8"))
    assert [path.name for path in page.parent.iterdir()] == ["index.html"]


def test_large_images_lie_beside_the_page_and_their_sizes_in_it(dataset, monkeypatch):
    monkeypatch.setattr(qc_page, "_MAX_INLINE_BYTES", 1000)
    page = write_qc(dataset)
    montages = read_data(page)["montages"]
    assert len({montage["image"] for montage in montages}) == 6
    for montage in montages:
        assert Image.open(page.parent / montage["image"]).size == (montage["width"], montage["height"])


def test_equal_datasets_give_equal_bytes_and_leave_no_other_file(dataset, monkeypatch):
    monkeypatch.setattr(qc_page, "_MAX_INLINE_BYTES", 1000)
    first = {path.name: path.read_bytes() for path in write_qc(dataset).parent.rglob("*") if path.is_file()}
    (dataset / ".qc.part").mkdir()
    (dataset / "qc/strips/stale.jpg").write_bytes(b"")
    assert {path.name: path.read_bytes() for path in write_qc(dataset).parent.rglob("*") if path.is_file()} == first
    assert not (dataset / ".qc.part").exists()


def test_incomplete_dataset_is_refused_and_keeps_its_page(dataset):
    page = write_qc(dataset).read_bytes()
    (dataset / "splits.json").unlink()
    with pytest.raises(InputError, match=r"no splits\.json"):
        write_qc(dataset)
    assert (dataset / "qc/index.html").read_bytes() == page


def test_a_split_of_scans_says_that_patients_may_be_shared(write_dataset, make_record):
    records = [make_record(number, axes="", spacing=(), affine=(), plane="coronal") for number in range(4)]
    text = write_qc(write_dataset(records, cohort=Cohort("ad_nc", "file names", "scan"))).read_text(encoding="utf-8")
    assert "patient-level separation cannot be claimed" in text
    assert "coronal: as stored" in text
    assert "2x2 mm" in text
    assert ">patients<" not in text


def test_colour_images_get_a_page_in_their_own_words(write_dataset, save_scan, make_record):
    changes = {
        "axes": "",
        "spacing": (),
        "affine": (),
        "plane": "",
        "slice_indices": (0, 1),
        "slice_spacing": (1.0, 1.0),
    }
    records = [make_record(number, **changes) for number in range(4)]
    rng = np.random.default_rng(0)
    for record in records:
        save_scan(record, rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8), np.ones((2, 32, 32), bool))
    page = write_qc(write_dataset(records, cohort=Cohort("cifar10", "file names", "image")))
    text = page.read_text(encoding="utf-8")
    assert "The unit of this split is the <strong>image</strong>" in text
    assert "cannot be claimed" not in text
    assert "<td>unknown</td>" in text  # the size of a pixel
    assert [montage["width"] for montage in read_data(page)["montages"]] == [2 * 96 + 2] * 4


def test_more_scans_than_a_browser_can_show_are_chosen_evenly(dataset, monkeypatch):
    monkeypatch.setattr(qc_page, "_MAX_SCANS", 3)
    page = write_qc(dataset)
    everyone = [patient for patients in read_splits(dataset).splits.values() for patient in patients]
    assert [montage["patient"] for montage in read_data(page)["montages"]] == everyone[::2]
    assert "An even choice of 3 of the 6 scans" in page.read_text(encoding="utf-8")
