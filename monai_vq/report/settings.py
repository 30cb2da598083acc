"""How every number of the report was computed, as values by name."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from monai_vq.metrics.bootstrap import (
    COVERAGE,
    FEW_PATIENTS,
    LEVEL,
    MANY_PATIENTS,
    MIN_BOOTSTRAP,
    MOST_STRETCHED,
    N_RESAMPLES,
)
from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.metrics.slice_scores import PSNR_CAP
from monai_vq.metrics.ssim import BORDER, DATA_RANGE, K1, K2, SIGMA, WINDOW
from monai_vq.report.groups import OLDEST

FORMULA = (
    "Wang et al. 2004, eq. 13; equals scikit-image's structural_similarity(gaussian_weights=True, sigma=1.5, "
    "use_sample_covariance=False, data_range=1)"
)


BASELINES = {  # by the start of their names, as `monai_vq.engines.scoring` makes them
    "mean training image": "the mean of all slices of the training split, the same for every slice",
    "blurred input": "the slice itself under a Gaussian filter, zero beyond the edge",
    "shifted input": "the slice itself moved by one pixel to the right (along its columns), its first column repeated: "
    "nothing is lost but the place, by less than anybody sees",
}


def metric_settings() -> dict[str, str]:
    """Every setting of the scores."""
    return {
        "SSIM": FORMULA,
        "window": f"Gaussian, {WINDOW} × {WINDOW} pixels, σ = {SIGMA:g}",
        "K1, K2": f"{K1:g}, {K2:g}",
        "data_range": f"{DATA_RANGE:g}, fixed by definition: each volume's intensity window is mapped to [0, 1] when "
        "the dataset is prepared, never estimated from a slice",
        "reconstruction": "clipped to [0, 1] before every score",
        "arithmetic": "float64, whatever the precision of training",
        "border": f"SSIM: mean over the pixels at least {BORDER} from the edge, whose window lies inside the image; "
        "the map itself is computed with the image mirrored at its edges (edge pixel repeated)",
        "foreground SSIM": "mean of the same map over the foreground mask of the prepared dataset, border included; "
        "slices without foreground have none",
        "channels": "scored one by one, then averaged",
        "PSNR": f"10 log10(1 / MSE) of each slice, then averaged; at most {PSNR_CAP:g} dB",
        "a patient's score": "mean over the patient's slices, of all sessions and scans",
        "a split's score": "mean over its patients, each with equal weight",
    }


def interval_settings() -> dict[str, str]:
    """Every setting of the intervals."""
    return {
        "interval": f"{LEVEL:.0%}, bootstrap-t over patients (Efron and Tibshirani 1993, sec. 12.5), neither end "
        f"farther from the mean than {MOST_STRETCHED:g} times Student's, none beyond the score's own range",
        "resamples": f"{N_RESAMPLES}, seed 0",
        "degenerate cases": "one patient: none; equal scores: the value itself",
        "coverage": f"in simulated cohorts of {MIN_BOOTSTRAP} to 100 patients, {COVERAGE} of the intervals held the "
        "true mean; where one patient in ten is an outlier of five standard deviations, 89 to 95%",
        "few patients": f"below {MIN_BOOTSTRAP} patients Student's interval, which skewed scores make too short; below "
        f"{FEW_PATIENTS} a caution is shown",
        "many patients": f"above {MANY_PATIENTS} patients, as where each image is one, Student's interval",
        "what it covers": "the choice of patients only, not the training's randomness: that needs several seeds",
    }


def baseline_settings(names: Sequence[str]) -> dict[str, str]:
    """What each baseline does, of those that are shown; none explains itself."""
    return {name: BASELINES[start] for name in names for start in BASELINES if name.startswith(start)}


def group_settings() -> dict[str, str]:
    """How patients are grouped."""
    return {
        "a group's score": "mean over its patients, of each the mean over the slices that belong to the group: a "
        "patient whose diagnosis, age band or session differs between scans is in several groups",
        "unknown": "where the dataset does not say; never counted as healthy",
        "age": f"at the scan, in decades; {OLDEST} and above together",
        "session": "numbered within the patient, in the order of the sessions' names",
    }


def rate_settings(latent: LatentFormat) -> dict[str, str]:
    """Every setting of the rate: what it counts, and what a latent is made of."""
    H, W = latent.image_size
    return {
        **(_bound_settings() if latent.is_bound else _latent_settings(latent)),
        "image H × W": f"{H} × {W}",
        "entropy bits per pixel": "log2 K replaced by the cross-entropy of the split's codes under the training "
        "patients' code histogram, one added to each count; on the training split itself it is optimistic",
        "codebook usage, perplexity": "share of codes that occur in the whole split; exp of the histogram's entropy",
    }


def _bound_settings() -> dict[str, str]:
    return {
        "bits per pixel": "a bound: KL(q(z | x) ‖ N(0, 1)) / ln 2 of each slice / (H·W), averaged as the scores are. "
        "Bits-back coding of a sampled z comes near it; no code is stored, and the scores are those of the mean of z",
        "codes": "none",
    }


def _latent_settings(latent: LatentFormat) -> dict[str, str]:
    (h, w), K = latent.latent_shape, latent.num_embeddings
    shares = ", ".join(f"{split} {share:.1%}" for split, share in latent.continuous.items())
    return {
        "bits per pixel": "the bits of all codes and side scalars of a slice's latent / (H·W), averaged as the scores "
        "are",
        "positions h × w": f"{h} × {w}",
        "codes": f"K = {K}, log2 K = {math.log2(K):.4g} bits a position" if K > 1 else "none, 0 bits",
        "side information": _side_words(latent),
        **({"continuous positions (M = 0)": shares} if shares else {}),
    }


def _side_words(latent: LatentFormat) -> str:
    if latent.side_scalars == 0:
        return "none, 0 bits"
    scalars, bits = latent.side_scalars, latent.scalar_bits
    words = f"{scalars:g} scalar{'' if scalars == 1 else 's'} of {bits:g} bits, {scalars * bits:g} bits a position"
    return f"{words} that stays continuous, none elsewhere" if latent.continuous else words


def settings_sections(settings: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Orders a run's settings for the page: each nested mapping is a section, plain values are the section "Run"."""
    plain = {name: str(value) for name, value in settings.items() if not isinstance(value, Mapping)}
    nested = {name: _flat(value) for name, value in settings.items() if isinstance(value, Mapping)}
    return ({"Run": plain} if plain else {}) | nested


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    rows: dict[str, str] = {}
    for name, value in settings.items():
        rows |= _flat(value, f"{prefix}{name}#") if isinstance(value, Mapping) else {f"{prefix}{name}": str(value)}
    return rows
