import json

import numpy as np
import pandas as pd
import pytest

from monai_vq.reconstruct.finished_scan import (
    FinishedScan,
    measure_files,
    read_finished,
    read_settings,
    write_finished,
)
from monai_vq.reconstruct.scan import SlicePicture


@pytest.fixture
def finished():
    rng = np.random.default_rng(0)
    images = rng.random((2, 3, 4, 5), dtype=np.float32)
    scores = pd.DataFrame({"slice_index": [3, 7], "ssim": rng.random(2), "ssim_foreground": [0.1, np.nan]})
    return FinishedScan(
        settings={"noise": "none", "slice_range": (0.25, 1 / 3), "spacing": None},
        source_sha256="a" * 64,
        files={"scans/a_recon.nii.gz": 3},
        row={"scan_id": "a", "patient_id": "Zoë", "session_id": "", "split": "new", "window_high": 0.1 + 0.2},
        known=True,
        scores=scores,
        pictures=tuple(SlicePicture(rank, 3, 0.1, *x) for rank, x in zip(("middle", "worst"), images, strict=True)),
        trials=rng.random((3, 2, 5)),
    )


def test_a_record_comes_back_to_the_bit(finished, tmp_path):
    write_finished(tmp_path / "a_record.npz", finished)
    found = read_finished(tmp_path / "a_record.npz")
    pd.testing.assert_frame_equal(found.scores, finished.scores, check_exact=True)
    np.testing.assert_array_equal(found.trials, finished.trials)
    for ours, theirs in zip(found.pictures, finished.pictures, strict=True):
        assert (ours.rank, ours.slice_index, ours.ssim) == (theirs.rank, theirs.slice_index, theirs.ssim)
        np.testing.assert_array_equal([ours.x, ours.x_in, ours.x_hat], [theirs.x, theirs.x_in, theirs.x_hat])
        assert ours.x.dtype == np.float32
    assert (found.row, found.files, found.known) == (finished.row, finished.files, True)
    assert found.settings == read_settings(tmp_path / "a_record.npz") == json.loads(json.dumps(finished.settings))


def test_equal_scans_have_equal_records(finished, tmp_path):
    for name in ("a", "b"):
        write_finished(tmp_path / name, finished)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_its_slices_are_named_by_its_row(finished):
    assert finished.ids == {"split": "new", "patient_id": "Zoë", "session_id": "", "scan_id": "a"}


def test_it_is_whole_with_all_its_files_at_their_size(finished, tmp_path):
    path = tmp_path / "scans/a_recon.nii.gz"
    assert not finished.is_whole(tmp_path)
    path.parent.mkdir()
    path.write_bytes(b"abc")
    assert finished.is_whole(tmp_path)
    assert measure_files(tmp_path, [path, path.with_name("none")]) == finished.files
    path.write_bytes(b"ab")
    assert not finished.is_whole(tmp_path)


def test_a_damaged_record_is_none(finished, tmp_path):
    path = tmp_path / "a_record.npz"
    write_finished(path, finished)
    content = path.read_bytes()
    assert read_finished(tmp_path / "none") is None
    for damaged in (b"", content[:200], content[: len(content) // 2], b"no zip at all"):
        path.write_bytes(damaged)
        assert read_finished(path) is None
        assert read_settings(path) is None
    np.savez(path, about=np.array("{}"))
    assert read_finished(path) is None


def test_an_object_in_a_record_is_not_unpickled(finished, tmp_path):
    np.savez(tmp_path / "a_record.npz", about=np.array([finished], dtype=object))
    assert read_finished(tmp_path / "a_record.npz") is None
