import hashlib
import pickle
import shutil
import subprocess

import pydicom
import pytest

from data_prep.checksums import check_against, read_checksums
from data_prep.phantom import write_layout
from data_prep.prepare import find_source
from monai_vq.data import VolumeError
from monai_vq.errors import InputError


def sums(tool, folder, *options):
    files = sorted(f"./{path.relative_to(folder)}" for path in folder.rglob("*") if path.is_file())
    return subprocess.run([tool, *options, *files], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("tool", ["md5sum", "sha1sum", "sha256sum", "sha512sum"])
@pytest.mark.parametrize("options", [(), ("--tag",), ("--binary",)])
def test_lists_of_coreutils_are_read(tool, options, tmp_path):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/c.img").write_bytes(b"voxels")
    text = sums(tool, tmp_path, *options)
    (tmp_path / "list").write_text(text)
    digest = hashlib.new(tool.removesuffix("sum"), b"voxels").hexdigest()
    assert read_checksums(tmp_path / "list") == {"./a b/c.img": digest}


@pytest.fixture
def listed(bids_tree, tmp_path):
    """A BIDS tree, and the list of its files in another folder."""
    (tmp_path / "sums.txt").write_text(sums("sha256sum", bids_tree))
    return bids_tree, tmp_path / "sums.txt"


def test_whole_files_are_read_as_without_a_list(listed):
    tree, checksums = listed
    plain = find_source("bids", tree).scans[0]
    checked = find_source("bids", tree, checksums=checksums).scans[0]
    checked = pickle.loads(pickle.dumps(checked))  # as it is sent to other processes
    assert (checked.read(checked.files).array == plain.read(plain.files).array).all()


def test_a_changed_and_an_unlisted_file_are_refused(listed):
    tree, checksums = listed
    first, second = find_source("bids", tree).scans[:2]
    first.path.write_bytes(first.path.read_bytes() + b"\0")
    lines = [line for line in checksums.read_text().splitlines() if second.path.name not in line]
    checksums.write_text("\n".join(lines))
    changed, unlisted = find_source("bids", tree, checksums=checksums).scans[:2]
    with pytest.raises(VolumeError, match=r"sha256 of the file is \w{12}…, not \w{12}…"):
        changed.read(changed.files)
    with pytest.raises(VolumeError, match="not in the list"):
        unlisted.read(unlisted.files)


def test_a_file_that_its_header_takes_out_of_a_stack_is_missed(tmp_path):
    source = write_layout("dicom", tmp_path / "download", num_patients=1, voxel_size=8.0)
    (tmp_path / "sums.txt").write_text(sums("sha256sum", source))
    own = {"key_file": tmp_path / "key.json"}
    scan = next(s for s in find_source("dicom", source, own).scans if len(s.files) > 5)
    last = scan.files[-1]  # the stack has no gap without it
    header = pydicom.dcmread(last)
    header.SeriesInstanceUID += ".1"
    header.save_as(last)
    damaged = find_source("dicom", source, own, checksums=tmp_path / "sums.txt").scans
    same = next(s for s in damaged if s.files[0] == scan.files[0])
    assert last not in same.files
    with pytest.raises(VolumeError, match="may be missing here"):
        same.read(same.files)


def test_paths_may_be_relative_to_the_lists_own_folder(bids_tree):
    (bids_tree.parent / "sums.txt").write_text(sums("md5sum", bids_tree.parent))
    found = find_source("bids", bids_tree, checksums=bids_tree.parent / "sums.txt")
    assert found.scans[0].read(found.scans[0].files).array.size


def test_a_list_of_something_else_is_refused(listed, tmp_path):
    tree, checksums = listed
    (tmp_path / "other").mkdir()
    moved = shutil.move(checksums, tmp_path / "other/sums.txt")
    moved.write_text(moved.read_text().replace("sub-", "patient-"))
    with pytest.raises(InputError, match="lists none of the files"):
        check_against(find_source("bids", tree), moved, tree)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "lists no file"), ("abc  file\n", "line 1 .* is not a checksum"), ("0" * 33 + "  file\n", "line 1")],
)
def test_refuses_what_is_no_list(text, message, tmp_path):
    (tmp_path / "list").write_text(text)
    with pytest.raises(InputError, match=message):
        read_checksums(tmp_path / "list")


def test_refuses_a_missing_list(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_checksums(tmp_path / "none")
