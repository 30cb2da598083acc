"""Heads whose skin is in the volume, from which a face can be rebuilt and a person be known."""

__all__ = ["LARGEST_BRAIN_ML", "may_show_face"]

LARGEST_BRAIN_ML = 2200.0
"""Foreground of a stripped volume never reaches it: the largest skulls hold about 1,900 ml of brain and fluid."""


def may_show_face(mask_volume_ml: float) -> bool:
    """Whether a foreground is too large for a brain alone, so that a surface drawn from the volume may show a face.

    Whole heads are far above: the 46 of IXI, with necks, measure 3,342 to 5,663 ml. The volume says nothing of *what*
    lies outside the skull: a defaced head is counted among those that may show a face.

    Args:
        mask_volume_ml: volume of the foreground in the whole scan (see `foreground_mask`), ml.
    """
    return mask_volume_ml > LARGEST_BRAIN_ML
