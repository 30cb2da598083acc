import argparse
import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_prep.sources import image_stacks
from data_prep.sources.image_stacks import NaturalImage, add_val_argument, find_stacks, hash_pixels
from monai_vq.errors import InputError

ROOT = Path("downloads")
FILES = {"train": (ROOT / "batch_1", ROOT / "batch_2"), "test": (ROOT / "test",), "val": (ROOT / "val",)}


def make_image(split: str, label: str, index: int) -> NaturalImage:
    key = f"{split}#{label}{index}"
    return NaturalImage(key, index, label, split, hashlib.sha256(key.encode()).digest(), FILES[split])


def read_nothing(files: tuple[Path, ...], *, split: str, indices: tuple[int, ...]) -> None:
    """Stands in for a source's reader."""


def find(images, val_fraction: float = 0.2, seed: int = 0):
    return find_stacks(images, read_nothing, source=ROOT, val_fraction=val_fraction, seed=seed)


def keys_of(found, images) -> dict[str, set[str]]:
    """Keys of the images of each split."""
    by_place = {(image.split, image.label, image.index): image.key for image in images}
    keys: dict[str, set[str]] = {"train": set(), "val": set(), "test": set()}
    for scan in found.scans:
        shipped, indices = scan.read.keywords["split"], scan.read.keywords["indices"]
        keys[scan.split] |= {by_place[shipped, scan.person.diagnosis, index] for index in indices}
    return keys


@pytest.fixture
def images() -> list[NaturalImage]:
    """30 cats and 20 dogs to train on, 10 of each to test."""
    counts = {("train", "cat"): 30, ("train", "dog"): 20, ("test", "cat"): 10, ("test", "dog"): 10}
    return [make_image(split, label, index) for (split, label), count in counts.items() for index in range(count)]


def test_a_share_of_each_class_of_train_becomes_val_and_test_stays(images):
    found = find(images)
    assert found.unit == "image"
    sizes = {scan.scan_id: len(scan.read.keywords["indices"]) for scan in found.scans}
    assert sizes == {
        "test-cat-000": 10,
        "test-dog-000": 10,
        "train-cat-000": 24,
        "train-dog-000": 16,
        "val-cat-000": 6,
        "val-dog-000": 4,
    }
    assert all(scan.patient_id == scan.scan_id and scan.split == scan.scan_id.split("-")[0] for scan in found.scans)
    keys = keys_of(found, images)
    assert sum(map(len, keys.values())) == len(set().union(*keys.values())) == len(images)
    assert keys["test"] == {image.key for image in images if image.split == "test"}
    assert found.notes == ["no val split is shipped: 0.2 of each class of train is taken for it"]


def test_the_cut_follows_the_seed_and_the_keys_alone(images):
    cut = keys_of(find(images), images)["val"]
    assert keys_of(find(images[::-1]), images)["val"] == cut
    assert keys_of(find(images, seed=1), images)["val"] != cut
    cats = sorted((image.key for image in images if image.key.startswith("train#cat")), key=shuffle_key)
    assert cut >= set(cats[:6])


def shuffle_key(key: str) -> str:
    return hashlib.sha256(f"0:{key}".encode()).hexdigest()


def test_a_missing_test_split_is_cut_as_well_and_a_shipped_val_split_stays(images):
    train = [image for image in images if image.split == "train"]
    keys = keys_of(find(train), images)
    assert [len(keys[split]) for split in ("train", "val", "test")] == [30, 10, 10]
    shipped = [replace(image, split="val") if image.split == "test" else image for image in images]
    found = find([*shipped, make_image("test", "cat", 99)])
    assert Counter(scan.split for scan in found.scans) == {"train": 2, "val": 2, "test": 1}
    assert not found.notes


def test_of_two_copies_that_of_test_stays_whatever_the_order(images):
    twin = replace(images[-1], key="train#copy", split="train", index=500, label="dog", files=FILES["train"])
    twice = replace(images[0], key="train#again", index=501)
    for order in ([*images, twin, twice], [twin, *images, twice]):
        found = find(order)
        assert sorted(map(str, found.rejections)) == [
            "train#again: the same pixels as train#cat0; nothing is to do, that one is taken",
            "train#copy: the same pixels as test#dog9 of the test split: as shipped, train and test share this image; "
            "nothing is to do, it is taken for test alone; for --strict remove one of the two",
        ]
        assert sum(map(len, keys_of(found, images).values())) == len(images)


def test_large_classes_are_several_stacks_in_the_order_of_their_source(images, monkeypatch):
    monkeypatch.setattr(image_stacks, "STACK_SIZE", 10)
    stacks = [scan for scan in find(images).scans if scan.scan_id.startswith("train-cat")]
    assert [scan.scan_id for scan in stacks] == ["train-cat-000", "train-cat-001", "train-cat-002"]
    indices = [index for scan in stacks for index in scan.read.keywords["indices"]]
    assert indices == sorted(indices)
    assert len(indices) == 24


def test_a_scan_names_all_files_it_is_read_from(images):
    scans = {scan.scan_id: scan for scan in find(images).scans}
    assert scans["val-cat-000"].files == FILES["train"]
    assert scans["val-cat-000"].source == "batch_1"
    assert scans["val-cat-000"].read.keywords["split"] == "train"
    archive = [replace(image, files=(ROOT,)) for image in images]
    assert find(archive).scans[0].source == "downloads"


@pytest.mark.parametrize(
    ("label", "name"), [("T-shirt/top", "T-shirt-top"), ("n01440764", "n01440764"), ("", "unlabelled")]
)
def test_classes_become_plain_names(images, label, name):
    found = find([*images, make_image("test", label, 0)])
    (scan,) = [scan for scan in found.scans if scan.person.diagnosis == label]
    assert scan.scan_id == f"test-{name}-000"


def test_classes_that_differ_only_in_what_a_file_name_cannot_hold_are_refused(images):
    with pytest.raises(InputError, match=r"'a b' and 'a/b' would have the same file names"):
        find([*images, make_image("test", "a/b", 0), make_image("test", "a b", 0)])


@pytest.mark.parametrize("fraction", [-0.1, 0.0, 1.0, float("nan")])
def test_a_share_that_is_none_is_refused(images, fraction):
    with pytest.raises(InputError, match="--val_fraction"):
        find(images, fraction)


def test_a_split_without_an_image_is_refused(images):
    with pytest.raises(InputError, match="no image is left for val"):
        find([image for image in images if image.index < 2])
    with pytest.raises(InputError, match="no image is left for train"):
        find([image for image in images if image.split == "test"])


def test_hashes_tell_pixels_and_shapes_apart():
    pixels = np.arange(12, dtype=np.uint8)
    hashes = {hash_pixels(pixels.reshape(shape)) for shape in ((3, 4), (4, 3), (2, 2, 3))}
    assert len(hashes | {hash_pixels(pixels.reshape(3, 4)[::-1])}) == 4
    assert hash_pixels(np.asfortranarray(pixels.reshape(3, 4))) == hash_pixels(pixels.reshape(3, 4))


def test_the_option_has_the_finders_default():
    parser = argparse.ArgumentParser()
    add_val_argument(parser)
    assert parser.parse_args([]).val_fraction == image_stacks.DEFAULT_VAL_FRACTION == 0.1
