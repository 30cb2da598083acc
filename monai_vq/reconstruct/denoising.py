"""Does a model take noise away? Its reconstruction of noisy slices against the clean ones, beside what costs nothing.

x ── noise ──> x_noisy ──┬── model ────────────> reconstruction ┐
│                        ├─────────────────────> identity       ├── scored against x
│                        └── Gaussian filter ──> gaussian filter┘
└── the filter's best sigma: it alone sees the answer
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from monai_vq.atomic import atomic_path
from monai_vq.errors import InputError
from monai_vq.metrics.bootstrap import patient_interval
from monai_vq.metrics.slice_scores import slice_scores

__all__ = ["FILTERS", "IDENTITY", "IDS", "METHODS", "RECONSTRUCTION", "SCORES", "DenoisingScores", "DenoisingTables"]

IDS = ("split", "patient_id", "session_id", "scan_id", "slice_index")
SCORES = ("ssim", "ssim_foreground", "psnr", "mse", "mae")
LOWER_IS_BETTER = ("mse", "mae")
RECONSTRUCTION, IDENTITY = "reconstruction", "identity"
FILTERS = {"ssim": "gaussian filter, best SSIM", "psnr": "gaussian filter, best PSNR"}
"""A blur that is best for one score is not for another: the filter has its best case in both."""
METHODS = (RECONSTRUCTION, IDENTITY, *FILTERS.values())
SIGMAS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0)
"""Pixels; 0 is the identity, so that the filter is never worse. On heads at 2 mm, Rician noise of 0.3 chooses 0.8 by
SSIM and about 1.2 by PSNR."""


@dataclass(frozen=True)
class DenoisingTables:
    """Scores against the clean slices, a row a method and slice, scan, patient or split.

    Attributes:
        slices: `method, split, patient_id, session_id, scan_id, slice_index`, the scores, and `sigma` of a filter in
            pixels, chosen on these very slices, which is the filter's best case.
        scans: means over a scan's slices, with `n_slices`.
        patients: means over a patient's slices, with `n_slices`.
        summary: means over a split's patients: `split, method, sigma, n_patients, n_slices`, the scores with
            `<score>_low, <score>_high` (bootstrap over patients; none under two), and the gain over the baseline with
            the best mean, paired by patient: `<score>_gain, <score>_gain_low, <score>_gain_high`, positive where the
            method is better.
    """

    slices: pd.DataFrame
    scans: pd.DataFrame
    patients: pd.DataFrame
    summary: pd.DataFrame

    def write(self, folder: Path) -> list[Path]:
        """Writes denoising_{slices,scans,patients,summary}.csv, each whole or not at all; returns their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for level, table in vars(self).items():
            paths.append(folder / f"denoising_{level}.csv")
            with atomic_path(paths[-1]) as part:
                table.to_csv(part, index=False, float_format="%.9g", lineterminator="\n")
        return paths


class DenoisingScores:
    """Scores slices, a batch at a time, and makes tables of all scores; images are not kept.

    Args:
        rician_sigma: of Rician noise, whose power lifts the background; then the filter may take it off the filtered
            square, √max(G(m²) - 2σ², 0) (Gudbjartsson and Patz 1995), where that scores better. 0 for other noise.
    """

    def __init__(self, rician_sigma: float = 0.0) -> None:
        floors = (0.0, rician_sigma) if rician_sigma else (0.0,)
        self._filters = [(sigma, floor) for floor in floors for sigma in SIGMAS]
        self._ids: list[pd.DataFrame] = []
        self._scores: list[NDArray[np.float64]] = []  # [trials, N, scores]; a trial is the model or a filter

    def score(self, x: Tensor, x_noisy: Tensor, x_hat: Tensor, mask: Tensor) -> NDArray[np.float64]:
        """Scores a batch by every trial: the model, then each filter.

        Args:
            x: clean images [B, C, H, W] in [0, 1].
            x_noisy: the same with noise.
            x_hat: the model's reconstruction of x_noisy.
            mask: foreground of the clean images [B, 1, H, W], boolean.

        Returns:
            The scores `SCORES` of each trial and image, [trials, B, scores].

        Raises:
            InputError: `slice_scores` refuses the images.
        """
        trials = [x_hat, *(_filtered(x_noisy, *how) for how in self._filters)]
        scores = [slice_scores(x, trial.to(x.device), mask) for trial in trials]
        return np.stack([np.stack([s[name].cpu().numpy() for name in SCORES], axis=-1) for s in scores])

    def add(self, ids: Mapping[str, Sequence[object]], scores: NDArray[np.float64]) -> None:
        """Takes the scores of slices in.

        Args:
            ids: the columns `IDS`, each of N values; `split` is empty where there is none.
            scores: of `score`, [trials, N, scores].

        Raises:
            InputError: an id is missing.
        """
        missing = [name for name in IDS if name not in ids]
        if missing:
            raise InputError(f"ids of slices lack {missing}; give a sequence of N values for each of {list(IDS)}.")
        self._ids.append(pd.DataFrame({name: list(ids[name]) for name in IDS}))
        self._scores.append(scores)

    def tables(self) -> DenoisingTables:
        """Chooses each filter's sigma, split by split, and returns all tables.

        Raises:
            InputError: if there is no slice.
        """
        if not self._ids:
            raise InputError("no slice was scored; give at least one scan that can be read.")
        ids, scores = pd.concat(self._ids, ignore_index=True), np.concatenate(self._scores, axis=1)
        chosen = [
            (ids[rows], method, sigma, scores[trial, rows])
            for split in ids["split"].unique()
            for rows in [(ids["split"] == split).to_numpy()]
            for method, sigma, trial in self._choose(ids[rows], scores[:, rows])
        ]
        slices = pd.concat([_rows(*part) for part in chosen], ignore_index=True)
        patients = _means(slices, IDS[:2])
        return DenoisingTables(slices, _means(slices, IDS[:4]), patients, _summary(patients))

    def _choose(self, ids: pd.DataFrame, scores: NDArray[np.float64]) -> Iterator[tuple[str, float, int]]:
        """Each method with its sigma and the trial in `scores` [trials, N, scores] of one split."""
        yield RECONSTRUCTION, float("nan"), 0
        yield IDENTITY, float("nan"), 1 + self._filters.index((0.0, 0.0))
        patients = ids["patient_id"].to_numpy()
        for score, name in FILTERS.items():
            by_slice = pd.DataFrame(scores[1:, :, SCORES.index(score)].T)  # [N, filters]
            best = int(by_slice.groupby(patients).mean().mean().to_numpy().argmax())
            yield name, self._filters[best][0], 1 + best


def _filtered(x: Tensor, sigma: float, floor: float) -> Tensor:
    """X by a Gaussian filter of some pixels; with a floor, what is left of its square above that of Rician noise."""
    image = x.cpu().numpy().astype(np.float32)
    if floor:
        power = gaussian_filter(image**2, (0, 0, sigma, sigma)) - 2 * floor**2
        return torch.from_numpy(np.sqrt(np.maximum(power, 0)))
    return torch.from_numpy(gaussian_filter(image, (0, 0, sigma, sigma))) if sigma else x


def _rows(ids: pd.DataFrame, method: str, sigma: float, scores: NDArray[np.float64]) -> pd.DataFrame:
    table = ids.assign(**dict(zip(SCORES, scores.T, strict=True)), sigma=sigma)
    table.insert(0, "method", method)
    return table


def _means(slices: pd.DataFrame, ids: Sequence[str]) -> pd.DataFrame:
    groups = slices.groupby(["method", *ids], sort=False)
    return groups[[*SCORES, "sigma"]].mean().assign(n_slices=groups.size()).reset_index()


def _summary(patients: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for split, of_split in patients.groupby("split", sort=False):
        by_method = {name: of_split[of_split["method"] == name].set_index("patient_id") for name in METHODS}
        baselines = [by_method[name] for name in METHODS[1:]]
        for name, own in by_method.items():
            about = {"split": split, "method": name, "sigma": own["sigma"].iloc[0]}
            counts = {"n_patients": len(own), "n_slices": int(own["n_slices"].sum())}
            rows.append({**about, **counts, **_mean_columns(own), **_gain_columns(own, baselines)})
    return pd.DataFrame(rows)


def _mean_columns(own: pd.DataFrame) -> dict[str, float]:
    return {key: value for score in SCORES for key, value in _with_interval(score, own[score]).items()}


def _gain_columns(own: pd.DataFrame, others: Sequence[pd.DataFrame]) -> dict[str, float]:
    columns: dict[str, float] = {}
    for score in SCORES:
        sign = -1 if score in LOWER_IS_BETTER else 1
        best = max(others, key=lambda other: sign * other[score].mean())
        columns |= _with_interval(f"{score}_gain", sign * (own[score] - best[score]))
    return columns


def _with_interval(name: str, values: pd.Series) -> dict[str, float]:
    low, high = patient_interval(values)
    return {name: float(values.mean()), f"{name}_low": low, f"{name}_high": high}
