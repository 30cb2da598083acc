import numpy as np
import pytest

from monai_vq.data import VolumeError
from monai_vq.data.dicom import read_header, read_series

N_FLIPS = 200


@pytest.fixture
def files(slices, save):
    for dataset in slices:
        dataset.RescaleSlope, dataset.RescaleIntercept = "1.5", "-7"
    return save(slices)


def outcome(files, truth):
    """`refused`, `harmless` (voxels and affine are the true ones), or what is silently wrong."""
    try:
        volume = read_series(files)
    except VolumeError:
        return "refused"
    if not np.array_equal(volume.array, truth.array):
        return "voxels"
    return "harmless" if np.allclose(volume.affine, truth.affine, atol=0.01) else "affine"


@pytest.mark.parametrize("place", [0, 4, 9])
def test_a_flipped_bit_of_a_header_is_refused_or_harmless(files, place):
    truth = read_series(files)
    path = files[place]
    content, end = path.read_bytes(), read_header(path).pixels.offset
    rng = np.random.default_rng(place)
    outcomes = []
    for _ in range(N_FLIPS):
        flipped = bytearray(content)
        flipped[rng.integers(end)] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        outcomes.append(outcome(files, truth))
    assert set(outcomes) <= {"refused", "harmless"}
    assert outcomes.count("refused") > N_FLIPS / 10


def test_flipped_pixels_change_that_pixel_alone(files):
    """DICOM has no checksum: such a flip cannot be found, only kept where it is."""
    truth = read_series(files)
    path = files[4]
    content, start = path.read_bytes(), read_header(path).pixels.offset
    for position in range(start, len(content), 7):
        flipped = bytearray(content)
        flipped[position] ^= 1
        path.write_bytes(flipped)
        row, column = divmod((position - start) // 2, 8)
        differing = np.argwhere(read_series(files).array != truth.array)
        assert differing.tolist() == [[column, row, 4]]


def test_a_cut_anywhere_is_refused(files):
    path = files[0]
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    for length in [*rng.integers(0, len(content), N_FLIPS), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(VolumeError):
            read_series(files)
