from monai_vq.metrics.rate import LatentFormat
from monai_vq.report.settings import interval_settings, metric_settings, rate_settings, settings_sections


def test_states_every_constant_of_the_metric():
    settings = metric_settings()
    assert settings["window"] == "Gaussian, 11 × 11 pixels, σ = 1.5"
    assert settings["K1, K2"] == "0.01, 0.03"
    assert settings["data_range"].startswith("1,")
    assert {"border", "foreground SSIM", "channels", "PSNR"} <= set(settings)
    assert interval_settings()["interval"].startswith("95%")


def test_the_stated_rate_is_the_latents_rate():
    settings = rate_settings(LatentFormat((32, 32), (128, 128), 512, 1, 4))
    assert settings["bits per pixel"].endswith("= 0.8125")
    assert settings["code bits"] == "log2 512"
    assert "no codes" in rate_settings(LatentFormat((32, 32), (128, 128), 1, 64))["code bits"]


def test_nested_settings_become_sections_and_deeper_ones_keep_their_path():
    sections = settings_sections({"seed": 0, "Versions": {"torch": "2"}, "Config": {"train": {"lr": 0.1}}})
    assert sections == {"Run": {"seed": "0"}, "Versions": {"torch": "2"}, "Config": {"train#lr": "0.1"}}
