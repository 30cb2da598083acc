import csv
import gzip
from pathlib import Path

import pytest

from data_prep import scan_loop
from data_prep.prepare import prepare_source
from monai_vq.data import read_manifest, read_splits, verify_dataset
from monai_vq.errors import InputError

WIDE = {"slice_range": (0.2, 0.8), "progress": False}


def rejections(root: Path) -> dict[str, tuple[str, str]]:
    with (root / "rejected.csv").open(newline="") as file:
        return {row["source"]: (row["reason"], row["remedy"]) for row in csv.DictReader(file)}


@pytest.fixture
def broken_tree(bids_tree, write_head):
    """The tree with volumes that cannot be used beside the eight good ones."""

    def place(patient):
        path = bids_tree / patient / "anat" / f"{patient}_T1w.nii.gz"
        path.parent.mkdir(parents=True)
        return path

    good = (bids_tree / "sub-P00/anat/sub-P00_T1w.nii.gz").read_bytes()
    place("sub-X1").write_bytes(good[: len(good) // 2])
    place("sub-X2").write_bytes(b"<html>log in</html>")
    place("sub-X3").write_bytes(good)
    place("sub-X4").write_bytes(gzip.compress(gzip.decompress(good), 1))
    write_head(place("sub-X5"), 0, "LIA")  # sub-P00 again, turned
    place("sub-X6").write_bytes(b"")
    return bids_tree


def test_broken_volumes_are_listed_and_never_stop_the_run(broken_tree, tmp_path):
    summary = prepare_source("bids", broken_tree, tmp_path / "out", **WIDE)
    listed = {source[:6]: row for source, row in rejections(tmp_path / "out").items()}
    assert "cut off" in listed["sub-X1"][0]
    assert "not a gzip stream" in listed["sub-X2"][0]
    for copy in ("sub-X3", "sub-X4", "sub-X5"):
        assert listed[copy][0] == "the same voxels as sub-P00/anat/sub-P00_T1w.nii.gz"
    assert "empty" in listed["sub-X6"][0]
    assert all(remedy for _, remedy in listed.values())
    assert summary.n_rejected == len(listed) == read_splits(tmp_path / "out").exclusions == 6
    assert len(read_manifest(tmp_path / "out")) == 8
    assert verify_dataset(tmp_path / "out") == []


def test_strict_stops_at_the_first_broken_volume_and_leaves_nothing(broken_tree, tmp_path):
    with pytest.raises(InputError, match=r"sub-X1/anat/sub-X1_T1w\.nii\.gz: the gzip stream is damaged"):
        prepare_source("bids", broken_tree, tmp_path / "out", strict=True, **WIDE)
    assert not (tmp_path / "out").exists()


def test_a_volume_that_exceeds_the_memory_ends_the_run_and_is_not_called_damaged(bids_tree, tmp_path, monkeypatch):
    def fail(scan, slicing):
        raise MemoryError("Unable to allocate 1.5 GiB for an array")

    monkeypatch.setattr(scan_loop, "cut_scan", fail)
    (tmp_path / "out").mkdir()
    message = r"sub-P00_T1w\.nii\.gz \(\d+\.\d MB on disk\) does not fit.*: Unable to allocate 1\.5 GiB.* more memory"
    with pytest.raises(InputError, match=message):
        prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_unexpected_exception_is_listed_as_what_it_is(bids_tree, tmp_path, monkeypatch):
    real = scan_loop.cut_scan

    def fail_once(scan, slicing):
        if scan.scan_id == "sub-P04":
            raise ZeroDivisionError("a bug")
        return real(scan, slicing)

    monkeypatch.setattr(scan_loop, "cut_scan", fail_once)
    prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    (reason, remedy) = rejections(tmp_path / "out")["sub-P04/anat/sub-P04_T1w.nii.gz"]
    assert reason.startswith("unexpected ZeroDivisionError at test_scan_loop.py:")
    assert "a bug" not in reason  # an exception may quote what it read
    assert "report" in remedy


def test_a_full_disk_is_not_blamed_on_the_volume(bids_tree, tmp_path, monkeypatch):
    def fail(cut, output_dir):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scan_loop, "save_scan", fail)
    with pytest.raises(OSError, match="No space left"):
        prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    assert not (tmp_path / "out/manifest.csv").exists()


def test_if_every_volume_is_broken_the_error_says_why(bids_tree, tmp_path):
    for path in bids_tree.glob("sub-*/**/*_T1w.nii.gz"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match=r"0 patient\(s\) for 3 .*8 were rejected, .*the file is empty.*; …$"):
        prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    assert not (tmp_path / "out").exists()
