import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from monai_vq.handlers import budget

FOLDER = Path(__file__).parents[2] / "bundles"
DEFAULTS = {path.stem: json.loads(path.read_text()).get("dataset_dir") for path in sorted(FOLDER.glob("*.json"))}
VARIANTS = [name for name, dataset_dir in DEFAULTS.items() if dataset_dir == "data/phantom"]


@pytest.fixture(scope="session")
def read_history() -> Callable[[Path], pd.DataFrame]:
    """Reads metrics.csv without the column that no two runs share."""
    return lambda run_dir: pd.read_csv(run_dir / "metrics.csv").drop(columns="minutes")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes each time the budget looks at the clock: twice a step, where max_minutes counts."""
    seconds = iter(range(10**6))
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))


@pytest.fixture(scope="session", params=VARIANTS)
def finished_run(request, run_bundle: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two epochs of each variant."""
    return run_bundle(request.param, tmp_path_factory.mktemp("runs") / request.param)


@pytest.fixture(scope="session")
def four_epochs(run_bundle: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four deterministic epochs of the projected variant."""
    return run_bundle("projected", tmp_path_factory.mktemp("runs") / "four", max_epochs=4, deterministic="true")
