import base64
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep import qc
from data_prep.qc import slice_strip, write_qc
from data_prep.rejections import Rejection, write_rejections
from monai_vq.data import ScanRecord, make_splits, write_manifest, write_splits
from monai_vq.errors import InputError

SHAPE = (10, 24, 32)
ORANGE = (255, 140, 0)


def make_record(number: int, **changes) -> ScanRecord:
    patient = f"sub-P{number:02d}"
    record = ScanRecord(
        patient, "ses-01", f"{patient}_ses-01", "AD" if number % 2 else "CN", 60.0 + number, "F",
        f"{patient}/scan.nii.gz", f"{number:064x}", (32, 24, 10), (2.0, 2.0, 4.0), "LPS", "axial",
        3.0, 900.0, tuple(range(5, 15)), (2.0, 2.0), (6, 18, 8, 24), f"{number + 99:064x}", "0" * 64,
    )  # fmt: skip
    return replace(record, **changes)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Six patients; patient 0's values carry markup, and so does a rejected file."""
    records = [make_record(0, diagnosis="<script>alert(1)</script>"), *(make_record(number) for number in range(1, 6))]
    (tmp_path / "slices").mkdir()
    for number, record in enumerate(records):
        mask = np.zeros(SHAPE, bool)
        mask[:, 6:18, 8:24] = True
        np.save(record.slices_path(tmp_path), np.full(SHAPE, 6000 * (number + 1), np.uint16))
        np.save(record.mask_path(tmp_path), mask)
    write_manifest(tmp_path / "manifest.csv", records)
    splits = make_splits(records, fractions=(0.5, 0.25, 0.25), stratify=[], seed=0, exclusions=1)
    write_splits(tmp_path / "splits.json", splits)
    write_rejections(tmp_path / "rejected.csv", [Rejection("sub-<b>/x.nii", "a & b", "mend it")])
    return tmp_path


def test_page_shows_every_scan_once_under_its_split(dataset):
    page = write_qc(dataset).read_text(encoding="utf-8")
    sections = dict(re.findall(r'<h2 id="(train|val|test)">(.*?)(?=<h2 |</body>)', page, re.DOTALL))
    splits = qc.read_splits(dataset)
    for name, patients in splits.splits.items():
        assert re.findall(r"<h3>(.*?)</h3>", sections[name]) == patients
        assert sections[name].count("<img ") == len(patients)
    assert splits.sha256 in page
    assert "image left = patient&#39;s right, image top = anterior" in page
    assert "window 3 to 900" in page


def test_text_from_files_is_escaped(dataset):
    page = write_qc(dataset).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "sub-&lt;b&gt;/x.nii" in page
    assert "a &amp; b" in page


def test_page_needs_nothing_but_itself(dataset):
    page = write_qc(dataset).read_text(encoding="utf-8")
    sources = re.findall(r'src="(.*?)"', page)
    assert len(sources) == 6
    assert all(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))).format == "JPEG" for source in sources)
    assert not re.search(r"https?://", page)
    assert [path.name for path in (dataset / "qc").iterdir()] == ["index.html"]


def test_large_pages_keep_their_images_beside_them(dataset, monkeypatch):
    monkeypatch.setattr(qc, "_MAX_INLINE_BYTES", 1000)
    page = write_qc(dataset)
    sources = re.findall(r'src="(.*?)"', page.read_text(encoding="utf-8"))
    assert len(set(sources)) == 6
    assert all((page.parent / source).is_file() for source in sources)


def test_equal_runs_give_equal_bytes_and_leave_no_other_file(dataset):
    first = write_qc(dataset).read_bytes()
    (dataset / ".qc.part").mkdir()
    (dataset / "qc/stale.jpg").write_bytes(b"")
    assert write_qc(dataset).read_bytes() == first
    assert [path.name for path in (dataset / "qc").iterdir()] == ["index.html"]
    assert not (dataset / ".qc.part").exists()


def test_strip_shows_grey_values_and_the_contour_of_the_mask(dataset):
    record = make_record(3)
    strip = np.asarray(Image.open(io.BytesIO(slice_strip(record, dataset))).convert("RGB")).astype(int)
    assert strip.shape == (24, 8 * 32, 3)
    for slice_start in (0, 7 * 32):
        assert np.abs(strip[2, slice_start + 3] - (4 * 6000 >> 8)).max() < 12  # 12: what JPEG does near the contour
        assert np.abs(strip[11, slice_start + 16] - (4 * 6000 >> 8)).max() < 12
        on_contour = strip[6, slice_start + 10 : slice_start + 22].mean(0)
        assert on_contour[0] > on_contour[1] > on_contour[2]
        assert np.abs(on_contour - ORANGE).max() < 70


def test_strip_has_square_pixels(dataset):
    strip = slice_strip(make_record(3, slice_spacing=(3.0, 1.5)), dataset)
    assert Image.open(io.BytesIO(strip)).size == (8 * 32, 2 * 24)


def test_few_slices_are_all_shown_and_none_twice(dataset):
    record = make_record(3, slice_indices=(5, 6, 7))
    for path in (record.slices_path(dataset), record.mask_path(dataset)):
        np.save(path, np.load(path)[:3])
    assert Image.open(io.BytesIO(slice_strip(record, dataset))).size == (3 * 32, 24)


def test_incomplete_dataset_is_refused_and_keeps_its_page(dataset):
    page = write_qc(dataset).read_bytes()
    (dataset / "splits.json").unlink()
    with pytest.raises(InputError, match=r"no splits\.json"):
        write_qc(dataset)
    assert (dataset / "qc/index.html").read_bytes() == page
