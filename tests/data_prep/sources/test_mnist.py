import os
from pathlib import Path

import numpy as np
import pytest

from data_prep.sources.mnist import find_mnist
from monai_vq.errors import InputError

COUNTS = {"train": 60, "t10k": 20}


def digits(prefix: str) -> tuple[np.ndarray, np.ndarray]:
    """Random 28 x 28 images and their labels, each as often."""
    count = COUNTS[prefix]
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, 28, 28), dtype=np.uint8), np.arange(count, dtype=np.uint8) % 10


DIGITS = {prefix: digits(prefix) for prefix in COUNTS}


@pytest.mark.parametrize("pattern", ["{}-{}-idx{}-ubyte.gz", "{}-{}-idx{}-ubyte", "{}-{}.idx{}-ubyte"])
@pytest.mark.parametrize("nesting", [".", "raw", "MNIST/raw"])
def test_images_and_classes_are_those_of_the_files(tmp_path, write_mnist, pattern, nesting):
    write_mnist(tmp_path / nesting, DIGITS, pattern)
    found = find_mnist(tmp_path, val_fraction=0.5)
    assert found.unit == "image"
    assert not found.rejections
    n_images = 0
    for scan in found.scans:
        stack = scan.read(scan.files)
        images, labels = DIGITS["t10k" if scan.split == "test" else "train"]
        assert np.array_equal(stack.slices, images[list(stack.slice_indices)])
        assert {str(label) for label in labels[list(stack.slice_indices)]} == {scan.person.diagnosis}
        assert stack.mask.shape == stack.slices.shape
        assert stack.mask.all()
        n_images += len(stack.slices)
    assert n_images == sum(COUNTS.values())
    assert {scan.scan_id for scan in found.scans} == {
        f"{s}-{d}-000" for s in ("train", "val", "test") for d in range(10)
    }


def test_the_packed_file_is_preferred_as_it_has_a_checksum(tmp_path, write_mnist):
    folder = write_mnist(tmp_path, DIGITS)
    write_mnist(tmp_path, DIGITS, "{}-{}-idx{}-ubyte")
    assert all(path.suffix == ".gz" for scan in find_mnist(folder).scans for path in scan.files)


def replace(path: Path, content: bytes) -> None:
    """Writes a file anew, at a time of its own: the clock of a file system may stand still for some milliseconds."""
    modified = path.stat().st_mtime_ns + 10**9
    path.write_bytes(content)
    os.utime(path, ns=(modified, modified))


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_a_flipped_byte_of_a_packed_file_and_a_cut_are_found(tmp_path, write_mnist, name):
    folder = write_mnist(tmp_path, DIGITS)
    path = folder / f"{name}.gz"
    good, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    expected = {scan.scan_id: scan.read(scan.files).slices.tobytes() for scan in find_mnist(folder).scans}
    for position in rng.integers(0, len(good), 60):
        broken = bytearray(good)
        broken[position] ^= int(rng.integers(1, 256))
        replace(path, bytes(broken))
        try:
            again = {scan.scan_id: scan.read(scan.files).slices.tobytes() for scan in find_mnist(folder).scans}
            assert again == expected
        except InputError:
            refused += 1
    assert refused > 30
    for length in rng.integers(1, len(good), 20):
        replace(path, good[:length])
        with pytest.raises(InputError, match=f"{name}.gz is damaged or cut off"):
            find_mnist(folder)


# [change of the file's bytes, message]
REFUSED = [
    (lambda content: content[:-1], r"declares 60 x 28 x 28 bytes and has 47039"),
    (lambda content: content + b"\0", "declares 60 x 28 x 28 bytes and has 47041"),
    (lambda content: content[:4] + b"\x7f" + content[5:], "declares"),
    (lambda content: content[:10], "declares"),
    (lambda content: b"\0\0\x0d\x03" + content[4:], "no idx file of bytes"),
    (lambda content: b"<!DOCTYPE html>", "no idx file of bytes"),
    (lambda content: b"", "no idx file of bytes"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_sizes_are_checked_against_the_header(tmp_path, write_mnist, change, message):
    path = write_mnist(tmp_path, DIGITS, "{}-{}-idx{}-ubyte") / "train-images-idx3-ubyte"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=f"train-images-idx3-ubyte .*{message}|train-images-idx3-ubyte is {message}"):
        find_mnist(tmp_path)


def test_as_many_labels_as_images_are_expected(tmp_path, write_mnist):
    folder = write_mnist(tmp_path, DIGITS)
    images, labels = DIGITS["train"]
    write_mnist(folder, {"train": (images, labels[:-1])})
    with pytest.raises(InputError, match=r"has 60 images, train-labels-idx1-ubyte\.gz 59 labels"):
        find_mnist(folder)


def test_missing_files_and_several_data_sets_are_errors(tmp_path, write_mnist):
    with pytest.raises(InputError, match=r"no MNIST at .*; give the folder that holds train-images"):
        find_mnist(tmp_path)
    folder = write_mnist(tmp_path / "MNIST/raw", DIGITS)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(InputError, match=r"no t10k-labels-idx1-ubyte\[\.gz\]"):
        find_mnist(tmp_path)
    write_mnist(tmp_path / "FashionMNIST/raw", DIGITS)
    with pytest.raises(InputError, match=r"several data sets, FashionMNIST/raw, MNIST/raw; give one"):
        find_mnist(tmp_path)
    assert find_mnist(tmp_path / "FashionMNIST").scans
