import numpy as np

from monai_vq.data import SliceStack


def hash_of(pixels: np.ndarray) -> str:
    return SliceStack(pixels, np.ones(pixels.shape[:3], bool), tuple(range(len(pixels))), "file").voxel_sha256()


def test_the_hash_is_of_pixels_shape_and_type():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert hash_of(pixels) == hash_of(pixels[:, ::-1][:, ::-1])
    others = [pixels[::-1], pixels.reshape(2, 4, 3), pixels.astype(np.uint16), pixels.reshape(1, 2, 4, 3)]
    assert len({hash_of(pixels), *map(hash_of, others)}) == 5
