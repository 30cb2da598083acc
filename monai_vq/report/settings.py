"""How every number of the report was computed, as values by name."""

from collections.abc import Mapping
from typing import Any

from monai_vq.metrics.bootstrap import FEW_PATIENTS, LEVEL, MANY_PATIENTS, N_RESAMPLES
from monai_vq.metrics.rate import LatentFormat
from monai_vq.metrics.slice_scores import PSNR_CAP
from monai_vq.metrics.ssim import BORDER, DATA_RANGE, K1, K2, SIGMA, WINDOW

FORMULA = (
    "Wang et al. 2004, eq. 13; equals scikit-image's structural_similarity(gaussian_weights=True, sigma=1.5, "
    "use_sample_covariance=False, data_range=1)"
)


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
        "interval": f"{LEVEL:.0%}, bootstrap over patients, bias-corrected and accelerated (BCa, Efron 1987)",
        "resamples": f"{N_RESAMPLES}, seed 0",
        "degenerate cases": "one patient: none; equal scores: the value itself; BCa undefined: percentile interval",
        "few patients": f"below {FEW_PATIENTS} patients the interval is too short and a caution is shown",
        "many patients": f"above {MANY_PATIENTS} patients, as where each image is one, the normal interval",
        "what it covers": "the choice of patients only, not the training's randomness: that needs several seeds",
    }


def rate_settings(latent: LatentFormat) -> dict[str, str]:
    """Every setting of the rate."""
    h, w = latent.latent_shape
    H, W = latent.image_size
    code = f"log2 {latent.num_embeddings}" if latent.num_embeddings > 1 else "0 (no codes)"
    return {
        "bits per pixel": f"h·w·(code bits + G · bits of a side channel) / (H·W) = {latent.bits_per_pixel:.4g}",
        "positions h × w": f"{h} × {w}",
        "image H × W": f"{H} × {W}",
        "code bits": code,
        "side channels G": f"{latent.side_channels}, {latent.gain_bits:g} bits each",
        "entropy bits per pixel": "the code bits replaced by the cross-entropy of the split's codes under the training "
        "patients' code histogram, one added to each count; on the training split itself it is optimistic",
        "codebook usage, perplexity": "share of codes that occur in the whole split; exp of the histogram's entropy",
    }


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
