from pathlib import Path

import pytest

from monai_vq.errors import InputError
from monai_vq.report.comparison.runs import read_comparison, run_names


@pytest.fixture
def folders(write_run, make_content):
    return [write_run(name, make_content(seed=seed)) for seed, name in enumerate(("one/vq", "two/vq", "vae"), start=1)]


def test_runs_keep_their_order_and_the_first_is_the_reference(folders):
    comparison = read_comparison(folders)
    assert [run.name for run in comparison.runs] == ["one/vq", "two/vq", "vae"]
    assert [run.content.settings["settings"]["seed"] for run in comparison.runs] == [1, 2, 3]
    assert comparison.reference is comparison.runs[0]
    assert comparison.splits == ["test", "val", "train"]
    assert comparison.compared_split == "test"


def test_a_reference_is_named_by_any_path_to_it(folders, monkeypatch):
    monkeypatch.chdir(folders[1].parent)
    comparison = read_comparison(folders, Path("vq"))
    assert comparison.reference.name == "two/vq"
    assert [run.name for run in comparison.others] == ["one/vq", "vae"]


def test_given_names_are_public_and_folders_are_not(folders):
    unnamed, named = read_comparison(folders), read_comparison(folders, names=["a", "b", "c"])
    assert [run.public_name for run in unnamed.runs] == ["run 1", "run 2", "run 3"]
    assert [(run.name, run.public_name) for run in named.runs] == [("a", "a"), ("b", "b"), ("c", "c")]


# [folders, names]
NAMES = [
    (["/x/vq", "/x/vae"], ["vq", "vae"]),
    (["/x/1/vq", "/x/2/vq", "/x/2/vae"], ["1/vq", "2/vq", "vae"]),
    (["/a/r/vq", "/b/r/vq", "/b/s/vq"], ["a/r/vq", "b/r/vq", "s/vq"]),
    (["/vq", "/a/vq"], ["//vq", "a/vq"]),
]


@pytest.mark.parametrize(("folders", "names"), NAMES)
def test_equal_folders_are_told_apart_by_those_above(folders, names):
    assert run_names([Path(folder) for folder in folders]) == names


def test_a_missing_folder_a_run_without_content_and_a_single_run_are_refused(folders, tmp_path):
    with pytest.raises(InputError, match="nowhere is no folder"):
        read_comparison([folders[0], tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty has no stored report .*--resume true"):
        read_comparison([folders[0], tmp_path / "empty"])
    with pytest.raises(InputError, match="1 runs to compare"):
        read_comparison(folders[:1])


def test_a_run_given_twice_is_refused_under_whatever_path(folders, tmp_path):
    (tmp_path / "link").symlink_to(folders[0])
    with pytest.raises(InputError, match="one/vq was given twice"):
        read_comparison([folders[0], folders[1], tmp_path / "link"])


def test_a_reference_that_is_no_run_of_it_is_refused_with_those_that_are(folders):
    with pytest.raises(InputError, match=r"is none of the runs; expected one of .*one/vq, .*two/vq"):
        read_comparison(folders[:2], folders[2])


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "b"], ["a", "b", ""], ["a", "b", "c", "d"]])
def test_names_are_as_many_as_runs_and_different(folders, names):
    with pytest.raises(InputError, match="expected 3 different names"):
        read_comparison(folders, names=names)
