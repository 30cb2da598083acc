import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monai_vq.export import BundleText, export_run
from monai_vq.export import bundle as export_bundle

SCHEMA = Path(__file__).with_name("meta_schema.json")


@pytest.fixture(scope="session")
def zoo_bundle(tiny_stage1: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run's bundle, in a folder whose path has spaces; without ONNX, which has its own test."""
    folder = tmp_path_factory.mktemp("model zoo") / "models" / "tiny_projected"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_bundle, "missing_for_onnx", lambda: ["onnx"])
        export_run(tiny_stage1, folder, BundleText("The Testers", dataset="ixi"))
    return folder


@pytest.fixture(scope="session")
def schema_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schema where `verify_metadata` looks first: a file that is there is not downloaded."""
    return Path(shutil.copy(SCHEMA, tmp_path_factory.mktemp("schema") / "schema.json"))


@pytest.fixture(scope="session")
def monai_bundle() -> Callable[..., str]:
    """Runs `python -m monai.bundle ...` from a folder, as a user would, and returns what it said."""

    def run(cwd: str | Path, *words: str | Path, program: tuple[str, ...] = ("-m", "monai.bundle")) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [sys.executable, *program, *map(str, words)],
            cwd=cwd,
            env=environment | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run
