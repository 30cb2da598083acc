"""Bits that a prior needs for every slice of an epoch, and their means over patients, as an Ignite metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from ignite.engine import Engine
from ignite.exceptions import NotComputableError
from ignite.metrics import Metric
from torch import Tensor

from monai_vq.priors import LatentAlphabet, LatentBits

IDS = ("patient_id", "session_id", "scan_id", "slice_index")
COUNTS = ("code_bits", "gain_bits", "density_bits", "n_codes", "n_gains", "n_vectors", "n_pixels")
BITS = ("bits_per_code", "bits_per_gain", "bits_per_pixel", "density_per_vector")


class PriorBits(Metric):
    """Counts the bits of each slice of an engine's epoch; computes minus the mean over patients of bits per pixel.

    It is the log2 likelihood of a pixel, so the larger the better. To ``engine.state.metrics`` go means over patients:
    ``bits_per_code``; ``bits_per_gain``, of the gains that are stored; ``bits_per_pixel``, of codes and gains; and
    ``density_per_vector``, −log2 of the density of a frequency latent's vectors, which is no number of bits and in no
    total. What a latent does not have is NaN.

    Args:
        alphabet: says which codes carry gains or vectors.
        image_size: (H, W), the pixels of an image.

    Attributes:
        rows: the epoch's slices as a table: ids and ``COUNTS``.
    """

    def __init__(self, alphabet: LatentAlphabet, image_size: Sequence[int]) -> None:
        self.alphabet, self.num_pixels = alphabet, int(np.prod(image_size))
        self.rows = pd.DataFrame()
        super().__init__()

    def reset(self) -> None:
        """Starts an epoch; ``rows`` keeps the last one until the next ``compute``."""
        self._parts: list[tuple[dict[str, Any], dict[str, Tensor]]] = []

    def iteration_completed(self, engine: Engine) -> None:
        """Counts the batch that a MONAI engine has just scored: its images are codes, its prediction `LatentBits`."""
        output = engine.state.output
        self.update((engine.state.batch, output["image"], output["pred"]))

    def update(self, output: tuple[Mapping[str, Any], Tensor, LatentBits]) -> None:
        """Counts a batch: its items with ids, codes [B, h, w] and their bits."""
        batch, codes, bits = output
        counts = slice_counts(self.alphabet, codes, LatentBits(*(part.detach() for part in bits)), self.num_pixels)
        self._parts.append(({key: batch[key] for key in IDS}, counts))

    def compute(self) -> float:
        """Returns minus the mean over patients of bits per pixel.

        Raises:
            NotComputableError: if no slice was counted.
            FloatingPointError: if a slice's bits are not finite: the mean would be NaN, and NaN may become "best".
        """
        if not self._parts:
            raise NotComputableError("PriorBits has seen no slices in this epoch.")
        self.rows = pd.concat([_table(ids, counts) for ids, counts in self._parts], ignore_index=True)
        bad = self.rows[~np.isfinite(self.rows["code_bits"] + self.rows["gain_bits"])]
        if len(bad):
            raise FloatingPointError(
                f"bits are not finite on {len(bad)} of {len(self.rows)} slices, first slice "
                f"{bad['slice_index'].iloc[0]} of scan {bad['scan_id'].iloc[0]}: the prior's output is no number; "
                "train with a lower --learning_rate or --precision fp32."
            )
        return -self.patient_means()["bits_per_pixel"]

    def completed(self, engine: Engine, name: str) -> None:
        """Publishes the log2 likelihood under ``name`` and all means under their own names."""
        super().completed(engine, name)
        engine.state.metrics.update(self.patient_means())

    def patient_means(self) -> dict[str, float]:
        """Returns the mean over patients of each of their bits."""
        return {name: float(patient_bits(self.rows)[name].mean()) for name in BITS}


def slice_counts(alphabet: LatentAlphabet, codes: Tensor, bits: LatentBits, num_pixels: int) -> dict[str, Tensor]:
    """Returns ``COUNTS`` of each slice, [B] float64: bits, and of how many symbols, vectors and pixels they are.

    Args:
        alphabet: on the device of codes.
        codes: [B, h, w].
        bits: of these codes and their side.
        num_pixels: of an image.
    """
    sums = [part.double().flatten(1).sum(dim=1) for part in bits]
    carried = alphabet.has_side[codes].flatten(1).sum(dim=1).double()
    n_codes = codes.new_full((len(codes),), codes[0].numel()).double()
    vectors = carried if alphabet.vector_size else carried * 0
    counts = [*sums, n_codes, carried * alphabet.num_gains, vectors, n_codes * 0 + num_pixels]
    return dict(zip(COUNTS, counts, strict=True))


def patient_bits(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns ``BITS`` of each patient, by ``patient_id``, of a table with ``COUNTS``; NaN where there is no symbol."""
    total = rows.groupby("patient_id", sort=True)[list(COUNTS)].sum()
    return pd.DataFrame(
        {
            "bits_per_code": total["code_bits"] / total["n_codes"],
            "bits_per_gain": total["gain_bits"] / total["n_gains"].replace(0, np.nan),
            "bits_per_pixel": (total["code_bits"] + total["gain_bits"]) / total["n_pixels"],
            "density_per_vector": total["density_bits"] / total["n_vectors"].replace(0, np.nan),
        }
    )


def _table(ids: Mapping[str, Any], counts: Mapping[str, Tensor]) -> pd.DataFrame:
    columns = {key: np.asarray(value) for key, value in ids.items()}
    return pd.DataFrame(columns | {name: value.cpu().numpy() for name, value in counts.items()})
