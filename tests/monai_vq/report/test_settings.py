import pytest

from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.report.settings import interval_settings, metric_settings, rate_settings, settings_sections


def test_states_every_constant_of_the_metric():
    settings = metric_settings()
    assert settings["window"] == "Gaussian, 11 × 11 pixels, σ = 1.5"
    assert settings["K1, K2"] == "0.01, 0.03"
    assert settings["data_range"].startswith("1,")
    assert {"border", "foreground SSIM", "channels", "PSNR"} <= set(settings)
    assert interval_settings()["interval"].startswith("95%")


# [latent, what is said of it]
LATENTS = [
    (LatentFormat((32, 32), (128, 128), 512, 0), {"codes": "K = 512, log2 K = 9 bits", "side information": "none"}),
    (LatentFormat((32, 32), (128, 128), 512, 1, 4), {"side information": "1 scalar of 4 bits, 4 bits a position"}),
    (LatentFormat((32, 32), (128, 128), 512, 4), {"side information": "4 scalars of 32 bits, 128 bits a position"}),
    (LatentFormat((8, 8), (32, 32), 512, 32.0), {"positions h × w": "8 × 8", "image H × W": "32 × 32"}),
    (LatentFormat((32, 32), (128, 128), 1, 64), {"codes": "none, 0 bits"}),
    (LatentFormat((1, 1), (32, 32), 1, 256, is_bound=True), {"bits per pixel": "a bound: KL", "codes": "none"}),
]


@pytest.mark.parametrize(("latent", "expected"), LATENTS)
def test_says_what_a_latent_is_made_of(latent, expected):
    settings = rate_settings(latent)
    for name, start in expected.items():
        assert settings[name].startswith(start)
    assert not any("continuous" in words for words in settings.values())


def test_says_where_a_latent_stays_continuous():
    latent = LatentFormat((32, 32), (128, 128), 512, 64, 32, continuous={"train": 0.031, "test": 0.025})
    settings = rate_settings(latent)
    assert settings["continuous positions (M = 0)"] == "train 3.1%, test 2.5%"
    assert settings["side information"].endswith("2048 bits a position that stays continuous, none elsewhere")


def test_nested_settings_become_sections_and_deeper_ones_keep_their_path():
    sections = settings_sections({"seed": 0, "Versions": {"torch": "2"}, "Config": {"train": {"lr": 0.1}}})
    assert sections == {"Run": {"seed": "0"}, "Versions": {"torch": "2"}, "Config": {"train#lr": "0.1"}}
