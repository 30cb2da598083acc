import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from monai_vq.study.plan import Run
from monai_vq.study.state import RunState, state_of

TINY = {  # what the study of the fixture was run with
    "max_epochs": 1,
    "image_size": [32, 32],
    "num_embeddings": 8,
    "embedding_dim": 8,
    "batch_size": 4,
    "precision": "fp32",
    **{
        f"network_def#{part}#{name}": [8, 8]
        for part in ("encoder", "decoder")
        for name in ("channels", "num_res_channels")
    },
}


@pytest.fixture
def run(copy_study: Path, make_run) -> Run:
    planned = make_run("projected")
    return replace(planned, settings=TINY, output_dir=copy_study)


def edit(run: Run, **items) -> None:
    path = run.run_dir / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | items))


def test_a_run_of_the_same_settings_with_its_report_is_complete(run):
    assert state_of(run) is RunState.COMPLETE


def test_without_its_report_it_goes_on(run):
    (run.run_dir / "report/index.html").unlink()
    assert state_of(run) is RunState.STARTED


def test_without_a_checkpoint_there_is_nothing_to_keep(run):
    (run.run_dir / "checkpoints/last.pt").unlink()
    assert state_of(run) is RunState.BROKEN
    (run.run_dir / "environment.json").unlink()  # killed while it wrote its record
    assert state_of(run) is RunState.BROKEN


def test_no_folder_is_absent(run):
    assert state_of(replace(run, seed=7)) is RunState.ABSENT


@pytest.mark.parametrize(
    "changed",
    [
        {"max_epochs": 2},
        {"commitment_cost": 1.0},
        {"gain_bits": 4},
        {"network_def#quantizer#codebook#choice": "nearest"},
        {"network_def#encoder#channels": [8, 16]},
    ],
)
def test_a_run_of_other_settings_is_another(run, changed):
    assert state_of(replace(run, settings=TINY | changed)) is RunState.ABSENT


def test_a_setting_that_only_the_run_had_makes_it_another(run):
    edit(run, learning_rate=0.1)
    assert state_of(run) is RunState.ABSENT


def test_where_and_on_what_it_ran_does_not_matter(run):
    edit(run, output_dir="elsewhere", dataset_dir="moved", device="cuda", num_workers=3)
    assert state_of(run) is RunState.COMPLETE


def test_a_run_on_another_split_of_the_data_is_another(run, tmp_path):
    splits = json.loads((run.dataset_dir / "splits.json").read_text())
    (tmp_path / "data").mkdir()
    (tmp_path / "data/splits.json").write_text(json.dumps(splits | {"seed": 99}))
    assert state_of(replace(run, dataset_dir=tmp_path / "data")) is RunState.ABSENT


def test_a_checkpoint_that_cannot_be_read_is_none(run):
    path = run.run_dir / "checkpoints/last.pt"
    path.write_bytes(path.read_bytes()[:1000])
    assert state_of(run) is RunState.ABSENT


def test_a_bundle_that_has_changed_since_the_study_began_makes_another_run(run, tmp_path):
    bundles = tmp_path / "bundles"
    shutil.copytree(run.bundle.parent, bundles)
    run = replace(run, bundle=bundles / run.bundle.name, output_dir=run.output_dir)
    run.fingerprint_path.parent.mkdir(parents=True, exist_ok=True)
    run.fingerprint_path.write_text(run.fingerprint())
    assert state_of(run) is RunState.COMPLETE
    common = json.loads((bundles / "common.json").read_text())
    common["optimizer"]["weight_decay"] = 0.1
    (bundles / "common.json").write_text(json.dumps(common))
    assert state_of(run) is RunState.ABSENT
