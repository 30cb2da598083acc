"""Methods compared on planted lesions: what each may choose is chosen on one set, what is reported is of the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from monai_vq.anomaly.lesions import Lesion
from monai_vq.anomaly.maps import smooth
from monai_vq.anomaly.scores import average_precision, best_dice, detection_scores, pixel_auroc
from monai_vq.errors import InputError
from monai_vq.metrics import patient_interval

__all__ = ["BASELINES", "METHODS", "SCORES", "ScanMaps", "Tuned", "lesion_table", "method_table", "scan_table", "tune"]

PRIOR_METHODS = ("likelihood", "restoration")
BASELINES = ("reconstruction error", "difference from median", "deviation from healthy")
METHODS = (*PRIOR_METHODS, *BASELINES)
SIGMAS = (0.0, 1.0, 2.0, 4.0)  # pixels; every method may choose one, so that none wins by being smooth
MAX_PIXELS = 2_000_000  # from which a threshold is chosen; twenty methods and smoothings hold 0.2 GB
SCORES = ("auroc", "average_precision", "dice", "best_dice")


@dataclass(frozen=True)
class ScanMaps:
    """The maps of a scan by every method.

    Attributes:
        patient_id, session_id, scan_id: whose they are.
        foreground: [S, H, W]; only there pixels count.
        labels: [S, H, W]; n in the pixels of the n-th lesion, 0 elsewhere.
        lesions: in their order.
        maps: by method, [S, H, W], higher where more abnormal.
    """

    patient_id: str
    session_id: str
    scan_id: str
    foreground: NDArray[np.bool_]
    labels: NDArray[np.uint8]
    lesions: tuple[Lesion, ...]
    maps: Mapping[str, NDArray[np.floating]]

    def values(self, method: str, sigma: float) -> NDArray[np.floating]:
        """A method's smoothed map in the foreground, [N]."""
        return smooth(torch.from_numpy(np.asarray(self.maps[method])), sigma).numpy()[self.foreground]

    @property
    def is_lesion(self) -> NDArray[np.bool_]:
        """Which pixels of the foreground are lesion, [N]."""
        return self.labels[self.foreground] > 0


@dataclass(frozen=True)
class Tuned:
    """What a method chose on the tuning lesions: a smoothing in pixels, and the threshold from which on it calls."""

    sigma: float
    threshold: float


def tune(scans: Iterable[ScanMaps], methods: Sequence[str] = METHODS) -> dict[str, Tuned]:
    """Chooses each method's smoothing, of the best mean average precision, then its threshold, of the best Dice.

    The precisions are of all pixels; the threshold is of every pixel, too, up to `MAX_PIXELS`, and of every second
    (fourth, ...) of each scan beyond, so that scans need not be in memory together.

    Args:
        scans: of validation patients, with lesions of the tuning set; read once.
        methods: that the scans have maps of.

    Raises:
        InputError: if there is no scan.
    """
    trials = {(method, sigma): _Trial() for method in methods for sigma in SIGMAS}
    for scan in scans:
        for (method, sigma), trial in trials.items():
            trial.add(scan.values(method, sigma), scan.is_lesion)
    if not all(trial.precisions for trial in trials.values()):
        raise InputError("no validation scan with lesions to choose thresholds on; prepare with more patients.")
    return {method: _choose({sigma: trials[method, sigma] for sigma in SIGMAS}) for method in methods}


class _Trial:
    """How well a method with one smoothing does on the scans so far, and a thinned record of their pixels."""

    def __init__(self) -> None:
        self.precisions: list[float] = []
        self.stride = 1  # every how many-th pixel of a scan is kept; the same for all, so that each counts by its size
        self.pixels: list[tuple[NDArray[np.floating], NDArray[np.bool_]]] = []

    def add(self, values: NDArray[np.floating], is_lesion: NDArray[np.bool_]) -> None:
        self.precisions.append(average_precision(values, is_lesion))
        self.pixels.append((values[:: self.stride].copy(), is_lesion[:: self.stride].copy()))
        while sum(len(kept) for kept, _ in self.pixels) > MAX_PIXELS:
            self.stride *= 2
            self.pixels = [(kept[::2].copy(), of_lesion[::2].copy()) for kept, of_lesion in self.pixels]

    def threshold(self) -> float:
        values, is_lesion = (np.concatenate(parts) for parts in zip(*self.pixels, strict=True))
        return best_dice(values, is_lesion)[1]


def _choose(trials: Mapping[float, _Trial]) -> Tuned:
    sigma = max(trials, key=lambda sigma: float(np.mean(trials[sigma].precisions)))
    return Tuned(sigma, trials[sigma].threshold())


def scan_table(scans: Sequence[ScanMaps], tuned: Mapping[str, Tuned]) -> pd.DataFrame:
    """Scores of each scan by each method.

    Returns:
        A row a method and scan: ``method, patient_id, session_id, scan_id``, the scores of ``detection_scores``,
        ``sigma, threshold, lesion_pixels, foreground_pixels``.
    """
    rows = []
    for method, choice in tuned.items():
        for scan in scans:
            is_lesion = scan.is_lesion
            scores = detection_scores(scan.values(method, choice.sigma), is_lesion, choice.threshold)
            ids = {"patient_id": scan.patient_id, "session_id": scan.session_id, "scan_id": scan.scan_id}
            pixels = {"lesion_pixels": int(is_lesion.sum()), "foreground_pixels": is_lesion.size}
            rows.append({"method": method, **ids, **vars(scores), **vars(choice), **pixels})
    return pd.DataFrame(rows)


def method_table(scans: pd.DataFrame) -> pd.DataFrame:
    """Means over patients of the scores of `scan_table`, with bootstrap intervals over patients.

    Returns:
        A row a method: the scores, ``<score>_low``, ``<score>_high``; and how much higher than the baseline with the
        highest mean: ``<score>_gain``, ``<score>_gain_low``, ``<score>_gain_high``, paired by patient.
    """
    patients = scans.groupby(["method", "patient_id"], sort=False)[list(SCORES)].mean()
    means = patients.groupby("method", sort=False).mean()
    rows = []
    for method in means.index:
        row: dict[str, object] = {"method": method, "n_patients": len(patients.loc[method])}
        for score in SCORES:
            own = patients.loc[method, score]
            best = str(means.loc[means.index.isin(BASELINES), score].idxmax())
            gain = own - patients.loc[best, score]
            row |= {score: own.mean(), f"{score}_gain": gain.mean()}
            for name, values, least in ((score, own, 0.0), (f"{score}_gain", gain, -1.0)):
                row[f"{name}_low"], row[f"{name}_high"] = patient_interval(values, limits=(least, 1.0))
        rows.append(row)
    return pd.DataFrame(rows)


def lesion_table(scans: Sequence[ScanMaps], tuned: Mapping[str, Tuned]) -> pd.DataFrame:
    """How well each lesion alone is told from the healthy pixels of its scan.

    Returns:
        A row a method and lesion: ``method, patient_id, scan_id, kind, strength, radius_mm``, ``pixels`` in the
        foreground, and ``auroc`` (NaN for a lesion without a pixel).
    """
    rows = []
    for method, choice in tuned.items():
        for scan in scans:
            values, labels = scan.values(method, choice.sigma), scan.labels[scan.foreground]
            for number, lesion in enumerate(scan.lesions, start=1):
                is_one = labels == number
                counted = is_one | (labels == 0)
                auroc = pixel_auroc(values[counted], is_one[counted]) if is_one.any() else float("nan")
                about = {"kind": lesion.kind, "strength": lesion.strength, "radius_mm": lesion.radius_mm}
                ids = {"patient_id": scan.patient_id, "scan_id": scan.scan_id}
                rows.append({"method": method, **ids, **about, "pixels": int(is_one.sum()), "auroc": auroc})
    return pd.DataFrame(rows)
