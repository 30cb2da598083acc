"""The latents of a run's slices on disk: written once, read again only by the run that they belong to."""

from __future__ import annotations

import copy
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from monai_vq.atomic import atomic_path
from monai_vq.priors import LatentAlphabet

ALPHABET = "alphabet.pt"
ENCODED_AT_ONCE = 256  # slices: an index has eight bytes before it has one


@dataclass(frozen=True)
class StoredLatents:
    """Latents of a split's slices as symbols.

    Attributes:
        codes: uint16 [N, h, w], int32 where K is larger than 65,536.
        side: index of each gain's level, uint8 [N, G, h, w]; of a frequency latent the vectors, float32 [N, D, h, w].
    """

    codes: NDArray[np.integer]
    side: NDArray[np.generic]

    @classmethod
    def of(cls, alphabet: LatentAlphabet, codes: torch.Tensor, side: torch.Tensor) -> StoredLatents:
        """Returns the symbols of codes [N, h, w] and side [N, G, h, w] on the CPU."""
        alphabet = copy.deepcopy(alphabet).cpu()  # a prior on a GPU may hold this one
        small = np.uint16 if alphabet.num_embeddings <= 2**16 else np.int32
        if alphabet.vector_size:
            return cls(codes.numpy().astype(small), side.numpy())
        parts = zip(codes.split(ENCODED_AT_ONCE), side.split(ENCODED_AT_ONCE), strict=True)
        levels = [alphabet.encode(*part).numpy().astype(np.uint8) for part in parts]
        return cls(codes.numpy().astype(small), np.concatenate(levels))


def write_latents(path: Path, latents: StoredLatents, key: str) -> None:
    """Writes a split's latents with the key of what they were made from, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez(file, codes=latents.codes, side=latents.side, key=np.array(key))


def read_latents(path: Path, key: str) -> StoredLatents | None:
    """Reads a split's latents; None where there are none, or they were made from something else than the key says."""
    try:
        with np.load(path) as stored:
            return StoredLatents(stored["codes"], stored["side"]) if str(stored["key"]) == key else None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):  # absent or damaged: they are made again
        return None


def write_alphabet(path: Path, alphabet: LatentAlphabet, key: str) -> None:
    """Writes the alphabet, whose levels may have been fitted to the training patients' gains."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as part:
        torch.save({"key": key, "arguments": alphabet_arguments(alphabet), "state": alphabet.state_dict()}, part)


def read_alphabet(path: Path, key: str) -> LatentAlphabet | None:
    """Reads an alphabet; None where there is none, or it was made from something else than the key says."""
    try:
        stored = torch.load(path, weights_only=True)
        if stored["key"] != key:
            return None
        alphabet = LatentAlphabet(**stored["arguments"])
        alphabet.load_state_dict(stored["state"])
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError):
        return None
    return alphabet


def alphabet_arguments(alphabet: LatentAlphabet) -> dict[str, int | None]:
    """Returns what makes an alphabet of these sizes; its levels are in its state."""
    return {
        "num_embeddings": alphabet.num_embeddings,
        "num_gains": alphabet.num_gains,
        "gain_bits": alphabet.gain_bits,
        "vector_size": alphabet.vector_size,
    }
