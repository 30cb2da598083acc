import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from monai_vq.engines import check_data, check_network, or_exit, origin, seed_everything
from monai_vq.engines.start import environment, keep_earlier_run, write_record
from monai_vq.errors import InputError


@pytest.mark.parametrize("error", [InputError("mend it"), FloatingPointError("mend it")])
def test_what_a_user_can_mend_is_a_line_and_no_traceback(error):
    def step():
        raise error

    with pytest.raises(SystemExit) as stopped:
        or_exit(step)
    assert stopped.value.code == "error: mend it"
    assert stopped.value.__suppress_context__


def test_a_bug_is_not_hidden():
    with pytest.raises(KeyError):
        or_exit(lambda: {}["bug"])
    assert or_exit(lambda: 3) == 3


def test_good_data_pass_and_a_tight_image_size_does_not(tiny_dataset):
    check_data(str(tiny_dataset), [32, 32], None, "cpu", "bf16")
    check_data(str(tiny_dataset), [12, 12], [16.0, 16.0], "cpu", "fp32")
    with pytest.raises(SystemExit, match="crop foreground"):
        check_data(str(tiny_dataset), [12, 12], None, "cpu", "fp32")


def test_an_image_size_that_does_not_come_back_is_refused(make_network, tmp_path):
    check_network(make_network(), [32, 36], 1, str(tmp_path), "nowhere", False)
    with pytest.raises(SystemExit, match=r"\[32, 34\] .* factor 4; use --image_size \[32, 36\]"):
        check_network(make_network(), [32, 34], 1, str(tmp_path), "nowhere", False)


def test_an_earlier_run_is_kept_whole(tmp_path):
    run = tmp_path / "run"
    keep_earlier_run(run)
    run.mkdir()
    keep_earlier_run(run)
    assert list(tmp_path.iterdir()) == [run]  # neither absent nor empty is a run
    (run / "config.json").write_text("{}")
    os.utime(run / "config.json", (0, 0))
    keep_earlier_run(run)
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("run_19")
    assert (kept / "config.json").read_text() == "{}"


def test_the_record_is_json_whatever_is_in_the_config(tmp_path):
    write_record(tmp_path / "a/run", {"device": torch.device("cpu"), "seed": 1})
    assert json.loads((tmp_path / "a/run/config.json").read_text()) == {"device": "cpu", "seed": 1}
    assert sorted(path.name for path in (tmp_path / "a/run").iterdir()) == ["config.json", "environment.json"]


def test_the_environment_names_versions_but_neither_user_nor_machine():
    record = environment()
    assert record["torch"] == torch.__version__
    assert record["monai_vq"]
    text = json.dumps(record)
    assert os.uname().nodename not in text.split('"')
    assert str(Path.home()) not in text


def test_a_checkpoint_says_from_which_split_it_learned(tiny_dataset):
    recorded = json.loads((tiny_dataset / "splits.json").read_text())["sha256"]
    assert origin(str(tiny_dataset))["split_sha256"] == recorded


def draw():
    return random.random(), np.random.rand(), torch.rand(3).tolist()


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_seed_fixes_every_generator(deterministic):
    seed_everything(3, deterministic)
    first = draw()
    seed_everything(3, deterministic)
    assert draw() == first
    seed_everything(4, deterministic)
    assert draw() != first


def test_only_deterministic_algorithms_where_asked_for():
    seed_everything(0, True)
    assert torch.are_deterministic_algorithms_enabled()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"]
    seed_everything(0, False)  # in the same notebook
    assert not torch.are_deterministic_algorithms_enabled()


def test_checked_settings_are_what_the_rest_of_a_bundle_reads():
    config = {
        "imports": ["$import monai_vq.engines as engines"],
        "initialize": ["$engines.check_settings()"],
        "resume": "false",
        "run": ["$not @resume"],
    }
    parser = ConfigParser(config)
    parser.get_parsed_content("initialize#0")
    parser.ref_resolver.remove_resolved_content("initialize::0")  # as MONAI's workflow does
    assert parser.get_parsed_content("run#0") is True
