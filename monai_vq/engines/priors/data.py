"""What a prior learns from: latents of the training patients, extracted once, and what is known of each slice."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from monai_vq.atomic import atomic_path
from monai_vq.data import read_manifest, read_splits, slice_items
from monai_vq.data.condition_rows import condition_rows
from monai_vq.engines.latents.extraction import extract_latents, rounding_scores, slice_loader
from monai_vq.engines.latents.files import (
    ALPHABET,
    StoredLatents,
    alphabet_arguments,
    read_alphabet,
    read_latents,
    write_alphabet,
    write_latents,
)
from monai_vq.engines.latents.stage1 import Stage1, on_device
from monai_vq.engines.priors.condition_fields import encode_known, learn_fields
from monai_vq.engines.run_folder import data_origin
from monai_vq.priors import ConditionFields, LatentAlphabet, Prior

logger = logging.getLogger(__name__)
IDS = ("patient_id", "session_id", "scan_id", "slice_index")
FITTED_POSITIONS = 2**20  # enough for levels; all positions of a large dataset would take minutes and gigabytes
ROUNDING = "gain_rounding.csv"


class PriorData:
    """The latents of a dataset under a stage-1 run, cached in the prior's run folder, and their conditions.

    ::

        train slices ──stage 1──► codes, side ──► levels of the gains ──► alphabet.pt
                                       └──► symbols ──► train.npz          val.npz, test.npz: in these levels

    The alphabet's levels and the conditions' classes, means and deviations come from the training patients alone. A
    cache that another checkpoint, split, preparation of the slices or number of bits made is made again.

    Args:
        stage1: whose latents they are.
        dataset_dir: with the split of stage 1.
        folder: of the cache, made if absent.
        conditions: columns of the manifest, or ``slice_position``.
        gain_bits: bits for gains that stage 1 does not round.
        batch_size: slices that stage 1 encodes at a time.
        num_workers: processes that load images.
        device: where stage 1 runs.
    """

    def __init__(
        self,
        stage1: Stage1,
        dataset_dir: str,
        folder: str | Path,
        conditions: Sequence[str] = (),
        gain_bits: int | None = None,
        batch_size: int = 16,
        num_workers: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.stage1, self.dataset_dir, self.folder = stage1, dataset_dir, Path(folder)
        self.conditions, self.gain_bits, self.device = list(conditions), gain_bits, device
        self.batch_size, self.num_workers = batch_size, num_workers
        self._stored: dict[str, StoredLatents] = {}

    @cached_property
    def fields(self) -> ConditionFields:
        """The conditions, as the training patients have them.

        Raises:
            InputError: if the manifest lacks one, or it has less than two known values.
        """
        return learn_fields(self.dataset_dir, self.conditions)

    @cached_property
    def alphabet(self) -> LatentAlphabet:
        """What the latents are written in; where stage 1 does not round its gains, with levels fitted to them."""
        return read_alphabet(self.folder / ALPHABET, self._key) or self._fit_alphabet()

    @property
    def grid_size(self) -> tuple[int, int]:
        """(h, w) of a latent."""
        return self.stage1.grid_size

    def start(self, prior: Prior) -> Prior:
        """Returns an untrained prior that begins with the symbols' frequencies in the training patients' latents."""
        stored = self.latents("train")
        gains = stored.side if self.alphabet.num_gains else stored.side[:, :0]
        prior.start_at_frequencies(torch.from_numpy(stored.codes.astype(np.int64)), torch.from_numpy(gains).long())
        return prior

    def record(self) -> dict[str, Any]:
        """Returns what a prior's checkpoint says of where it comes from, and what it takes to make it again."""
        return data_origin(self.dataset_dir) | {
            "stage1_sha256": self.stage1.checkpoint_sha256,
            "alphabet": alphabet_arguments(self.alphabet),
            "fields": self.fields.to_dict(),
            "grid_size": list(self.grid_size),
        }

    def items(self, split: str) -> list[dict[str, Any]]:
        """Lists the slices of a split for MONAI's ``Dataset`` with `latent_tensors`.

        Returns:
            A dict a slice: ``codes`` [h, w] and ``stored_side`` [G, h, w] as in `StoredLatents`, ``condition`` [C], and
            the slice's ids.
        """
        latents = self.latents(split)
        condition = encode_known(self.fields, condition_rows(self.dataset_dir, split)).numpy()
        return [
            {key: item[key] for key in IDS}
            | {"codes": latents.codes[i], "stored_side": latents.side[i], "condition": condition[i]}
            for i, item in enumerate(slice_items(self.dataset_dir, split))
        ]

    def shown_conditions(self, split: str, number: int = 8) -> Tensor | None:
        """Returns the conditions [N, C] of a few slices of a split, evenly over it; None without conditions."""
        if not self.fields.fields:
            return None
        known = encode_known(self.fields, condition_rows(self.dataset_dir, split))
        return known[torch.linspace(0, len(known) - 1, min(number, len(known))).long()]

    def latents(self, split: str) -> StoredLatents:
        """Returns the latents of a split: from memory, from the cache, or from stage 1."""
        alphabet = self.alphabet  # first: making it makes the training patients' latents
        if split not in self._stored:
            stored = read_latents(self.folder / f"{split}.npz", self._key)
            self._stored[split] = stored or self._store(split, alphabet, *self._extract(split))
        return self._stored[split]

    @cached_property
    def _key(self) -> str:
        """Hash of all that these latents depend on; slices that were prepared anew have the same split."""
        stage1, splits = self.stage1, read_splits(self.dataset_dir)
        slices = [record.slices_sha256 for record in read_manifest(self.dataset_dir)]
        made_from = [stage1.checkpoint_sha256, splits.sha256, slices, stage1.image_size, stage1.spacing]
        return hashlib.sha256(json.dumps([*made_from, self.gain_bits]).encode()).hexdigest()

    def _extract(self, split: str) -> tuple[Tensor, Tensor]:
        loader = slice_loader(self.stage1, self.dataset_dir, split, self.batch_size, self.num_workers)
        codes, side = extract_latents(self.stage1, loader, self.device, f"latents of {split}")
        logger.info(f"latents of {split}: {len(codes)} slices of {codes.shape[1]} x {codes.shape[2]} codes")
        return codes, side

    def _fit_alphabet(self) -> LatentAlphabet:
        codes, side = self._extract("train")
        quantizer = on_device(self.stage1, "cpu").quantizer
        every = -(-codes.numel() // FITTED_POSITIONS)  # slices of all patients, evenly
        alphabet = LatentAlphabet.of(quantizer, self.gain_bits, (codes[::every], side[::every]))
        write_alphabet(self.folder / ALPHABET, alphabet, self._key)
        self._stored["train"] = self._store("train", alphabet, codes, side)
        if alphabet.num_gains and self.stage1.gain_bits is None:
            self._measure_rounding(alphabet)
        return alphabet

    def _store(self, split: str, alphabet: LatentAlphabet, codes: Tensor, side: Tensor) -> StoredLatents:
        stored = StoredLatents.of(alphabet, codes, side)
        write_latents(self.folder / f"{split}.npz", stored, self._key)
        return stored

    def _measure_rounding(self, alphabet: LatentAlphabet) -> None:
        """Writes and tells what levels that stage 1 was not trained with cost on the validation patients."""
        loader = slice_loader(self.stage1, self.dataset_dir, "val", self.batch_size, self.num_workers)
        rounding = copy.deepcopy(alphabet).to(self.device).round
        table = rounding_scores(on_device(self.stage1, self.device), loader, rounding, self.device)
        with atomic_path(self.folder / ROUNDING) as part:
            table.to_csv(part, index=False)
        before, after = table.to_dict("records")
        logger.info(
            f"gains rounded to {alphabet.gain_bits} bits: validation SSIM {before['ssim']:.4f} → {after['ssim']:.4f}, "
            f"MSE {before['mse']:.5f} → {after['mse']:.5f}"
        )
