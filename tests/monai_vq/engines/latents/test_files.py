import numpy as np
import pytest
import torch

from monai_vq.engines.latents.files import StoredLatents, read_alphabet, read_latents, write_alphabet, write_latents
from monai_vq.priors import LatentAlphabet


@pytest.fixture
def alphabet():
    alphabet = LatentAlphabet(8, num_gains=2, gain_bits=3)
    alphabet.gains.levels.copy_(torch.randn(2, 8).sort(dim=1).values)
    alphabet.has_side[3:] = False
    return alphabet


@pytest.fixture
def latents(alphabet):
    codes = torch.randint(0, 8, (5, 4, 6))
    return codes, alphabet.round(codes, torch.randn(5, 2, 4, 6))


def test_symbols_are_small_and_say_the_latent_again(alphabet, latents, tmp_path):
    stored = StoredLatents.of(alphabet, *latents)
    assert (stored.codes.dtype, stored.side.dtype) == (np.uint16, np.uint8)
    write_latents(tmp_path / "a/train.npz", stored, "key")
    read = read_latents(tmp_path / "a/train.npz", "key")
    codes = torch.from_numpy(read.codes.astype(np.int64))
    side = alphabet.decode(codes, torch.from_numpy(read.side).long())
    assert torch.equal(codes, latents[0])
    assert torch.equal(side, latents[1])


def test_vectors_are_kept_as_they_are_and_many_codes_have_wider_numbers():
    alphabet = LatentAlphabet(2**16 + 1, vector_size=3)
    codes, side = torch.full((1, 2, 2), 2**16), torch.randn(1, 3, 2, 2)
    stored = StoredLatents.of(alphabet, codes, side)
    assert int(stored.codes[0, 0, 0]) == 2**16
    assert np.array_equal(stored.side, side.numpy())


def test_an_alphabet_has_its_levels_and_its_table(alphabet, tmp_path):
    write_alphabet(tmp_path / "alphabet.pt", alphabet, "key")
    read = read_alphabet(tmp_path / "alphabet.pt", "key")
    first, second = alphabet.state_dict(), read.state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_what_was_made_from_something_else_or_is_damaged_counts_as_absent(alphabet, latents, tmp_path):
    path, letters = tmp_path / "train.npz", tmp_path / "alphabet.pt"
    assert read_latents(path, "key") is None
    assert read_alphabet(letters, "key") is None
    write_latents(path, StoredLatents.of(alphabet, *latents), "key")
    write_alphabet(letters, alphabet, "key")
    assert read_latents(path, "another") is None
    assert read_alphabet(letters, "another") is None
    for file in (path, letters):
        file.write_bytes(file.read_bytes()[:300])
    assert read_latents(path, "key") is None
    assert read_alphabet(letters, "key") is None


def test_a_kill_while_writing_leaves_what_was_there(alphabet, latents, tmp_path, monkeypatch):
    stored = StoredLatents.of(alphabet, *latents)
    write_latents(tmp_path / "train.npz", stored, "key")

    def half(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(KeyboardInterrupt):
        write_latents(tmp_path / "train.npz", stored, "other")
    assert read_latents(tmp_path / "train.npz", "key") is not None
    assert [path.name for path in tmp_path.iterdir()] == ["train.npz"]
