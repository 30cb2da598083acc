import json

import pytest
from monai.bundle import ConfigParser

from monai_vq.engines import check_knobs
from monai_vq.export.multi_gpu_config import multi_gpu_config
from monai_vq.export.train_config import train_config


@pytest.fixture
def merged(exported) -> dict:
    parser = ConfigParser()
    parser.read_config([str(exported[0] / f"configs/{name}.json") for name in ("train", "multi_gpu_train")])
    return {name: value for name, value in parser.config.items() if name != "_meta_"}


def test_it_merges_into_a_config_whose_every_setting_is_read(merged):
    check_knobs(merged)
    assert merged["train"]["trainer"]["network"].startswith("$multi_gpu.distribute")
    assert "$import monai_vq.engines.multi_gpu as multi_gpu" in merged["imports"]
    assert "$import monai_vq.engines as engines" in merged["imports"]


def test_one_process_alone_writes_and_every_one_keeps_in_step(merged):
    alone = {
        handler.get("handler", handler["_target_"].rpartition(".")[2])
        for handler in merged["train"]["handlers"]
        if "_disabled_" in handler
    }
    together = {
        handler.get("handler", handler["_target_"].rpartition(".")[2])
        for handler in merged["train"]["handlers"]
        if "_disabled_" not in handler
    }
    assert {"@checkpoints", "History", "TrainingProgress", "TensorBoardStatsHandler"} <= alone
    assert {"@budget", "GradientClip", "StopAtNonFinite", "Validation", "CodebookUse"} <= together


def test_a_run_of_several_processes_is_exported_as_one_of_one(merged, exported):
    train = json.loads((exported[0] / "configs/train.json").read_text())
    assert train_config(merged) == train == train_config(train)


def test_steps_that_write_or_connect_are_those_of_several_processes(finished):
    overlay = multi_gpu_config(train_config(finished.config))
    steps = [step.partition("(")[0] for step in overlay["initialize"]]
    assert steps[0] == "$multi_gpu.check_settings"
    assert steps[-1] == "$multi_gpu.start_run"
    assert overlay["run"][-1] == "$multi_gpu.finish(@report.run)"
