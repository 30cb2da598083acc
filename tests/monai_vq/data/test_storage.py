import errno
import gc
import os
import tempfile

import numpy as np
import pytest

from monai_vq.data import storage
from monai_vq.data.storage import MEMORY, Disk, blocks, largest_stride_first


@pytest.fixture(params=["memory", "disk"])
def place(request, tmp_path):
    return MEMORY if request.param == "memory" else Disk(tmp_path / "new")


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", [np.float32, np.uint16, bool])
def test_arrays_keep_what_is_written_to_them(place, order, dtype):
    written = np.random.default_rng(0).integers(0, 2, (3, 4, 5)).astype(dtype)
    array = place.empty(written.shape, dtype, order)
    array[...] = written
    gc.collect()  # what the array is mapped from must live as long as a view of it
    view = array[1:]
    del array
    gc.collect()
    np.testing.assert_array_equal(view, written[1:])
    assert view.dtype == dtype


@pytest.mark.parametrize("order", "CF")
def test_the_order_is_the_one_asked_for(place, order):
    flags = place.empty((3, 4, 5), np.float32, order).flags
    assert (flags.c_contiguous, flags.f_contiguous) == (order == "C", order == "F")


def test_an_array_may_be_empty(place):
    assert place.empty((0, 4), np.float32).shape == (0, 4)


def test_a_buffer_gives_back_what_was_written(place):
    with place.buffer() as file:
        file.write(b"0123456789")
        file.seek(3)
        assert file.read(4) == b"3456"


def test_nothing_on_disk_has_a_name_that_could_be_left_behind(tmp_path):
    disk = Disk(tmp_path)
    array, file = disk.empty((100, 100), np.float32), disk.buffer()
    array[...] = 1
    file.write(b"voxels")
    if os.name == "posix":
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the room is reserved otherwise on this system")
def test_a_full_disk_is_told_before_a_page_of_it_is_written(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(storage.os, "posix_fallocate", refuse)
    with pytest.raises(OSError, match="No space left"):
        Disk(tmp_path).empty((10, 10), np.float32)


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(PermissionError):
        Disk(tmp_path).empty((10, 10), np.float32)


@pytest.mark.parametrize(("length", "item_bytes"), [(1, 1), (10, 300), (10, 1000), (10, 1001), (7, 10**9), (0, 5)])
def test_blocks_cover_everything_once_and_are_small(length, item_bytes, monkeypatch):
    monkeypatch.setattr(storage, "BLOCK_BYTES", 1000)
    parts = list(blocks(length, item_bytes))
    assert [index for part in parts for index in range(part.start, part.stop)] == list(range(length))
    assert all((part.stop - part.start) * item_bytes <= 1000 or part.stop - part.start == 1 for part in parts)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_parts_along_the_first_axis_lie_together(axes):
    stored = np.arange(24).reshape(2, 3, 4)
    view = largest_stride_first(stored.transpose(axes)[::-1])
    assert [abs(stride) for stride in view.strides] == list(stored.strides)
    assert view.base is not None
