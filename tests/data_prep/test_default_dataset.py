import pytest

from data_prep import default_dataset
from data_prep.default_dataset import DEFAULT, provide
from data_prep.phantom import prepare_phantom
from monai_vq.data import verify_dataset

SMALL = {"num_patients": 3, "progress": False}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """An empty current directory, and a cohort that is made in a second."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(default_dataset, "prepare_phantom", lambda output_dir: prepare_phantom(output_dir, **SMALL))
    return tmp_path


def test_the_default_is_made_where_it_is_absent_and_left_alone_where_it_is_not(empty_folder, capsys):
    provide(DEFAULT)
    assert f"{DEFAULT} does not exist" in capsys.readouterr().out
    assert verify_dataset(DEFAULT) == []
    before = {path: path.stat().st_mtime_ns for path in empty_folder.rglob("*")}
    provide(DEFAULT)
    assert capsys.readouterr().out == ""
    assert {path: path.stat().st_mtime_ns for path in empty_folder.rglob("*")} == before


def test_a_cohort_that_was_not_finished_is_finished(empty_folder, capsys):
    provide(DEFAULT)
    (empty_folder / DEFAULT / "manifest.csv").unlink()  # it is written last
    capsys.readouterr()
    provide(DEFAULT)
    told = capsys.readouterr().out
    assert f"{DEFAULT} is not finished" in told
    assert "does not exist" not in told
    assert verify_dataset(DEFAULT) == []


def test_no_other_folder_is_ever_made(empty_folder):
    provide("data/mine")
    assert list(empty_folder.iterdir()) == []


def test_a_folder_of_something_else_is_refused_with_a_line(empty_folder):
    (empty_folder / DEFAULT).mkdir(parents=True)
    (empty_folder / DEFAULT / "notes.txt").write_text("mine")
    with pytest.raises(SystemExit, match=r"error: .*data/phantom"):
        provide(DEFAULT)
    assert (empty_folder / DEFAULT / "notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_a_line(monkeypatch):
    def fail(output_dir):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(default_dataset, "prepare_phantom", fail)
    with pytest.raises(SystemExit, match=r"error: data/phantom cannot be made \(.*No space left on device\)"):
        provide(DEFAULT)
