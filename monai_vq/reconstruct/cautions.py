"""What a reader must know before believing a reconstruction."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from monai_vq.data.preparation import Preparation
from monai_vq.metrics.bootstrap import FEW_PATIENTS
from monai_vq.reconstruct.denoising import RECONSTRUCTION
from monai_vq.reconstruct.scan import ReconstructedScan
from monai_vq.reconstruct.training_scans import NEW, TrainingScans

__all__ = ["batch_cautions", "denoising_cautions", "scan_cautions"]

FAR_SPACING = 1.25  # times larger or smaller than any pixel of training
NOTABLE_CUT = 0.001  # of the foreground
_FACE = "face"
_SSIMS = {"ssim": "SSIM", "ssim_foreground": "SSIM in the foreground"}  # a dark background alone can win the first
_SEEN = {"train": "the model was trained on it", "val": "the model was chosen by it"}


def scan_cautions(
    scan: ReconstructedScan,
    split: str,
    preparation: Preparation | None,
    lowest_ssim: float | None,
    trained_spacing: Sequence[float] | None = None,
) -> list[str]:
    """What is odd about one scan, in a few words each.

    Args:
        scan: the scan.
        split: of the model's own dataset that has it, or `new`.
        preparation: of the model's training slices; None where that is not known.
        lowest_ssim: mean foreground SSIM of the worst patient in the model's own report; None where that is not known.
        trained_spacing: to which all slices of the training were brought, and so are the scan's; None for none.
    """
    cautions = [f"seen in training: {_SEEN[split]}"] if split in _SEEN else []
    if scan.cut_share > NOTABLE_CUT:
        cautions.append(f"the image size cuts off {scan.cut_share:.1%} of the foreground")
    if preparation is not None:
        cautions += [*([] if trained_spacing else _spacing(scan, preparation)), *_skull(scan, preparation)]
    mean = scan.scores["ssim_foreground"].mean()
    if lowest_ssim is not None and mean < lowest_ssim:
        cautions.append(
            f"foreground SSIM {mean:.3f}, below every patient of the model's own report ({lowest_ssim:.3f} or more): "
            "another contrast, scanner or field of view than in training?"
        )
    return cautions


def _spacing(scan: ReconstructedScan, preparation: Preparation) -> list[str]:
    fit = scan.latent.fit
    row, column = fit.spacing or fit.slice_spacing
    if not min(*preparation.row_mm, *preparation.column_mm) > 0:
        return []
    far = any(
        not low / FAR_SPACING <= mm <= high * FAR_SPACING
        for mm, (low, high) in zip((row, column), _extents(preparation), strict=True)
    )
    if not far:
        return []
    training = " x ".join(f"{low:g}" if low == high else f"{low:g}-{high:g}" for low, high in _extents(preparation))
    middle = ", ".join(f"{(low + high) / 2:g}" for low, high in _extents(preparation))
    return [f"pixels of {row:g} x {column:g} mm, in training {training} mm: give --spacing '[{middle}]'"]


def _extents(preparation: Preparation) -> tuple[tuple[float, float], tuple[float, float]]:
    return preparation.row_mm, preparation.column_mm


def _skull(scan: ReconstructedScan, preparation: Preparation) -> list[str]:
    whole = any(_FACE in warning for warning in scan.warnings)
    if whole and preparation.whole_heads == 0:
        return ["a whole head, the model learned from brains without skulls"]
    if not whole and preparation.whole_heads == 1:
        return ["a brain without its skull or less than a head, the model learned from whole heads"]
    return []


def batch_cautions(patients: pd.DataFrame, training: TrainingScans, unknown_patients: int, noise: str) -> list[str]:
    """Sentences for the top of the page.

    Args:
        patients: of `ScoredSlices`.
        training: of the model.
        unknown_patients: scans of which nothing says whose they are.
        noise: that was added; empty for none.
    """
    cautions = [
        "A reconstruction is what a model makes of a scan: detail may be lost or invented. It is no basis for a "
        "diagnosis."
    ]
    if not training.is_known:
        cautions.append(
            "The dataset that the model was trained on is not at hand, so nobody can say whether it has seen these "
            "scans; give --dataset_dir to have them compared."
        )
    seen = [(name, int((patients["split"] == name).sum())) for name in _SEEN]
    if any(number for _, number in seen):
        which = ", ".join(f"{number} in {name}" for name, number in seen if number)
        cautions.append(f"The model has seen some of these patients ({which}): their scores flatter it.")
    if training.is_known and (patients["split"] == NEW).any():
        cautions.append(
            "New scans were compared with the model's own by the bytes of their files and by patient id: a converted "
            "copy under another id would count as new."
        )
    if len(patients) < FEW_PATIENTS:
        cautions.append(f"Only {len(patients)} patient(s): their mean says little about others.")
    if unknown_patients:
        cautions.append(
            f"Of {unknown_patients} scan(s) nothing says whose they are; each counts as a patient of its own. "
            "Give --patient_regex to change that."
        )
    if noise:
        cautions.append(f"Noise ({noise}) was added to what the model was given; scores are against the clean slices.")
    return cautions


def denoising_cautions(summary: pd.DataFrame | None) -> list[str]:
    """A sentence where noise is taken away better by what knows nothing of heads.

    Args:
        summary: of `DenoisingTables`; None without noise.
    """
    if summary is None:
        return []
    gains = summary[summary["method"] == RECONSTRUCTION]
    lost = [name for score, name in _SSIMS.items() if (gains[f"{score}_gain"] <= 0).any()]
    if not lost:
        return []
    scores = " and ".join(lost)
    return [f"A Gaussian filter, or the noisy slices as they are, score better than the reconstruction ({scores})."]
