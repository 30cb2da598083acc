from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from ignite.exceptions import NotComputableError
from skimage.metrics import structural_similarity

from monai_vq.metrics import PatientScores

PATIENTS = ["A", "A", "A", "B"]


@pytest.fixture
def batch():
    """Three slices of patient A, reconstructed ever worse, and one of B."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(4, 1, 16, 16, generator=generator)
    noise = torch.randn(4, 1, 16, 16, generator=generator)
    x_hat = x + noise * torch.tensor([0.01, 0.1, 0.4, 0.2])[:, None, None, None]
    mask = torch.zeros(4, 1, 16, 16)
    mask[:, :, 4:12, 4:12] = 1
    ids = {"patient_id": PATIENTS, "session_id": [""] * 4, "scan_id": PATIENTS, "slice_index": torch.arange(4)}
    return ids | {"image": x, "mask": mask, "x_hat": x_hat}


def part(batch, which):
    return {key: value[which] for key, value in batch.items()}


def reconstruction(batch):
    """With codes that are the slice's number, and the loss 10 times the number of slices in the batch."""
    codes = batch["slice_index"][:, None, None]
    return SimpleNamespace(
        x_hat=batch["x_hat"], codes=codes, side=codes[:, None] * 0.5, loss=torch.tensor(10.0) * len(codes)
    )


def evaluate(metric, batches):
    engine = Engine(lambda e, b: {"image": b["image"], "pred": reconstruction(b)})
    metric.attach(engine, "ssim")
    engine.run(batches)
    return engine.state.metrics


def test_the_mean_is_over_patients_whatever_the_batches(batch):
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    pairs = zip(batch["image"][:, 0].numpy(), batch["x_hat"][:, 0].clamp(0, 1).numpy(), strict=True)
    ssim = [structural_similarity(x, x_hat, **settings) for x, x_hat in pairs]
    expected = (np.mean(ssim[:3]) + ssim[3]) / 2
    assert abs(expected - np.mean(ssim)) > 0.01  # the mean over slices is something else
    for batches in ([batch], [part(batch, slice(0, 2)), part(batch, slice(2, 4))]):
        assert evaluate(PatientScores(), batches)["ssim"] == pytest.approx(expected, abs=1e-4)


def test_all_means_are_published_under_their_names(batch):
    metrics = evaluate(PatientScores(), [batch])
    assert {"ssim", "ssim_foreground", "psnr", "mse", "mae"} <= metrics.keys()
    errors = (batch["image"] - batch["x_hat"].clamp(0, 1)).square().mean((1, 2, 3))
    assert metrics["mse"] == pytest.approx(((errors[:3].mean() + errors[3]) / 2).item(), rel=1e-5)


def test_a_slices_bits_are_of_its_own_latent_and_counted_by_pixel(batch):
    def latent_bits(codes, side):
        return (codes.float() + side[:, 0]).flatten(1).sum(dim=1)

    batch |= {key: batch[key].expand(-1, 3, -1, -1) for key in ("image", "x_hat")}  # by pixel, whatever its channels
    metric = PatientScores(latent_bits=latent_bits)
    metrics = evaluate(metric, [part(batch, slice(0, 3)), part(batch, slice(3, 4))])
    assert metric.rows["bits_per_pixel"].tolist() == [1.5 * number / 16**2 for number in range(4)]
    assert metrics["bits_per_pixel"] == pytest.approx((1.5 + 4.5) / 2 / 16**2)
    evaluate(without := PatientScores(), [batch])
    assert "bits_per_pixel" not in without.rows


def test_the_quantizers_loss_is_averaged_as_the_scores_are(batch):
    batches = [part(batch, slice(0, 1)), part(batch, slice(1, 4))]
    assert evaluate(PatientScores(), batches)["quantization"] == pytest.approx(((10 + 30 + 30) / 3 + 30) / 2)


def test_rows_are_the_last_epochs_slices(batch):
    metric = PatientScores()
    evaluate(metric, [batch])
    evaluate(metric, [part(batch, slice(0, 2))])
    assert metric.rows["slice_index"].tolist() == [0, 1]
    assert metric.rows["patient_id"].tolist() == ["A", "A"]


def test_a_baseline_is_scored_in_the_models_place_and_publishes_no_means(batch):
    metric = PatientScores(baseline=lambda x: x)
    metrics = evaluate(metric, [batch])
    assert metric.rows["ssim"].tolist() == pytest.approx([1.0] * 4, abs=1e-6)
    assert "mse" not in metrics


def test_no_slices_have_no_score():
    with pytest.raises(NotComputableError, match="no slices"):
        PatientScores().compute()


def test_a_reconstruction_that_is_no_number_is_never_the_best(batch):
    batch["x_hat"][3, 0, 0, 0] = float("nan")
    with pytest.raises(FloatingPointError, match=r"SSIM .* 1 of 4 slices, first slice 3 of scan B.*--learning_rate"):
        evaluate(PatientScores(), [batch])
