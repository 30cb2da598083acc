from pathlib import Path

import pytest

from monai_vq.export import BundleText, export_run
from monai_vq.export import bundle as export_bundle
from monai_vq.export.finished_run import FinishedRun, read_finished_run


@pytest.fixture(scope="session")
def finished(tiny_stage1: Path) -> FinishedRun:
    """A projected run of two epochs on the tiny BIDS dataset."""
    return read_finished_run(tiny_stage1)


@pytest.fixture(scope="session")
def exported(tiny_stage1: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Its bundle, without ONNX, which takes long, and what is left to do."""
    folder = tmp_path_factory.mktemp("zoo") / "tiny_projected"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_bundle, "missing_for_onnx", lambda: ["onnx"])
        return folder, export_run(tiny_stage1, folder, BundleText("The Testers"))
