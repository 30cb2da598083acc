from dataclasses import replace

import pytest

from monai_vq.export.metadata import describe_latent, make_metadata
from monai_vq.networks import VAE


def test_the_version_has_its_changelog_and_versions_have_no_build(finished):
    environment = finished.environment | {"torch": "2.13.0+cpu"}
    metadata = make_metadata(replace(finished, environment=environment), "tiny", "0.3.0", "The Testers", "ours")
    assert metadata["version"] in metadata["changelog"]
    assert metadata["pytorch_version"] == "2.13.0"
    assert "Testers" in metadata["copyright"]


def test_the_changelog_says_what_was_validated_on(finished):
    of_images = replace(finished, record=finished.record | {"unit": "image"})
    metadata = make_metadata(of_images, "tiny", "0.3.0", "The Testers", "ours")
    assert metadata["changelog"]["0.3.0"].endswith("the best on the validation images.")


def test_scores_are_those_of_the_test_split_unless_its_patients_are_few(finished):
    assert make_metadata(finished, "tiny", "0.1.0", "The Testers", "ours")["eval_metrics"] == {}
    many = replace(finished, scores=finished.scores.assign(n_patients=5))
    metadata = make_metadata(many, "tiny", "0.1.0", "The Testers", "ours")
    test = finished.scores.set_index("split").loc["test"]
    assert metadata["eval_metrics"]["test_ssim"] == test["ssim"]
    assert metadata["eval_metrics"]["test_bits_per_pixel"] == test["bits_per_pixel"]


def test_images_have_the_runs_size_and_channels(finished):
    metadata = make_metadata(finished, "tiny", "0.1.0", "The Testers", "ours")
    image = metadata["network_data_format"]["inputs"]["image"]
    assert (image["num_channels"], image["spatial_shape"], image["modality"]) == (1, [32, 32], "MR")
    in_colour = replace(finished, config=finished.config | {"in_channels": 3}, preparation={"source": "cifar10"})
    image = make_metadata(in_colour, "tiny", "0.1.0", "The Testers", "ours")["network_data_format"]["inputs"]["image"]
    assert (image["num_channels"], len(image["channel_def"]), image["modality"]) == (3, 3, "n/a")


def test_a_latent_is_described_with_its_bits(finished):
    assert "one of 8 codes (3 bits) and up to 1 number(s) beside it, 32-bit floats" in describe_latent(finished)
    vae = VAE((32, 32), 1, latent_size=4, channels=(4, 8))
    assert "one Gaussian of 4 numbers" in describe_latent(replace(finished, network=vae))


@pytest.mark.parametrize("name", ["intended_use", "data_source", "references"])
def test_what_a_reader_looks_for_is_there(finished, name):
    assert make_metadata(finished, "tiny", "0.1.0", "The Testers", "ours")[name]
