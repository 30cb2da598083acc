from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from monai_vq.engines.load_run import load_run
from monai_vq.study.latents import Latent, _codewords, read_latents
from monai_vq.study.peers import MonaiQuantizer, PytorchVectorQuantizer
from monai_vq.study.results import Results, read_run

POSITIONS = 4 * 8 * 8  # test slices, and the latent's grid


@pytest.fixture
def latents(study_dir: Path, make_run) -> list[Latent]:
    runs = [replace(make_run(variant), output_dir=study_dir) for variant in ("vq_ema", "projected")]
    return read_latents(Results([read_run(run) for run in runs], [], [], "vq_ema"))


def test_every_variant_shows_the_same_slices(latents):
    shown = [[(p.rank, p.patient_id, p.scan_id, p.slice_index) for p in latent.pictures] for latent in latents]
    assert shown[0] == shown[1]
    assert [picture[0] for picture in shown[0]] == ["only"]
    assert np.array_equal(latents[0].pictures[0].x, latents[1].pictures[0].x)


def test_the_slice_has_the_median_ssim_of_the_reference(latents, study_dir):
    rows = pd.read_csv(study_dir / "runs/vq_ema-seed0/report/ssim_slices.csv")
    rows = rows[rows["split"] == "test"].sort_values("ssim")
    assert latents[0].pictures[0].slice_index == rows["slice_index"].iloc[(len(rows) - 1) // 2]


def test_reconstructions_are_the_networks(latents, study_dir):
    for latent in latents:
        network = load_run(study_dir / f"runs/{latent.group}-seed0")
        (picture,) = latent.pictures
        with torch.no_grad():
            x_hat = network(torch.from_numpy(picture.x)[None, None]).x_hat.clamp(0, 1)
        np.testing.assert_allclose(picture.x_hat, x_hat[0, 0], atol=1e-6)


def test_codes_and_gains_are_of_all_test_slices(latents):
    vq, projected = latents
    assert vq.gains is None
    assert projected.gains.shape == (POSITIONS,)
    for latent in latents:
        assert latent.code_counts.sum() == POSITIONS
        assert latent.codewords.shape == (8, 8)


@pytest.mark.parametrize("kind", [MonaiQuantizer, PytorchVectorQuantizer])
def test_a_peers_codewords_are_what_it_embeds(kind):
    network = torch.nn.Module()
    network.quantizer = kind(16, 8).eval()
    network.num_embeddings, network.weight = 16, torch.nn.Parameter(torch.zeros(1))
    codes = torch.randint(16, (2, 3, 4))
    z_q = network.quantizer.embed(codes, torch.zeros(2, 0, 3, 4))
    np.testing.assert_array_equal(_codewords(network)[codes.numpy()], z_q.movedim(1, -1).numpy())
