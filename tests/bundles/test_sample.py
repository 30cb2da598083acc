import json
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from monai.bundle import run as run_monai_bundle

from monai_vq.data import read_splits, write_splits
from monai_vq.engines import load_prior


@pytest.fixture(scope="module")
def sample(tiny_prior):
    """Runs bundles/sample.json as its command line would, and returns the samples' folder."""

    def run(output_dir, **settings):
        given = {
            "run_dir": str(tiny_prior),
            "output_dir": str(output_dir),
            "num_samples": 5,
            "device": "cpu",
            "judge": "false",
        }
        run_monai_bundle(config_file="bundles/sample.json", logging_file=False, **(given | settings))
        return output_dir

    return run


def test_samples_are_the_decoded_latents_with_a_table_of_what_they_are(sample, tiny_prior, tmp_path):
    folder = sample(tmp_path / "drawn", condition={"slice_position": [0.1, 0.9]}, batch_size=2)
    images, latents = np.load(folder / "samples.npy"), np.load(folder / "latents.npz")
    assert images.shape == (5, 1, 32, 32)
    assert images.dtype == np.float32
    run = load_prior(tiny_prior)
    codes, side = torch.from_numpy(latents["codes"]), torch.from_numpy(latents["side"])
    with torch.no_grad():
        decoded = run.network.decode_latent(codes, side).clamp(0, 1).numpy()
        positions = [{"slice_position": (0.1, 0.9)[i % 2]} for i in range(5)]
        bits = -run.prior.log_prob(codes, side, run.fields.encode(positions)).numpy()
    np.testing.assert_allclose(images, decoded, atol=1e-5)
    table = pd.read_csv(folder / "samples.csv")
    assert table["condition_slice_position"].tolist() == [0.1, 0.9, 0.1, 0.9, 0.1]
    np.testing.assert_allclose(table["bits_per_pixel"], bits / 32**2, rtol=1e-5)
    assert set(table["file"]) == {"samples.npy"}
    assert json.loads((folder / "config.json").read_text())["condition"] == {"slice_position": [0.1, 0.9]}
    assert (folder / "samples.png").is_file()


def test_equal_seeds_are_equal_to_the_bit_and_others_are_not(sample, tmp_path):
    first, again = (sample(tmp_path / name, output_format="nifti") for name in ("first", "again"))
    other = sample(tmp_path / "other", seed=1)
    names = sorted(path.name for path in first.glob("*"))
    assert [name for name in names if name.startswith("sample_")] == [f"sample_{i:04d}.nii.gz" for i in range(5)]
    for name in [*names[2:3], "samples.csv", "samples.png", *(f"sample_{i:04d}.nii.gz" for i in range(5))]:
        assert (first / name).read_bytes() == (again / name).read_bytes(), name
    codes = [np.load(folder / "latents.npz")["codes"] for folder in (first, other)]
    assert not np.array_equal(*codes)


def test_a_nifti_file_lies_as_the_slices_do(sample, tmp_path):
    folder = sample(tmp_path / "drawn", output_format="nifti", num_samples=1)
    image = nib.load(folder / "sample_0000.nii.gz")
    assert image.shape == (1, 32, 32)
    assert nib.aff2axcodes(image.affine) == ("S", "P", "L")
    assert image.header.get_zooms() == pytest.approx((1, 8, 8))  # the tiny dataset's pixels


def test_a_cold_draw_is_likelier(sample, tmp_path):
    cold, warm = (
        pd.read_csv(sample(tmp_path / str(k), top_k=k, num_samples=4) / "samples.csv")["bits_per_pixel"].mean()
        for k in (1, 8)
    )
    assert cold < warm


def test_samples_are_judged_beside_training_slices_and_held_out_patients(sample, tmp_path, capsys):
    folder = sample(tmp_path / "drawn", condition={"slice_position": 0.5}, judge="true")
    page = folder / "report/index.html"
    assert page.is_file()
    assert capsys.readouterr().out.splitlines()[-1] == f"report: {page}"
    text = page.read_text(encoding="utf-8")
    for row in ("prior checkpoint sha256", "stage 1 checkpoint sha256", "split sha256", "temperature", "top_k", "seed"):
        assert f"<th>{row}</th>" in text
    judged = pd.read_csv(folder / "report/samples.csv")
    assert judged["slice_position"].tolist() == [0.5] * 5
    assert judged["nearest_patient_id"].str.startswith("sub-P").all()


def test_a_dataset_of_another_split_cannot_judge(sample, tiny_dataset, tmp_path):
    other = shutil.copytree(tiny_dataset, tmp_path / "data")
    write_splits(other / "splits.json", replace(read_splits(other), seed=99))
    with pytest.raises(SystemExit, match="learned from another split"):
        sample(tmp_path / "drawn", judge="true", dataset_dir=str(other))
    with pytest.raises(SystemExit, match=r"--num_samples 1: judging needs at least 2; give --judge false"):
        sample(tmp_path / "drawn", judge="true", num_samples=1)
    assert not (tmp_path / "drawn").exists()


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"condition": {"slice_positoin": 0.5}}, ["slice_positoin is no condition", "did you mean slice_position"]),
        ({"condition": {"slice_position": ["first"]}}, ["slice_position 'first'", "expected a number"]),
        ({"num_sample": 3}, ["--num_sample", "did you mean --num_samples"]),
        ({"num_samples": 0}, ["--num_samples 0"]),
        ({"temperature": 0}, ["--temperature 0"]),
        ({"output_format": "png"}, ["--output_format 'png'", "npy, nifti"]),
        ({"run_dir": "nowhere"}, ["no run in nowhere", "train a prior first"]),
        ({"device": "gpu"}, ["--device 'gpu'"]),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is_written(sample, tmp_path, settings, parts):
    with pytest.raises(SystemExit) as stopped:
        sample(tmp_path / "drawn", **settings)
    message = stopped.value.code
    assert message.startswith("error: ")
    assert [part for part in parts if part not in message] == []
    assert not (tmp_path / "drawn").exists()


def test_guidance_needs_conditions(run_prior, tiny_stage1, sample, tmp_path):
    plain = run_prior("transformer", tiny_stage1, tmp_path / "plain", max_epochs=1)
    with pytest.raises(SystemExit, match=r"--guidance 2.0: .* was trained without conditions, so none can guide it"):
        sample(tmp_path / "drawn", run_dir=str(plain), guidance=2)
