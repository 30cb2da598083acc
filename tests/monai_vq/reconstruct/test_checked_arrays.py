import struct
import zipfile

import numpy as np
import pytest

from monai_vq.reconstruct.checked_arrays import DAMAGE, SMALL, CheckedArrays


@pytest.fixture
def write(tmp_path):
    def write(**arrays):
        np.savez_compressed(tmp_path / "file.npz", **arrays)
        return tmp_path / "file.npz"

    return write


def claim(path, header, content=b"", kind=zipfile.ZIP_DEFLATED):
    """An archive whose array `a` claims what a header says."""
    text = header.encode().ljust(118) + b"\n"
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content)
    return path


def test_arrays_come_back(write):
    codes, text = np.arange(12, dtype=np.uint8).reshape(3, 4), np.array("sub-Zoë")
    with CheckedArrays(write(codes=codes, text=text, none=np.zeros(0))) as arrays:
        np.testing.assert_array_equal(arrays.read("codes", np.uint8, [-1, 4]), codes)
        assert (arrays.shape("codes"), arrays.dtype("codes")) == ((3, 4), np.uint8)
        assert str(arrays.read("text", np.str_, [])) == "sub-Zoë"
        assert arrays.read("none", np.float64, [-1]).size == 0
        assert "codes" in arrays
        assert "side" not in arrays


@pytest.mark.parametrize(
    ("dtype", "shape", "message"),
    [
        (np.uint16, [3, 4], r"codes is uint8 \[3, 4\], expected uint16"),
        (np.uint8, [3, 5], r"expected uint8 \[3, 5\]"),
        (np.uint8, [12], r"expected uint8 \[12\]"),
    ],
)
def test_another_type_or_shape_is_refused(write, dtype, shape, message):
    path = write(codes=np.zeros((3, 4), np.uint8))
    with CheckedArrays(path) as arrays, pytest.raises(ValueError, match=message):
        arrays.read("codes", dtype, shape)


def test_a_claim_of_more_than_there_is_takes_no_memory(tmp_path):
    shape = (1 << 20, 1 << 20, 1 << 10)  # 2^50 bytes
    path = claim(tmp_path / "a.npz", f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}", b"\0" * 9)
    with CheckedArrays(path) as arrays:
        assert arrays.shape("a") == shape
        with pytest.raises(ValueError, match="a has 1125899906842624 bytes, expected at most"):
            arrays.read("a", np.uint8, [-1, -1, -1])
        with pytest.raises(ValueError, match="a is cut off"):
            arrays.read("a", np.uint8, [-1, -1, -1], max_bytes=1 << 60)


def test_what_unpacks_to_more_than_allowed_is_refused(write):
    path = write(a=np.zeros(SMALL + 1, np.uint8))
    assert path.stat().st_size < SMALL / 100
    with CheckedArrays(path) as arrays, pytest.raises(ValueError, match="expected at most"):
        arrays.read("a", np.uint8, [-1])


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (True,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': [1]}",
        "{'descr': '|u1', 'shape': (1,)}",
        "__import__('os').getcwd()",
        "(" * 100,
    ],
)
def test_an_odd_header_is_damage(tmp_path, header):
    path = claim(tmp_path / "a.npz", header, b"\0")
    with CheckedArrays(path) as arrays, pytest.raises(DAMAGE):
        arrays.read("a", np.uint8, [-1])


def test_objects_are_not_unpickled(write):
    with CheckedArrays(write(a=np.array([{}], dtype=object))) as arrays, pytest.raises(ValueError, match="a is object"):
        arrays.read("a", np.uint8, [-1])


def test_another_packing_a_missing_array_and_no_archive_are_damage(tmp_path):
    path = claim(tmp_path / "a.npz", "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", b"\0", zipfile.ZIP_LZMA)
    with CheckedArrays(path) as arrays:
        with pytest.raises(ValueError, match="packed in another way"):
            arrays.read("a", np.uint8, [1])
        with pytest.raises(KeyError, match="'b'"):
            arrays.read("b", np.uint8, [1])
    (tmp_path / "text").write_text("text")
    for missing in ("text", "nowhere"):
        with pytest.raises(DAMAGE):
            CheckedArrays(tmp_path / missing)
