import hashlib
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from data_prep.sources.cifar10 import CIFAR10, find_cifar10
from data_prep.sources.cifar10_batches import CLASSES
from monai_vq.data import files_sha256
from monai_vq.errors import InputError

NAMES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
COUNT = 40  # images a batch, four of each class


def make_records(number: int) -> np.ndarray:
    """Records of the binary version, [N, 3073]."""
    rows = np.random.default_rng(number).integers(0, 256, (COUNT, 3072), dtype=np.uint8)
    return np.concatenate([np.arange(COUNT, dtype=np.uint8)[:, None] % 10, rows], axis=1)


@pytest.fixture
def root(tmp_path) -> Path:
    """The unpacked binary version; image 3 of the first batch is also image 13 of the test batch."""
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        records = make_records(number)
        if name.startswith("test"):
            records[13] = make_records(0)[3]
        (folder / name).write_bytes(records.tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(CLASSES))
    (folder / "readme.html").write_text("<meta>")
    return tmp_path


def image_of(number: int, place: int) -> np.ndarray:
    """[32, 32, 3]"""
    return make_records(number)[place, 1:].reshape(3, 32, 32).transpose(1, 2, 0)


def test_every_image_is_in_one_stack_of_its_class_and_reads_as_stored(root):
    found = find_cifar10(root, val_fraction=0.25)
    assert len(found.scans) == 30
    seen: dict[str, set[int]] = {"train": set(), "test": set()}
    for scan in found.scans:
        stack = scan.read(scan.files)
        shipped = "test" if scan.split == "test" else "train"
        assert not seen[shipped] & set(stack.slice_indices)
        seen[shipped] |= set(stack.slice_indices)
        assert stack.slices.dtype == np.uint8
        assert stack.mask.shape == stack.slices.shape[:3]
        assert stack.mask.all()
        assert stack.sha256 == files_sha256(scan.files)
        for pixels, index in zip(stack.slices, stack.slice_indices, strict=True):
            number, place = divmod(index, COUNT) if shipped == "train" else (5, index)
            assert scan.person.diagnosis == CLASSES[place % 10]
            expected = image_of(0, 3) if (number, place) == (5, 13) else image_of(number, place)
            assert np.array_equal(pixels, expected)
    assert seen == {"train": set(range(5 * COUNT)) - {3}, "test": set(range(COUNT))}
    sizes = {split: sum(scan.split == split for scan in found.scans) for split in ("train", "val", "test")}
    assert sizes == {"train": 10, "val": 10, "test": 10}


def test_the_copy_of_a_test_image_is_taken_out_of_train(root):
    (rejection,) = find_cifar10(root).rejections
    assert rejection.source == "data_batch_1.bin#3"
    assert "the same pixels as test_batch.bin#13 of the test split" in rejection.reason


def test_a_stack_can_be_sent_to_another_process_and_says_what_it_is(root):
    scan = find_cifar10(root).scans[0]
    assert scan.scan_id == scan.patient_id == "test-airplane-000"
    assert scan.source == "cifar-10-batches-bin/test_batch.bin"
    sent = pickle.loads(pickle.dumps(scan))
    assert np.array_equal(sent.read(sent.files).slices, scan.read(scan.files).slices)


def stack_hashes(source: Path) -> dict[str, str]:
    return {scan.scan_id: scan.read(scan.files).slices.tobytes() for scan in find_cifar10(source).scans}


def test_the_folder_its_parent_and_the_archive_give_the_same(root):
    expected = stack_hashes(root)
    assert stack_hashes(root / "cifar-10-batches-bin") == expected
    packed = root / "packed" / "cifar-10-binary.tar.gz"
    packed.parent.mkdir()
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(root / "cifar-10-batches-bin", "cifar-10-batches-bin")
    assert stack_hashes(packed.parent) == stack_hashes(packed) == expected
    assert {scan.source for scan in find_cifar10(packed).scans} == {packed.name}


def test_an_archive_that_is_cut_off_is_an_error_that_names_it(root):
    packed = root / "cifar-10-binary.tar.gz"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(root / "cifar-10-batches-bin", "cifar-10-batches-bin")
    packed.write_bytes(buffer.getvalue()[:-5])
    with pytest.raises(InputError, match=r"cifar-10-binary\.tar\.gz is damaged or cut off"):
        find_cifar10(packed)


def test_a_missing_batch_and_another_folder_are_errors_with_a_remedy(root, tmp_path_factory):
    (root / "cifar-10-batches-bin/data_batch_4.bin").unlink()
    with pytest.raises(InputError, match=r"lacks data_batch_4\.bin; .* download the archive again"):
        find_cifar10(root)
    for source in (tmp_path_factory.mktemp("empty"), root / "none"):
        with pytest.raises(InputError, match=r"no CIFAR-10 at .*; give the folder that holds cifar-10-batches-py"):
            find_cifar10(source)


def test_a_pickle_that_runs_a_program_is_refused_and_runs_nothing(tmp_path):
    class Evil:
        def __reduce__(self):
            return Path.touch, (tmp_path / "executed",)

    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        (tmp_path / name).write_bytes(pickle.dumps({"data": Evil(), "labels": [1]}, 2))
    with pytest.raises(InputError, match="would import"):
        find_cifar10(tmp_path)
    assert not (tmp_path / "executed").exists()


def test_the_cut_is_the_stated_one(root):
    found = find_cifar10(root, val_fraction=0.25, seed=3)
    val = {index for scan in found.scans if scan.split == "val" for index in scan.read.keywords["indices"]}
    frogs = [index for index in range(5 * COUNT) if index % 10 == 6]
    keys = {index: f"3:data_batch_{index // COUNT + 1}.bin#{index % COUNT}" for index in frogs}
    ordered = sorted(frogs, key=lambda index: hashlib.sha256(keys[index].encode()).hexdigest())
    assert val & set(frogs) == set(ordered[:5])


def test_is_a_source_without_volumes_whose_options_are_the_finders():
    assert not CIFAR10.volumes
    assert set(CIFAR10.options) == {"val_fraction", "seed"}
