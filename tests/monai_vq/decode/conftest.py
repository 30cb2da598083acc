import shutil
from pathlib import Path

import pytest
from monai.bundle import run as run_bundle_file

BUNDLE = Path(__file__).parents[3] / "bundles/reconstruct.json"


@pytest.fixture(scope="session")
def reconstructed(tiny_stage1: Path, tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scans, reconstructed in bf16 by threes."""
    root = tmp_path_factory.mktemp("reconstructed")
    for patient in ("sub-P1", "sub-P2"):
        shutil.copytree(tiny_dataset.parent / "bids" / patient, root / "in" / patient)
    given = {"run_dir": str(tiny_stage1), "input": str(root / "in"), "output_dir": str(root / "out"), "device": "cpu"}
    settings = {"precision": "bf16", "batch_size": 3}
    run_bundle_file(config_file=str(BUNDLE), logging_file=False, **given, **settings)
    return root / "out/scans"
