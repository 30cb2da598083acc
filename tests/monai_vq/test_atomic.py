import pytest

from monai_vq.atomic import atomic_path


def fail_halfway(target):
    with atomic_path(target) as part:
        part.write_text("half")
        raise RuntimeError


def test_atomic_path_appears_only_when_all_went_well(tmp_path):
    target = tmp_path / "table.csv"
    with pytest.raises(RuntimeError):
        fail_halfway(target)
    assert list(tmp_path.iterdir()) == []
    with atomic_path(target) as part:
        part.write_text("whole")
        assert not target.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_atomic_path_keeps_the_old_file_if_writing_the_new_one_fails(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(RuntimeError):
        fail_halfway(target)
    assert target.read_text() == "old"
