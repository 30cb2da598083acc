import shlex
from pathlib import Path

import fire
import pytest
from monai.bundle import ConfigParser

from monai_vq.errors import InputError
from monai_vq.study.plan import plan_runs, read_bundle
from monai_vq.study.variants import choose_variants

BUNDLES = Path("bundles")


def plan(names, tmp_path, seeds=1, settings=None, grid=None, bundles=BUNDLES):
    return plan_runs(choose_variants(names), seeds, settings or {}, grid or {}, bundles, tmp_path, tmp_path / "out")


def test_all_variants_of_a_seed_come_before_the_next_seed(tmp_path):
    runs = plan(["rate"], tmp_path, seeds=2)
    names = ["vq_ema", "projected_4bit", "vq_8192"]
    assert [(run.variant.name, run.seed) for run in runs] == [(name, seed) for seed in (0, 1) for name in names]
    assert len({run.name for run in runs}) == len(runs)
    assert runs[0].run_dir == tmp_path / "out/runs/vq_ema-seed0"


def test_a_knob_of_the_grid_makes_no_copies_of_a_variant_that_does_not_read_it(tmp_path):
    runs = plan(["vq_ema", "projected"], tmp_path, grid={"batch_size": [16, 64], "projection_cost": [0.0, 0.1]})
    points = [(run.variant.name, dict(run.point)) for run in runs]
    assert points == [
        ("vq_ema", {"batch_size": 16}),
        ("vq_ema", {"batch_size": 64}),
        ("projected", {"batch_size": 16, "projection_cost": 0.0}),
        ("projected", {"batch_size": 16, "projection_cost": 0.1}),
        ("projected", {"batch_size": 64, "projection_cost": 0.0}),
        ("projected", {"batch_size": 64, "projection_cost": 0.1}),
    ]
    assert runs[-1].name == "projected-batch_size=64-projection_cost=0.1-seed0"
    assert runs[-1].group == "projected, batch_size=64, projection_cost=0.1"


def test_what_makes_a_variant_counts_more_than_the_grid(tmp_path):
    runs = plan(["projected_4bit", "projected"], tmp_path, grid={"gain_bits": [2, 6]})
    bits = [(run.variant.name, dict(run.point), run.settings["gain_bits"]) for run in runs]
    assert bits == [("projected", {"gain_bits": 2}, 2), ("projected", {"gain_bits": 6}, 6), ("projected_4bit", {}, 4)]
    (run,) = plan(["projected_4bit"], tmp_path, settings={"gain_bits": 8})
    assert run.settings["gain_bits"] == 4


def test_settings_go_to_the_variants_whose_bundle_has_them(tmp_path):
    runs = plan(["vq_ema", "none", "vae"], tmp_path, settings={"num_embeddings": 64, "kl_weight": 0.5})
    assert [dict(run.settings) for run in runs] == [{"num_embeddings": 64}, {}, {"kl_weight": 0.5}]


def test_K_of_the_study_scales_what_follows_from_it(tmp_path):  # noqa: N802
    runs = plan(["vq_8192", "hybrid_128"], tmp_path, grid={"num_embeddings": [64, 512]})
    own = {(run.variant.name, run.point["num_embeddings"]): run.settings for run in runs}
    assert own["vq_8192", 64]["num_embeddings"] == 1024
    assert own["hybrid_128", 64]["num_frequent"] == 16
    assert own["hybrid_128", 512]["num_frequent"] == 128


@pytest.mark.parametrize("folder", ["plain", "a (b) 1-2", "1,2", "it's"])
def test_the_command_line_is_read_back_as_the_settings(tmp_path, folder):
    odd = {"image_size": [64, 48], "spacing": None, "network_def#encoder#channels": [8, 8], "learning_rate": 1e-3}
    (run,) = plan(["projected_width"], tmp_path / folder, settings=odd)
    seen = {}
    command = run.command(resume=True)
    fire.Fire(lambda config_file, **words: seen.update(words), command=command[command.index("--config_file") :])
    none = {name: "none" for name, value in run.settings.items() if value is None}  # a None would not be an override
    assert seen == {
        **run.settings,
        **none,
        "dataset_dir": str(run.dataset_dir),
        "output_dir": str(run.run_dir),
        "seed": 0,
        "max_minutes": "none",
        "resume": True,
    }
    assert shlex.split(shlex.join(command)) == command


@pytest.mark.parametrize("variant", ["projected", "none"])
def test_the_order_of_the_data_depends_on_seed_and_epoch_alone(variant, tiny_dataset):
    def order(name: str, seed: int, batch_size: int, epoch: int) -> list[int]:
        parser = ConfigParser()
        parser.read_config(f"bundles/{name}.json")
        own = {"dataset_dir": str(tiny_dataset), "image_size": [32, 32], "seed": seed, "batch_size": batch_size}
        parser.update(own)
        sampler = parser.get_parsed_content("train#sampler")
        sampler.set_epoch(epoch)
        return list(sampler)

    reference = order("vq_ema", 1, 4, 2)
    assert sorted(reference) == list(range(16))
    assert order(variant, 1, 8, 2) == reference
    assert order(variant, 2, 4, 2) != reference
    assert order(variant, 1, 4, 3) != reference


def test_missing_bundles_and_bad_numbers_are_errors_with_a_remedy(tmp_path):
    with pytest.raises(InputError, match=r"--bundles .*nowhere: expected this project's folder named 'bundles'"):
        plan(["vq"], tmp_path, bundles=tmp_path / "nowhere")
    (tmp_path / "bundles").mkdir()
    with pytest.raises(InputError, match=r"no bundle .*vq.json; give --bundles the folder that has it"):
        plan(["vq"], tmp_path, bundles=tmp_path / "bundles")
    with pytest.raises(InputError, match="--seeds 0 must be at least 1"):
        plan(["vq"], tmp_path, seeds=0)
    with pytest.raises(InputError, match="setting batchsize: none of the chosen variants has it"):
        plan(["vq"], tmp_path, settings={"batchsize": 4})
    with pytest.raises(InputError, match="setting kl_weight: none of the chosen variants has it"):
        plan(["vq"], tmp_path, grid={"kl_weight": [1.0]})


def test_a_bundle_is_found_from_another_folder(tmp_path, monkeypatch):
    bundles = BUNDLES.resolve()
    monkeypatch.chdir(tmp_path)
    assert read_bundle(bundles, "vq")["num_embeddings"] == 512
    (run,) = plan(["vq"], tmp_path, bundles=bundles)
    assert (run.bundle.parent.parent / "bundles/vq.json").is_file()
