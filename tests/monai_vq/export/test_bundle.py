import pytest

from monai_vq.errors import InputError
from monai_vq.export import BundleText, export_run
from monai_vq.export import bundle as export_bundle

FILES = {
    *("LICENSE", "docs/README.md", "docs/data_license.txt", "models/model.pt", "models/model.ts"),
    *(f"configs/{name}" for name in ("metadata.json", "inference.json", "train.json", "multi_gpu_train.json")),
    "configs/logging.conf",
}


def test_the_zoos_files_are_there_and_no_others(exported):
    folder, _ = exported
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == FILES
    assert "Apache License" in (folder / "LICENSE").read_text()


def test_unknown_terms_and_absent_packages_are_left_to_do(exported):
    folder, remaining = exported
    assert "THE LICENCE OF THE DATA IS NOT KNOWN (source: bids)" in remaining[0]
    assert "onnx not installed" in remaining[1]
    assert "NOT FILLED IN" in (folder / "docs/data_license.txt").read_text()


def test_known_terms_leave_nothing(tiny_stage1, tmp_path, monkeypatch):
    monkeypatch.setattr(export_bundle, "write_onnx", lambda path, run: path.touch())
    monkeypatch.setattr(export_bundle, "missing_for_onnx", list)
    assert export_run(tiny_stage1, tmp_path / "zoo", BundleText("The Testers", dataset="ixi")) == []
    assert "CC BY-SA" in (tmp_path / "zoo/docs/data_license.txt").read_text()


def test_a_folder_in_use_is_left_alone(tiny_stage1, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="exists and is not empty"):
        export_run(tiny_stage1, tmp_path, BundleText("The Testers"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_export_that_fails_leaves_nothing(tiny_stage1, tmp_path, monkeypatch):
    def fail(folder):
        raise KeyboardInterrupt

    monkeypatch.setattr(export_bundle, "write_torchscript", fail)
    with pytest.raises(KeyboardInterrupt):
        export_run(tiny_stage1, tmp_path / "zoo", BundleText("The Testers"))
    assert list(tmp_path.iterdir()) == []
