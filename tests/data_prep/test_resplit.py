import json

import pytest

from data_prep import resplit as module
from data_prep.prepare import prepare_source
from data_prep.resplit import resplit
from monai_vq.data import read_manifest, read_splits, verify_dataset
from monai_vq.errors import InputError

WIDE = {"slice_range": (0.2, 0.8), "progress": False}
HALVES = (0.5, 0.25, 0.25)


@pytest.fixture
def prepared(bids_tree, tmp_path):
    prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    return tmp_path / "out"


def test_a_new_split_is_that_of_a_new_preparation(prepared, bids_tree, tmp_path):
    manifest = (prepared / "manifest.csv").read_bytes()
    resplit(prepared, fractions=HALVES, stratify=["sex"], seed=5, force=True)
    prepare_source("bids", bids_tree, tmp_path / "anew", fractions=HALVES, stratify=["sex"], seed=5, **WIDE)
    assert read_splits(prepared) == read_splits(tmp_path / "anew")
    assert (prepared / "manifest.csv").read_bytes() == manifest
    assert (prepared / "qc/index.html").read_bytes() == (tmp_path / "anew/qc/index.html").read_bytes()
    assert verify_dataset(prepared) == []
    assert json.loads((prepared / "provenance.json").read_text())["settings"]["seed"] == 5


def test_a_split_is_never_replaced_without_force(prepared):
    before = (prepared / "splits.json").read_bytes()
    with pytest.raises(InputError, match=r"has a split already \(seed 0, .*--force"):
        resplit(prepared, fractions=HALVES, seed=5)
    assert (prepared / "splits.json").read_bytes() == before
    assert resplit(prepared, fractions=(0.7, 0.15, 0.15)).sha256 == read_splits(prepared).sha256


def test_the_first_command_again_sees_that_the_split_was_replaced(prepared, bids_tree):
    resplit(prepared, fractions=HALVES, force=True)
    with pytest.raises(InputError, match=r"prepared with other settings \(fractions"):
        prepare_source("bids", bids_tree, prepared, **WIDE)
    assert len(read_manifest(prepared)) == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "is missing"), ("{", "cannot be read"), ("[]", "cannot be read"), ('{"settings": []}', "cannot be read")],
)
def test_a_broken_provenance_is_refused_before_anything_is_replaced(prepared, text, message):
    (prepared / "provenance.json").unlink() if text is None else (prepared / "provenance.json").write_text(text)
    before = {path: path.read_bytes() for path in prepared.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=rf"provenance\.json {message}.*; restore it, or prepare"):
        resplit(prepared, fractions=HALVES, seed=5, force=True)
    assert {path: path.read_bytes() for path in prepared.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("killed", ["write_qc", "write_json"])
def test_an_equal_call_completes_one_that_was_killed(prepared, bids_tree, tmp_path, monkeypatch, killed):
    def kill(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, killed, kill)
        with pytest.raises(KeyboardInterrupt):
            resplit(prepared, fractions=HALVES, stratify=["sex"], seed=5, force=True)
    resplit(prepared, fractions=HALVES, stratify=["sex"], seed=5)
    prepare_source("bids", bids_tree, tmp_path / "anew", fractions=HALVES, stratify=["sex"], seed=5, **WIDE)
    assert (prepared / "qc/index.html").read_bytes() == (tmp_path / "anew/qc/index.html").read_bytes()
    ours, anew = (json.loads((root / "provenance.json").read_text()) for root in (prepared, tmp_path / "anew"))
    assert (ours["settings"], ours["sha256"]) == (anew["settings"], anew["sha256"])


def test_other_words_for_an_equal_split_keep_the_first_command_valid(prepared, bids_tree):
    before = (prepared / "provenance.json").read_bytes()
    resplit(prepared, fractions=(0.7, 0.15, 0.15), stratify=read_splits(prepared).stratified_by)
    assert (prepared / "provenance.json").read_bytes() == before
    assert prepare_source("bids", bids_tree, prepared, **WIDE).n_reused == 8
