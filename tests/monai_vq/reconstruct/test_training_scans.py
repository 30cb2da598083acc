import shutil

from monai_vq.data import read_manifest, read_splits
from monai_vq.reconstruct.training_scans import NEW, TrainingScans


def test_a_scan_is_known_by_its_bytes_and_by_its_patient(tiny_dataset):
    splits, records = read_splits(tiny_dataset), read_manifest(tiny_dataset)
    training = TrainingScans.of_dataset(tiny_dataset, splits.sha256)
    assert training.is_known
    for record in records:
        split = splits.patient_split(record.patient_id)
        assert training.split_of(record.sha256, "somebody else") == split
        assert training.split_of("other bytes", record.patient_id) == split
    assert training.split_of("other bytes", "somebody else") == NEW


def test_of_another_split_or_without_its_dataset_nothing_is_known(tiny_dataset, tmp_path):
    record = read_manifest(tiny_dataset)[0]
    assert not TrainingScans.of_dataset(tmp_path, read_splits(tiny_dataset).sha256).is_known
    other = TrainingScans.of_dataset(tiny_dataset, "0" * 64)
    assert not other.is_known
    assert other.split_of(record.sha256, record.patient_id) == NEW
    shutil.copytree(tiny_dataset, tmp_path / "moved")
    assert TrainingScans.of_dataset(tmp_path / "moved", read_splits(tiny_dataset).sha256).is_known
