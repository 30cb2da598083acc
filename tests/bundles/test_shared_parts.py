"""Bundles repeat what MONAI needs literally; these tests keep the repetitions one."""

import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "bundles"
FILES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
README = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
COMMON = FILES.pop("common")
FILES.pop("metadata")
FILES.pop("reconstruct")  # trains nothing; see test_reconstruct.py
for name in ("common_priors", "transformer", "pixelcnn", "sample", "anomaly"):  # see test_prior_parts.py
    FILES.pop(name, None)
MODEL = FILES["none"]  # whose handlers every other has as well
OWN_HANDLERS = {  # what a bundle adds to the model's, by the class of its quantizer
    "VectorQuantizer": ["codebook_use"],
    "ProjectedQuantizer": ["codebook_use", "gain_log"],
    "FrequencyQuantizer": ["codebook_use", "quantizer_epoch", "continuous_share"],
    "HybridQuantizer": ["codebook_use", "quantizer_epoch", "continuous_share", "gain_log"],
    "IdentityQuantizer": [],
    "VAE": [],
}
NOT_MEASURED = ("not measured", "no download at hand")
REPORTS = ("cifar10_report", "projected_report")  # published optimizer, precision and scale of the loss
every_bundle = pytest.mark.parametrize("bundle", FILES)


def handlers(names: list[str]) -> list[str]:
    return [f"%bundles/common.json#{name}" for name in names]


def latent(bundle: dict) -> str:
    network = bundle["network_def"]
    return network.get("quantizer", network)["_target_"].split(".")[-1]


@every_bundle
def test_engines_handlers_and_wiring_are_the_same_in_all(bundle):
    config = FILES[bundle]
    own = handlers(OWN_HANDLERS[latent(config)])
    train, validate = ({**part, "handlers": None} for part in (config["train"], config["validate"]))
    assert train == MODEL["train"] | {"handlers": None}
    assert validate == MODEL["validate"] | {"handlers": None}
    at = MODEL["train"]["handlers"].index("%bundles/common.json#spike_ratio")
    expected = MODEL["train"]["handlers"][:at] + own + MODEL["train"]["handlers"][at:]
    if bundle in REPORTS:  # published codes do not clip
        expected.remove("%bundles/common.json#gradient_clip")
    assert config["train"]["handlers"] == expected
    use = [name for name in own if name.endswith("codebook_use")]
    assert config["validate"]["handlers"] == use + MODEL["validate"]["handlers"]
    shared = {name for name, value in MODEL.items() if isinstance(value, str) and value.startswith("%")}
    shared -= {"optimizer", "loss"} if bundle in REPORTS else set()
    assert {name: config[name] for name in shared} == {name: MODEL[name] for name in shared}


@every_bundle
def test_settings_of_the_machine_have_the_same_defaults_in_all(bundle):
    config, names = FILES[bundle], {"bundle_root", "device", "num_workers", "seed", "deterministic", "resume"}
    names |= {"precision"} if bundle not in REPORTS else set()
    assert {name: config[name] for name in names} == {name: MODEL[name] for name in names}
    assert config["output_dir"] == f"runs/{bundle}"
    assert config["save_execute_config"] is False


@pytest.mark.parametrize("bundle", [name for name in FILES if name not in (*REPORTS, "vae")])
def test_the_coders_are_the_same_in_all_but_reproductions_and_the_vae(bundle):
    for part in ("encoder", "decoder"):
        assert FILES[bundle]["network_def"][part] == MODEL["network_def"][part]


@pytest.mark.parametrize("bundle", [name for name in FILES if FILES[name]["dataset_dir"] == "data/phantom"])
def test_variants_are_trained_alike(bundle):
    names = ["image_size", "spacing", "in_channels", "batch_size", "learning_rate", "max_epochs", "max_minutes"]
    assert {name: FILES[bundle][name] for name in names} == {name: MODEL[name] for name in names}


@pytest.mark.parametrize("bundle", ["oasis", "adni", "cifar10"])
def test_a_datasets_latent_is_the_projected_variants(bundle):
    assert FILES[bundle]["network_def"] == FILES["projected"]["network_def"]


def test_every_part_that_is_named_is_there_and_used():
    named = {
        part.split("#")[1] for config in FILES.values() for part in json.dumps(config).split('"') if part[:1] == "%"
    }
    assert named == COMMON.keys()


@every_bundle
def test_the_header_gives_the_command_the_time_and_the_score(bundle):
    header = FILES[bundle]["_desc_"]
    assert f"python -m monai.bundle run --config_file bundles/{bundle}.json" in header
    assert "Time: " in header
    row = re.search(rf"^\| `{bundle}.json` \|.*\| (.+) \|$", README, flags=re.MULTILINE)  # of the table of bundles
    assert row is not None
    assert ("Score: not measured yet." if row[1] in NOT_MEASURED else "Score: see README.") in header
    dataset_dir = FILES[bundle]["dataset_dir"]
    assert dataset_dir == "data/phantom" or f"--output_dir {dataset_dir}." in header


@every_bundle
def test_every_setting_is_read_by_the_bundle(bundle):
    config = FILES[bundle]
    text = json.dumps([config, COMMON])
    plain = {name for name, value in config.items() if not isinstance(value, dict) and str(value)[:1] != "%"}
    unread = {name for name in plain if f"@{name}" not in text}
    assert unread == {"_desc_", "bundle_root", "save_execute_config"}
