import json

import pytest

from data_prep.output import open_output, write_json
from monai_vq.errors import InputError

SETTINGS = {"plane": "axial", "seed": 0}


@pytest.fixture
def dataset(tmp_path):
    out = tmp_path / "out"
    with open_output(out, SETTINGS, force=False):
        write_json(out / "provenance.json", {"settings": SETTINGS})
        (out / "slices/a.npy").write_bytes(b"a")
    return out


def write_until(error, out, force):
    with open_output(out, SETTINGS, force):
        write_json(out / "provenance.json", {"settings": SETTINGS})
        (out / "slices/a.npy").write_bytes(b"a")
        raise error


def test_equal_settings_go_on_and_remove_what_a_killed_run_left(dataset):
    (dataset / "slices/.b.npy.part").write_bytes(b"half")
    (dataset / ".qc.part").mkdir()
    (dataset / ".qc.part/index.html").write_text("half")
    with open_output(dataset, json.loads(json.dumps(SETTINGS)), force=False):
        assert sorted(path.name for path in dataset.rglob("*")) == ["a.npy", "provenance.json", "slices"]


def test_other_settings_are_named_and_force_starts_afresh(dataset):
    with (
        pytest.raises(InputError, match=r"other settings \(seed\)"),
        open_output(dataset, SETTINGS | {"seed": 1}, False),
    ):
        pass
    with open_output(dataset, SETTINGS | {"seed": 1}, force=True):
        assert [path.name for path in dataset.rglob("*")] == ["slices"]


def test_an_input_error_takes_away_a_new_folder_but_not_an_old_one(tmp_path, dataset):
    for out in (tmp_path / "new", dataset):
        with pytest.raises(InputError), open_output(out, SETTINGS, force=False):
            raise InputError("bad volume")
    assert not (tmp_path / "new").exists()
    assert (dataset / "slices/a.npy").exists()


@pytest.mark.parametrize("force", [False, True])
def test_an_input_error_leaves_an_empty_folder_empty(tmp_path, force):
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(InputError):
        write_until(InputError, out, force)
    assert list(out.iterdir()) == []


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_an_input_error_under_force_gives_the_replaced_dataset_back(dataset):
    (dataset / "notes.txt").write_text("mine")
    before = contents(dataset)
    with pytest.raises(InputError):
        write_until(InputError, dataset, force=True)
    assert contents(dataset) == before
    assert [path.name for path in dataset.parent.glob(".*")] == []


def test_a_killed_run_under_force_does_not_cost_the_replaced_dataset(dataset):
    before = contents(dataset)
    for error in (KeyboardInterrupt, KeyboardInterrupt, InputError):
        with pytest.raises(error):
            write_until(error, dataset, force=True)
    assert contents(dataset) == before


def test_the_replaced_dataset_goes_when_the_new_one_is_whole(dataset):
    with open_output(dataset, SETTINGS | {"seed": 9}, force=True):
        write_json(dataset / "provenance.json", {"settings": SETTINGS | {"seed": 9}})
    assert not (dataset / "slices/a.npy").exists()
    assert [path.name for path in dataset.parent.glob(".*")] == []


def test_a_killed_run_keeps_its_volumes_whatever_ends_the_next(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for error in (KeyboardInterrupt, InputError):
        with pytest.raises(error):
            write_until(error, out, force=False)
        assert (out / "slices/a.npy").exists()


@pytest.mark.parametrize("force", [False, True])
def test_a_file_or_a_foreign_folder_is_refused(tmp_path, force):
    (tmp_path / "thesis.tex").write_text("mine")
    for out in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(InputError, match="is not a prepared dataset"), open_output(out, SETTINGS, force):
            pass
    assert (tmp_path / "thesis.tex").read_text() == "mine"
