import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch

from monai_vq.data import slice_items
from monai_vq.engines.load_run import load_run, make_network
from monai_vq.errors import InputError
from monai_vq.metrics import slice_scores
from monai_vq.transforms import FitImageSized, LoadSliced


@pytest.fixture(scope="module")
def run_dir(run_bundle, tmp_path_factory) -> Path:
    return run_bundle("projected", tmp_path_factory.mktemp("load_run") / "run", max_epochs=1)


@pytest.fixture
def copy(run_dir, tmp_path) -> Path:
    return shutil.copytree(run_dir, tmp_path / "run")


def edit(run_dir: Path, **items) -> None:
    config = json.loads((run_dir / "config.json").read_text())
    (run_dir / "config.json").write_text(json.dumps(config | items))


def test_the_network_scores_what_the_run_reported(run_dir, tiny_dataset):
    network = load_run(run_dir)
    assert not network.training
    reported = pd.read_csv(run_dir / "report/ssim_slices.csv")
    for item in slice_items(tiny_dataset, "test"):
        loaded = FitImageSized([32, 32])(LoadSliced()(dict(item)))
        with torch.no_grad():
            scores = slice_scores(loaded["image"][None], network(loaded["image"][None]).x_hat, loaded["mask"][None] > 0)
        row = reported[(reported["scan_id"] == item["scan_id"]) & (reported["slice_index"] == item["slice_index"])]
        assert float(scores["ssim"]) == pytest.approx(row["ssim"].item(), abs=1e-5)


def test_weights_and_codebook_are_the_best_checkpoints(run_dir):
    saved = torch.load(run_dir / "checkpoints/best.pt", weights_only=True)["network"]
    loaded = load_run(run_dir).state_dict()
    assert loaded.keys() == saved.keys()
    assert all(torch.equal(loaded[name], saved[name]) for name in saved)


def test_no_other_code_of_the_config_is_executed(copy, tmp_path):
    witness = tmp_path / "executed"
    code = f"$__import__('pathlib').Path({str(witness)!r}).touch()"
    edit(copy, imports=["$import this_module_does_not_exist", code], run=[code], device=code)
    assert load_run(copy).num_embeddings == 8
    assert not witness.exists()


def test_settings_are_followed_through_references(copy):
    edit(copy, num_embeddings="@twice", twice="$2 * @half", half=4)
    assert load_run(copy).num_embeddings == 8


def test_a_network_without_its_weights_has_the_runs_sizes(run_dir):
    shapes = [{k: v.shape for k, v in n.state_dict().items()} for n in (make_network(run_dir), load_run(run_dir))]
    assert shapes[0] == shapes[1]


def test_what_is_no_run_is_an_error_with_a_remedy(copy, tmp_path):
    with pytest.raises(InputError, match=r"no run in .*nowhere: it has no config.json; give the output_dir"):
        load_run(tmp_path / "nowhere")
    best = copy / "checkpoints/best.pt"
    best.write_bytes(best.read_bytes()[:5000])  # of some lengths, torch says that an argument is invalid
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        load_run(copy)
    best.unlink()
    with pytest.raises(InputError, match=r"no checkpoint at .*best.pt; train the run first"):
        load_run(copy)
    (copy / "config.json").write_text("{}")
    with pytest.raises(InputError, match="defines no network_def; give the folder of a run"):
        load_run(copy)
    (copy / "config.json").write_text('{"network_def":')
    with pytest.raises(InputError, match="it is no JSON"):
        load_run(copy)


def test_a_checkpoint_of_another_network_is_an_error(copy):
    edit(copy, num_embeddings=16)
    with pytest.raises(InputError, match="belongs to another network"):
        load_run(copy)
