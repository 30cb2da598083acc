import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from data_prep.sources import cifar10_batches
from data_prep.sources.cifar10_batches import BINARY, PYTHON, Version, read_part
from monai_vq.data import VolumeError

COUNT = 3  # images a batch


def pickle_batch(rows: np.ndarray, labels: np.ndarray) -> bytes:
    """A batch of the Python version: Python 2, protocol 2, its keys in the published order."""
    start = b"cnumpy.core.multiarray\n_reconstruct\nq\x04cnumpy\nndarray\nq\x05K\x00\x85U\x01b\x87Rq\x06"
    shape = b"M" + len(rows).to_bytes(2, "little") + b"M\x00\x0c\x86"
    dtype = b"cnumpy\ndtype\nq\x07U\x02u1K\x00K\x01\x87Rq\x08(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    pixels = b"\x89T" + rows.size.to_bytes(4, "little") + rows.tobytes() + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    names = b"](" + b"U\x0bcat_s_1.png" * len(labels) + b"e"
    keys = (b"U\x0bbatch_labelq\x02", b"U\x15training batch 1 of 5q\x03", b"U\x06labels", numbers, b"U\x04data")
    return (
        b"\x80\x02}q\x01("
        + b"".join(keys)
        + start
        + b"(K\x01"
        + shape
        + dtype
        + pixels
        + b"U\x09filenames"
        + names
        + b"u."
    )


def binary_batch(rows: np.ndarray, labels: np.ndarray) -> bytes:
    return np.concatenate([labels[:, None], rows], axis=1).tobytes()


WRITERS = {PYTHON: pickle_batch, BINARY: binary_batch}


def make_batch(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Random rows of 3072 bytes and labels."""
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (COUNT, 3072), dtype=np.uint8), rng.integers(0, 10, COUNT, dtype=np.uint8)


@pytest.fixture
def write_version(tmp_path):
    """Writes CIFAR-10 of three images a batch; returns the files of a split."""

    def write(version: Version, packed: bool = False) -> dict[str, tuple[Path, ...]]:
        names = [*version.batches("train"), *version.batches("test")]
        contents = {name: WRITERS[version](*make_batch(number)) for number, name in enumerate(names)}
        if packed:
            path = tmp_path / version.archive
            with tarfile.open(path, "w:gz") as archive:
                for name, content in {"batches.meta": b"names", **contents}.items():
                    member = tarfile.TarInfo(f"{version.folder}/{name}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
            return dict.fromkeys(("train", "test"), (path,))
        folder = tmp_path / version.folder
        folder.mkdir()
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        return {split: tuple(folder / name for name in version.batches(split)) for split in ("train", "test")}

    return write


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("version", WRITERS)
def test_both_versions_hold_red_green_and_blue_planes_row_by_row(write_version, version, packed):
    files = write_version(version, packed)
    train, test = (read_part(version, files[split], split) for split in ("train", "test"))
    assert train.pixels.shape == (5 * COUNT, 32, 32, 3)
    for number in range(5):
        rows, labels = make_batch(number)
        for image in range(COUNT):
            place = number * COUNT + image
            assert train.labels[place] == labels[image]
            assert train.keys[place] == f"data_batch_{number + 1}{version.suffix}#{image}"
            for row, column, channel in ((0, 0, 0), (0, 31, 1), (31, 0, 2), (17, 5, 1)):
                assert train.pixels[place, row, column, channel] == rows[image, channel * 1024 + row * 32 + column]
    assert test.keys == tuple(f"test_batch{version.suffix}#{image}" for image in range(COUNT))
    assert np.array_equal(test.pixels[2, :, :, 0].ravel(), make_batch(5)[0][2, :1024])


def test_batches_that_differ_from_the_published_are_named(write_version, monkeypatch):
    files = write_version(PYTHON)
    assert read_part(PYTHON, files["test"], "test").changed == ("test_batch",)
    md5 = hashlib.md5(pickle_batch(*make_batch(5))).hexdigest()
    monkeypatch.setitem(cifar10_batches._PUBLISHED_MD5, "test_batch", md5)
    os.utime(files["test"][0], ns=(1, 1))
    assert read_part(PYTHON, files["test"], "test").changed == ()
    assert read_part(BINARY, write_version(BINARY)["test"], "test").changed == ()


def test_an_archive_is_read_once_and_again_when_it_was_replaced(write_version):
    files = write_version(BINARY)["test"]
    first = read_part(BINARY, files, "test")
    assert read_part(BINARY, files, "test") is first
    files[0].write_bytes(binary_batch(*make_batch(77)))
    os.utime(files[0], ns=(1, 1))
    assert not np.array_equal(read_part(BINARY, files, "test").pixels, first.pixels)


ROWS, LABELS = make_batch(0)
# [version, content of the test batch, message]
REFUSED = [
    [BINARY, binary_batch(ROWS, LABELS)[:-1], r"test_batch\.bin has 9218 bytes, expected records of 3073"],
    [BINARY, b"", "has 0 bytes"],
    [BINARY, binary_batch(ROWS, LABELS + np.uint8(20)), "has the label 2.*, expected 0 to 9"],
    [PYTHON, pickle_batch(ROWS, LABELS)[:-1], "damaged or cut off"],
    [PYTHON, pickle_batch(ROWS, LABELS + np.uint8(20)), "no list of labels from 0 to 9"],
    [PYTHON, pickle_batch(ROWS, LABELS[:2]), "has 2 labels of 3 images"],
    [PYTHON, pickle_batch(ROWS[:, :3071], LABELS), "damaged or cut off"],
    [PYTHON, b"\x80\x02](K\x01e.", r"test_batch has no data of uint8 \[N, 3072\]"],
    [PYTHON, b"\x80\x02}U\x04dataK\x01s.", "has no data"],
    [PYTHON, b"\x80\x02cos\nsystem\nU\x04true\x85R.", "would import 'os system'"],
]


@pytest.mark.parametrize(("version", "content", "message"), REFUSED)
def test_batches_with_other_content_are_refused(write_version, version, content, message):
    files = write_version(version)["test"]
    files[0].write_bytes(content)
    with pytest.raises(VolumeError, match=message):
        read_part(version, files, "test")


def test_what_is_too_large_or_missing_is_refused(write_version, monkeypatch, tmp_path):
    files = write_version(BINARY)["test"]
    monkeypatch.setattr(cifar10_batches, "MAX_BATCH_BYTES", 100)
    with pytest.raises(VolumeError, match="more than 100 bytes"):
        read_part(BINARY, files, "test")
    archive = tmp_path / PYTHON.archive
    with gzip.open(archive, "wb") as packed, tarfile.open(fileobj=packed, mode="w"):
        pass
    with pytest.raises(VolumeError, match=r"cifar-10-python\.tar\.gz lacks test_batch"):
        read_part(PYTHON, (archive,), "test")
