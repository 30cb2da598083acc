from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from monai_vq.engines.reconstruct.earlier import EarlierScans, source_sha256
from monai_vq.errors import InputError
from monai_vq.reconstruct.finished_scan import FinishedScan, write_finished
from monai_vq.reconstruct.inputs import find_inputs
from monai_vq.reconstruct.prepared import find_prepared
from monai_vq.reconstruct.scan import SlicePicture

SETTINGS = {"checkpoint": "a" * 64, "slice_range": (0.2, 0.8), "noise": "none"}


@pytest.fixture
def folder(tmp_path):
    """A reconstruction with one finished scan, `one`, of one file."""
    (tmp_path / "scans").mkdir()
    (tmp_path / "config.json").write_text('{"reconstruction": {}}')
    (tmp_path / "scans/one_recon.nii.gz").write_bytes(b"abc")
    image = np.zeros((2, 2), np.float32)
    scan = FinishedScan(
        settings=SETTINGS,
        source_sha256="1" * 64,
        files={"scans/one_recon.nii.gz": 3},
        row={"scan_id": "one"},
        known=False,
        scores=pd.DataFrame({"slice_index": [1], "ssim": [0.5]}),
        pictures=(SlicePicture("middle", 1, 0.5, image, image, image),),
    )
    write_finished(tmp_path / "scans/one_record.npz", scan)
    return tmp_path


def earlier(folder, **settings):
    return EarlierScans(folder, folder / "scans", SETTINGS | settings)


def test_a_scan_of_the_same_bytes_and_settings_is_taken(folder):
    scans = earlier(folder)
    scans.check()
    assert scans.scan_ids == {"one"}
    assert scans.take("one", "1" * 64).row == {"scan_id": "one"}


def test_other_bytes_another_name_and_a_lost_file_are_not(folder):
    assert earlier(folder).take("one", "2" * 64) is None
    assert earlier(folder).take("one", "") is None
    assert earlier(folder).take("two", "1" * 64) is None
    (folder / "scans/one_recon.nii.gz").unlink()
    assert earlier(folder).take("one", "1" * 64) is None


def test_what_was_being_written_is_no_record(folder):
    (folder / "scans/one_record.npz").rename(folder / "scans/.one_record.npz.part")
    assert earlier(folder).scan_ids == frozenset()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"checkpoint": "b" * 64}, r"another checkpoint \(a{12}…\) than is given here \(b{12}…\)"),
        ({"slice_range": (0, 1)}, r"another slice_range \(\[0.2, 0.8\]\)"),
        ({"window": None, "noise": "rician:0.1"}, r"another noise \(none\)"),
        ({"torch": "3"}, r"another torch \(none\) than is given here \(3\)"),
    ],
)
def test_the_setting_that_differs_is_named(folder, settings, message):
    with pytest.raises(InputError, match=message):
        earlier(folder, **settings).check()


def test_a_setting_that_is_not_here_any_more_differs(folder):
    settings = {name: value for name, value in SETTINGS.items() if name != "slice_range"}
    with pytest.raises(InputError, match=r"another slice_range \(\[0.2, 0.8\]\) than is given here \(none\)"):
        EarlierScans(folder, folder / "scans", settings).check()


@pytest.mark.parametrize("content", [None, "", "[]", '{"network_def": {}}'])
def test_what_is_no_reconstruction_is_refused(folder, content):
    (folder / "config.json").unlink()
    if content is not None:
        (folder / "config.json").write_text(content)
    with pytest.raises(InputError, match=r"holds no reconstruction; give the --output_dir of one"):
        earlier(folder).check()


def test_the_bytes_of_every_file_count(write_head, tmp_path):
    (scan,) = find_inputs(write_head(tmp_path / "in/head.nii.gz")).scans
    before = source_sha256(scan, tmp_path)
    write_head(tmp_path / "in/head.nii.gz", seed=1)
    assert source_sha256(scan, tmp_path) not in (before, "")
    (tmp_path / "in/head.nii.gz").unlink()
    assert source_sha256(scan, tmp_path) == ""


def test_prepared_slices_count_with_their_row_of_the_manifest(tiny_dataset):
    scan = find_prepared(tiny_dataset).scans[0]
    other = replace(scan, record=replace(scan.record, window_high=scan.record.window_high + 1))
    assert source_sha256(scan, tiny_dataset) == source_sha256(scan, tiny_dataset) != source_sha256(other, tiny_dataset)
