import numpy as np
import pandas as pd
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from monai_vq.errors import InputError
from monai_vq.metrics import patient_interval
from monai_vq.reconstruct.denoising import FILTERS, IDENTITY, METHODS, RECONSTRUCTION, SIGMAS, DenoisingScores
from monai_vq.reconstruct.noise import Noise, scan_generator

SIZE, PER_SCAN = 32, 3
SCANS = [("train", "A", "1"), ("test", "B", "1"), ("test", "B", "2"), ("test", "C", "1"), ("test", "D", "1")]


def clean_slices(seed):
    """Smooth blobs on black, [PER_SCAN, 1, SIZE, SIZE]."""
    rng = np.random.default_rng(seed)
    images = gaussian_filter(rng.random((PER_SCAN, 1, SIZE, SIZE)), (0, 0, 3, 3))
    images = (images - images.min()) / np.ptp(images)
    return torch.from_numpy(np.where(images > 0.4, images, 0)).float()


def batch(number, noise="rician:0.1"):
    split, patient, session = SCANS[number]
    scan_id = f"{patient}_{session}"
    of_scan = {"split": split, "patient_id": patient, "session_id": session, "scan_id": scan_id}
    ids = {name: [text] * PER_SCAN for name, text in of_scan.items()} | {"slice_index": range(PER_SCAN)}
    x = clean_slices(number)
    return ids, x, Noise.parse(noise).add(x, scan_generator(scan_id, 0))


def score(reconstruct, noise="rician:0.1"):
    scores = DenoisingScores()
    for number in range(len(SCANS)):
        ids, x, x_noisy = batch(number, noise)
        scores.add(ids, scores.score(x, x_noisy, reconstruct(x, x_noisy), x > 0))
    return scores.tables()


@pytest.fixture(scope="module")
def halved():
    """A model that takes half of the noise away."""
    return score(lambda x, x_noisy: (x + x_noisy) / 2)


def one_row(table, **of):
    for name, value in of.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_identity_and_filter_have_the_scores_of_scikit_image(halved):
    _, x, x_noisy = batch(3)
    for method in (IDENTITY, *FILTERS.values()):
        row = one_row(halved.slices, method=method, scan_id="C_1", slice_index=1)
        sigma = 0 if method == IDENTITY else row["sigma"]
        image, clean = gaussian_filter(x_noisy[1, 0].numpy(), sigma), x[1, 0].numpy()
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
        assert row["ssim"] == pytest.approx(structural_similarity(clean, image, **options), abs=1e-4)
        assert row["psnr"] == pytest.approx(peak_signal_noise_ratio(clean, image, data_range=1), abs=1e-3)


def test_filter_has_the_best_sigma_of_each_score_and_split(halved):
    _, x, x_noisy = zip(*(batch(number) for number in range(1, len(SCANS))), strict=True)
    psnr = [
        [peak_signal_noise_ratio(c[0].numpy(), gaussian_filter(n[0].numpy(), s), data_range=1) for c, n in pairs]
        for s in SIGMAS
        for pairs in [
            [pair for clean, noisy in zip(x, x_noisy, strict=True) for pair in zip(clean, noisy, strict=True)]
        ]
    ]
    per_scan = np.reshape(psnr, (len(SIGMAS), 4, PER_SCAN)).mean(axis=2)
    by_patient = np.column_stack([per_scan[:, :2].mean(axis=1), per_scan[:, 2], per_scan[:, 3]]).mean(axis=1)
    row = one_row(halved.summary, split="test", method=FILTERS["psnr"])
    assert row["sigma"] == SIGMAS[by_patient.argmax()]
    assert row["psnr"] == pytest.approx(by_patient.max(), abs=1e-3)
    assert 0 < row["sigma"] < SIGMAS[-1]


def test_filter_is_never_worse_than_the_identity_and_best_in_its_own_score():
    for noise in ("rician:0.001", "rician:0.3"):
        summary = score(lambda x, x_noisy: x_noisy, noise=noise).summary.set_index(["split", "method"])
        for split in ("train", "test"):
            by_ssim, by_psnr = (summary.loc[(split, name)] for name in FILTERS.values())
            assert by_ssim["ssim"] >= max(by_psnr["ssim"], summary.loc[(split, IDENTITY), "ssim"])
            assert by_psnr["psnr"] >= max(by_ssim["psnr"], summary.loc[(split, IDENTITY), "psnr"])


def test_a_perfect_model_gains_and_one_that_does_nothing_is_the_identity():
    perfect, idle = score(lambda x, _: x).summary, score(lambda _, x_noisy: x_noisy).summary
    row = one_row(perfect, split="test", method=RECONSTRUCTION)
    assert row["ssim"] == pytest.approx(1)
    assert all(row[f"{name}_gain"] > 0 for name in ("ssim", "ssim_foreground", "psnr", "mse", "mae"))
    columns = ["ssim", "psnr", "mse", "ssim_gain"]
    same = [one_row(idle, split="test", method=method)[columns].tolist() for method in (RECONSTRUCTION, IDENTITY)]
    assert same[0] == same[1]
    assert one_row(idle, split="test", method=RECONSTRUCTION)["ssim_gain"] < 0  # the filter is better


def test_means_go_from_slices_to_patients_to_splits(halved):
    slices = halved.slices[(halved.slices["method"] == RECONSTRUCTION) & (halved.slices["split"] == "test")]
    of_patients = slices.groupby("patient_id")["mae"].mean()
    row = one_row(halved.summary, split="test", method=RECONSTRUCTION)
    assert row["mae"] == pytest.approx(of_patients.mean())
    assert (row["mae_low"], row["mae_high"]) == pytest.approx(patient_interval(of_patients))
    assert (row["n_patients"], row["n_slices"]) == (3, 4 * PER_SCAN)
    assert len(halved.patients) == 4 * len(METHODS)
    assert len(halved.scans) == len(SCANS) * len(METHODS)
    assert one_row(halved.patients, method=IDENTITY, patient_id="B")["n_slices"] == 2 * PER_SCAN


def test_gain_is_paired_by_patient(halved):
    patients = halved.patients[halved.patients["split"] == "test"].pivot(
        index="patient_id", columns="method", values="mse"
    )
    gain = patients[FILTERS["psnr"]] - patients[RECONSTRUCTION]
    row = one_row(halved.summary, split="test", method=RECONSTRUCTION)
    assert row["mse_gain"] == pytest.approx(gain.mean())
    assert (row["mse_gain_low"], row["mse_gain_high"]) == pytest.approx(patient_interval(gain))


def test_one_patient_has_no_interval(halved):
    row = one_row(halved.summary, split="train", method=RECONSTRUCTION)
    assert row["n_patients"] == 1
    assert np.isnan([row["ssim_low"], row["ssim_gain_high"]]).all()
    assert np.isfinite(row["ssim"])


def test_tables_are_written_whole(halved, tmp_path):
    paths = halved.write(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in paths)
    stored = pd.read_csv(tmp_path / "out/denoising_summary.csv")
    pd.testing.assert_frame_equal(stored, halved.summary, check_dtype=False, rtol=1e-8)


def test_says_what_is_missing():
    ids, x, x_noisy = batch(0)
    trials = DenoisingScores().score(x, x_noisy, x, x > 0)
    del ids["split"]
    with pytest.raises(InputError, match=r"lack \['split'\]"):
        DenoisingScores().add(ids, trials)
    with pytest.raises(InputError, match="no slice was scored"):
        DenoisingScores().tables()


def test_filter_may_take_the_floor_of_rician_noise_off():
    sigma = 0.2
    with_floor, without = DenoisingScores(rician_sigma=sigma), DenoisingScores()
    for number in range(1, len(SCANS)):
        ids, x, x_noisy = batch(number, f"rician:{sigma}")
        for scores in (with_floor, without):
            scores.add(ids, scores.score(x, x_noisy, x_noisy, x > 0))
    name = FILTERS["psnr"]
    row, plain = (
        one_row(scores.tables().slices, method=name, scan_id="B_1", slice_index=1) for scores in (with_floor, without)
    )
    _, x, x_noisy = batch(1, f"rician:{sigma}")
    power = gaussian_filter(x_noisy[1, 0].numpy() ** 2, row["sigma"]) - 2 * sigma**2
    expected = peak_signal_noise_ratio(x[1, 0].numpy(), np.sqrt(np.maximum(power, 0)), data_range=1)
    assert row["psnr"] == pytest.approx(expected, abs=1e-3)
    assert row["psnr"] > plain["psnr"] + 1
