"""The foreground of slices that come without a volume: brains cut out of their heads, stored as 8-bit pictures."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["ALGORITHM", "slices_mask"]

ALGORITHM = "above-jpeg-noise-v1"  # written into provenance.json; a change of any constant below makes a new name
NOISE_SHARE = (
    0.1  # of the brightest; what JPEG of quality 50 or better leaves in the black beside an edge is mostly less
)
NOISE_LEVELS = (2, 8)  # grey levels of 255, the bounds of that: dark pictures have little noise, CSF is dark in bright
BRIGHT_PERCENTILE = 99.5  # of what is not black
OPENING = 3  # pixels; the ripples above the level are thinner, the thinnest gyri of a 1 mm image are not
SMALLEST_PART = 0.01  # of the largest; temporal poles and cerebellum may be apart from the brain in the slices at hand


def slices_mask(slices: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Separates the brain from the black around it ("above-jpeg-noise").

    1. Pixels above the noise of JPEG, for which a tenth of the stack's brightest grey is taken, but 2 to 8 levels.
    2. An opening in each slice by a square of 3 pixels removes the ripples of compression beside the brain's edge.
    3. Of the parts that hang together within and across neighbouring slices, those of less than 1 % of the largest
    are dropped. 4. Holes, such as dark ventricles, are filled slice by slice.

    The slices must be neighbours in their order, with the skull stripped; a whole head would keep its dark skull as
    a hole that is filled, and the noise of its air as foreground.

    Args:
        slices: grey values, uint8 [S, H, W]; 0 is black.

    Returns:
        The mask, [S, H, W]; empty in slices that have no foreground.
    """
    bright = (slices > _noise_level(slices)).view(np.uint8)
    size = (1, OPENING, OPENING)
    opened = ndimage.maximum_filter(
        ndimage.minimum_filter(bright, size, mode="constant"), size, mode="constant"
    )  # an opening; a box is separable, which binary_opening does not use
    parts, _ = ndimage.label(opened)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return _fill_slices((sizes >= max(1, SMALLEST_PART * sizes.max()))[parts])


def _noise_level(slices: NDArray[np.uint8]) -> float:
    counts = np.bincount(slices.ravel(), minlength=256)
    counts[0] = 0  # black, most of every slice
    below = np.cumsum(counts)
    brightest = np.searchsorted(below, BRIGHT_PERCENTILE / 100 * below[-1])
    return float(np.clip(NOISE_SHARE * brightest, *NOISE_LEVELS))


def _fill_slices(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fills what no path within the slice joins to its edge."""
    within_slice = np.zeros((3, 3, 3), bool)
    within_slice[1] = ndimage.generate_binary_structure(2, 1)
    gaps, _ = ndimage.label(~mask, within_slice)
    edges = (gaps[:, 0], gaps[:, -1], gaps[:, :, 0], gaps[:, :, -1])
    outside = np.zeros(gaps.max() + 1, bool)
    outside[np.concatenate([edge.ravel() for edge in edges])] = True
    outside[0] = False  # the mask itself
    filled: NDArray[np.bool_] = ~outside[gaps]
    return filled
