import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.sources.ad_nc_slices import read_slices
from monai_vq.data import VolumeError, files_sha256

ROWS, COLUMNS = 60, 64
GRID = np.moveaxis(np.indices((ROWS, COLUMNS)), 0, -1)
BRAIN = np.where(np.linalg.norm((GRID - (28, 30)) / (18, 22), axis=-1) < 1, 150, 0).astype(np.uint8)
BRAIN[14:20, 24:30] = 240  # in front, at the left of the picture


def write_jpeg(path: Path, pixels: np.ndarray, **options) -> Path:
    Image.fromarray(pixels).save(path, "JPEG", quality=95, **options)
    return path


@pytest.fixture
def files(tmp_path):
    pictures = [BRAIN, np.roll(BRAIN, 1, axis=0), np.roll(BRAIN, 2, axis=0)]
    return tuple(
        write_jpeg(tmp_path / f"1_{number}.jpeg", one) for number, one in zip((99, 100, 101), pictures, strict=True)
    )


def test_pixels_keep_their_place(files):
    stack = read_slices(files)
    assert (stack.slices.dtype, stack.slices.shape) == (np.uint8, (3, ROWS, COLUMNS))
    assert np.abs(stack.slices[0].astype(int) - BRAIN).max() < 40  # what JPEG does to edges
    assert stack.slices[0, 17, 27] > 220
    assert stack.slices[0, 17, COLUMNS - 1 - 27] < 180
    assert stack.slice_indices == (99, 100, 101)
    assert stack.sha256 == files_sha256(files)
    assert stack.plane == ""  # the download does not say
    truth = BRAIN > 0
    assert (stack.mask[0] & truth).sum() / (stack.mask[0] | truth).sum() > 0.97


def test_black_slices_are_left_out(files, tmp_path):
    black = write_jpeg(tmp_path / "1_102.jpeg", np.zeros_like(BRAIN))
    assert read_slices((*files, black)).slice_indices == (99, 100, 101)
    with pytest.raises(VolumeError, match="none of 1 slices shows a brain"):
        read_slices((black,))


def test_grey_stored_as_colour_is_the_same(files, tmp_path):
    grey = read_slices(files[:1])
    colour = write_jpeg(tmp_path / "2_99.jpeg", np.stack([BRAIN] * 3, axis=-1))
    np.testing.assert_array_equal(read_slices((colour,)).mask, grey.mask)
    tinted = write_jpeg(tmp_path / "3_99.jpeg", np.stack([BRAIN, BRAIN // 2, BRAIN], axis=-1))
    with pytest.raises(VolumeError, match=r"3_99\.jpeg is in colour, expected grey"):
        read_slices((tinted,))


def test_slices_of_other_sizes_are_refused(files, tmp_path):
    other = write_jpeg(tmp_path / "1_103.jpeg", BRAIN[:, :-1])
    with pytest.raises(VolumeError, match=r"1_103\.jpeg has 63 x 60 pixels, 1_99\.jpeg 64 x 60"):
        read_slices((*files, other))


@pytest.mark.parametrize("kept", [0, 100, 0.5, -3])
def test_files_that_are_cut_off_are_refused(files, kept):
    content = files[1].read_bytes()
    files[1].write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(VolumeError, match=r"1_100\.jpeg"):
        read_slices(files)


def test_another_format_is_refused(files):
    buffer = io.BytesIO()
    Image.fromarray(BRAIN).save(buffer, "TIFF")
    files[2].write_bytes(buffer.getvalue())
    with pytest.raises(VolumeError, match=r"1_101\.jpeg is no PNG or JPEG"):
        read_slices(files)
