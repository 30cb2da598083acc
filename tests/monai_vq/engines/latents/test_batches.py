import numpy as np
import torch
from monai.data import DataLoader, Dataset

from monai_vq.engines import PrepareLatents, latent_tensors
from monai_vq.engines.latents.files import StoredLatents
from monai_vq.priors import LatentAlphabet


def batch_of(alphabet, codes, side, columns=2):
    stored = StoredLatents.of(alphabet, codes, side)
    condition = np.arange(columns * len(codes), dtype=np.float32).reshape(len(codes), columns)
    items = [
        {"codes": stored.codes[i], "stored_side": stored.side[i], "condition": condition[i], "scan_id": f"scan {i}"}
        for i in range(len(codes))
    ]
    return next(iter(DataLoader(Dataset(items, latent_tensors), batch_size=len(codes))))


def test_gains_come_back_from_their_indices():
    alphabet = LatentAlphabet(8, num_gains=1, gain_bits=3)
    codes = torch.randint(0, 8, (3, 4, 5))
    side = alphabet.round(codes, torch.randn(3, 1, 4, 5))
    batch = batch_of(alphabet, codes, side)
    inputs, targets, (given, condition), more = PrepareLatents(alphabet)(batch, "cpu")
    assert torch.equal(inputs, codes)
    assert targets is inputs
    assert torch.equal(given, side)
    assert condition.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert more == {}
    assert batch["scan_id"] == ["scan 0", "scan 1", "scan 2"]


def test_vectors_come_as_they_are_and_no_condition_is_none():
    alphabet = LatentAlphabet(8, vector_size=6)
    codes, side = torch.randint(0, 8, (2, 4, 5)), torch.randn(2, 6, 4, 5)
    _, _, (given, condition), _ = PrepareLatents(alphabet)(batch_of(alphabet, codes, side, columns=0), "cpu")
    assert torch.equal(given, side)
    assert condition is None


def test_a_latent_of_codes_alone_has_an_empty_side():
    alphabet = LatentAlphabet(8)
    batch = batch_of(alphabet, torch.randint(0, 8, (2, 4, 5)), torch.zeros(2, 0, 4, 5))
    _, _, (side, _), _ = PrepareLatents(alphabet)(batch, "cpu")
    assert side.shape == (2, 0, 4, 5)
