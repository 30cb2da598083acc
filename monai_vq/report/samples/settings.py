"""How the numbers about samples were computed, as values by name."""

from monai_vq.metrics.degraded import BLUR, PATCHES
from monai_vq.metrics.distance_table import MAX_REFERENCE, REPEATS
from monai_vq.metrics.diversity import POSITION_TOLERANCE
from monai_vq.metrics.memorisation import BAND, LONGER_SIDE, MAX_SHIFT, PERCENTILE, SIGNIFICANT
from monai_vq.metrics.sample_features import BRIGHTNESS_GRID, DETAIL_GRID, FAINT
from monai_vq.report.samples.groups import MIN_GROUP
from monai_vq.report.samples.scores import MAX_REFERENCE as MAX_HELDOUT
from monai_vq.report.samples.scores import SampleScores

__all__ = ["sample_settings"]


def sample_settings(scores: SampleScores) -> dict[str, dict[str, str]]:
    """Every setting of the scores, by section."""
    return {
        "Distances": _distance_settings(scores),
        "Memorisation": _memorisation_settings(),
        "Diversity": _diversity_settings(scores),
    }


def _distance_settings(scores: SampleScores) -> dict[str, str]:
    number = len(scores.features.components)
    return {
        "features": f"brightness of {BRIGHTNESS_GRID} × {BRIGHTNESS_GRID} cells and log10(energy + {FAINT:g}²) of the "
        f"Haar details of every octave in {DETAIL_GRID} × {DETAIL_GRID} cells, {len(scores.features.mean)} numbers an "
        "image; no network, nothing downloaded",
        "reduction": f"standardised, then the first {number} principal components, both by the training slices: "
        f"{scores.features.explained:.1%} of their variance",
        "Fréchet distance": "‖μa − μb‖² + tr(Σa + Σb − 2 (Σa Σb)^½) of these features (Heusel et al. 2017); its bias "
        "falls with the number of images, hence equal numbers in every row. It is not the FID of Inception features",
        "MMD": "squared, unbiased, kernel −‖x − y‖ / √d, the energy distance (Sejdinovic et al. 2013); about 0, "
        "also below, for equal distributions",
        "draws": f"{REPEATS} random halves of the training slices, at most {MAX_REFERENCE} of one half as reference; "
        "± is the standard deviation over the draws, not over patients",
        "blurred, shuffled": f"Gaussian, σ = {BLUR:.1%} of the longer side; {PATCHES} × {PATCHES} patches shuffled",
        "groups": f"with at least {MIN_GROUP} samples and {2 * MIN_GROUP} training slices",
    }


def _memorisation_settings() -> dict[str, str]:
    return {
        "similarity": f"correlation of differences of Gaussians (σ = {BAND[0]:g} and {BAND[1]:g}) of images reduced "
        f"to at most {LONGER_SIDE} pixels a side, the highest over shifts by up to {MAX_SHIFT} of these pixels",
        "test": "one-sided, Mann–Whitney with each held-out patient as one observation (the mean share of wins over "
        f"its slices, under the largest variance that it can have); called memorisation below p = {SIGNIFICANT:g}",
        "threshold": f"{PERCENTILE}th percentile of the held-out slices' similarities, each patient with equal weight",
        "held-out slices": f"those that the distances are taken of, at most {MAX_HELDOUT} drawn at random",
        "copy": "a sample that is more than half way from the closest held-out slice to a similarity of 1",
        "what it cannot see": "copies of a part of a slice; and samples that are far from all real slices are no "
        "copies, whatever else they are: read it beside the distances",
    }


def _diversity_settings(scores: SampleScores) -> dict[str, str]:
    place = (
        f"at slice positions at most {POSITION_TOLERANCE:g} apart (0 first, 1 last slice of a scan)"
        if scores.positions.is_matched
        else "at any slice position, as the samples were not drawn for one"
    )
    return {
        "MS-SSIM": f"Wang et al. 2003 as MONAI computes it, {scores.sample_diversity.num_scales} scales, the weights "
        "scaled to a sum of 1; window 11 × 11, σ = 1.5, data_range 1",
        "pairs": f"random; of real slices, of different patients; {place}",
    }
