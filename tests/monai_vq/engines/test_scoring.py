import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from monai_vq.engines import AutocastInferer, make_baselines, score_split, scoring
from monai_vq.engines.scoring import mean_image
from monai_vq.quantizers import Codebook, FrequencyQuantizer, ProjectedQuantizer

CPU = torch.device("cpu")


def all_images(loader) -> torch.Tensor:
    return torch.cat([batch["image"] for batch in loader]).as_tensor()


def test_every_slice_has_the_score_of_its_own_reconstruction(make_network, loaders):
    network = make_network().eval()
    scores = score_split(network, loaders["val"], CPU, AutocastInferer(), {})
    x = all_images(loaders["val"])
    with torch.no_grad():
        x_hat = network(x).x_hat
    assert scores.model["slice_index"].tolist() == [item["slice_index"] for item in loaders["val"].dataset.data]
    assert scores.model["mse"].tolist() == pytest.approx((x - x_hat.clamp(0, 1)).square().mean((1, 2, 3)).tolist())


def test_nothing_learns_while_scoring_and_every_code_is_counted(make_network, loaders):
    network = make_network().train()
    network.quantizer.codebook.initialized.fill_(True)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    scores = score_split(network, loaders["test"], CPU, AutocastInferer(), {})
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    codes = network.index_quantize(all_images(loaders["test"]))
    assert scores.code_counts.tolist() == torch.bincount(codes.flatten(), minlength=8).tolist()


def test_an_autoencoder_has_no_codes_to_count(make_network, loaders):
    assert score_split(make_network(1), loaders["test"], CPU, AutocastInferer(), {}).code_counts is None


def test_a_slices_rate_is_of_its_own_latent(make_network, loaders):
    network = make_network()
    network.quantizer = FrequencyQuantizer(Codebook(8, 8), num_frequent=4, warmup_epochs=0)
    x = all_images(loaders["test"])
    network.train()(x)
    scores = score_split(network.eval(), loaders["test"], CPU, AutocastInferer(), {"itself": lambda x: x})
    with torch.no_grad():
        codes = network(x).codes
    bits = 64 * 3 + 32 * 8 * network.quantizer.continuous(codes).sum(dim=(1, 2))
    assert scores.model["bits_per_pixel"].tolist() == pytest.approx((bits / 32**2).tolist())
    assert scores.model["bits_per_pixel"].nunique() > 1
    assert "bits_per_pixel" not in scores.baselines["itself"]
    assert scores.gains is None


@pytest.mark.parametrize("num_gains", [1, 4])
def test_the_gains_of_a_split_are_counted_by_group(make_network, loaders, num_gains):
    network = make_network()
    codebook = Codebook(8, 8, choice="direction", num_groups=num_gains)
    network.quantizer = ProjectedQuantizer(codebook, gain_bits=3)
    x = all_images(loaders["val"])
    network.train()(x)
    gains = score_split(network.eval(), loaders["val"], CPU, AutocastInferer(), {}).gains
    with torch.no_grad():
        side = network(x).side.movedim(1, 0).flatten(1)
    assert gains.counts.sum(axis=1).tolist() == [side.shape[1]] * num_gains
    assert gains.mean() == pytest.approx(side.mean(dim=1).numpy(), rel=2e-3)
    levels = network.quantizer.gains.levels
    expected = [[int((own == level).sum()) for level in row] for own, row in zip(side, levels, strict=True)]
    assert gains.level_counts(levels.numpy()).tolist() == expected


def test_the_mean_training_image_weighs_slices_equally(loaders):
    x = all_images(loaders["train"])  # 16 slices in batches of three: the last has one
    assert torch.allclose(mean_image(loaders["train"]), x.mean(0, keepdim=True), atol=1e-6)


def test_baselines_know_nothing_of_the_model_and_are_scored_on_the_same_slices(make_network, loaders):
    baselines = make_baselines(loaders["train"])
    assert list(baselines) == ["mean training image", "blurred input (σ = 2 px)", "shifted input (1 px)"]
    scores = score_split(make_network(), loaders["val"], CPU, AutocastInferer(), baselines)
    x = all_images(loaders["val"]).numpy()
    mean = all_images(loaders["train"]).numpy().mean(0)
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    by_hand = {  # MONAI integrates the Gaussian over a pixel, which adds the pixel's own variance
        "mean training image": [mean[0]] * len(x),
        "blurred input (σ = 2 px)": [gaussian_filter(image[0], (4 + 1 / 12) ** 0.5, mode="constant") for image in x],
        "shifted input (1 px)": [np.pad(image[0], ((0, 0), (1, 0)), mode="edge")[:, :-1] for image in x],
    }
    for name, table in scores.baselines.items():
        expected = [structural_similarity(i[0], b, **settings) for i, b in zip(x, by_hand[name], strict=True)]
        assert table["ssim"].to_numpy() == pytest.approx(np.array(expected), abs=2e-3)
        assert table["slice_index"].tolist() == scores.model["slice_index"].tolist()


def test_a_log_has_a_line_a_split_and_one_for_the_mean_image(make_network, loaders, capsys):
    score_split(make_network(), loaders["val"], CPU, AutocastInferer(), {}, progress="scoring val")
    assert capsys.readouterr().out == "scoring val: 4 slices\n"
    mean_image(loaders["train"])
    assert capsys.readouterr() == ("mean training image: 16 slices\n", "")
    score_split(make_network(), loaders["val"], CPU, AutocastInferer(), {})
    assert capsys.readouterr().out == ""


def test_a_terminal_has_bars_and_no_lines(make_network, loaders, capsys, monkeypatch):
    monkeypatch.setattr(scoring, "_is_terminal", lambda: True)
    score_split(make_network(), loaders["val"], CPU, AutocastInferer(), {}, progress="scoring val")
    mean_image(loaders["train"])
    told = capsys.readouterr()
    assert told.out == ""
    assert "scoring val" in told.err
    assert "mean training image: 100%" in told.err
