"""Back from the image size of training to a slice's own size."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from monai_vq.transforms.fit_image import margins


def unfit_image(image: Tensor, size: Sequence[int]) -> Tensor:
    """Undoes ``fit_image``: an image [C, *image_size] as [C, *size], each pixel where it came from.

    Args:
        image: as ``fit_image(original, image_size)`` made it.
        size: (rows, columns) of the original; what had been cropped of it is 0.
    """
    rows, columns = (margins(n, fitted) for n, fitted in zip(size, image.shape[-2:], strict=True))
    return F.pad(image, [-margin for margin in (*columns, *rows)])
