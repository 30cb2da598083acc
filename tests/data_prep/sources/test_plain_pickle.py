import os
import pickle
import pickletools
import warnings
from pathlib import Path

import numpy as np
import pytest

from data_prep.sources.plain_pickle import read_plain_pickle
from monai_vq.data import VolumeError

ARRAY = np.arange(12, dtype=np.uint8).reshape(3, 4)


def python2(value: object) -> bytes:
    """The opcodes that Python 2 writes for a value at protocol 2, without its memo."""
    if isinstance(value, str):
        text = value.encode("latin-1")
        return b"U" + bytes([len(text)]) + text
    if isinstance(value, list):
        return b"](" + b"".join(map(python2, value)) + b"e"
    if isinstance(value, dict):
        return b"}(" + b"".join(python2(key) + python2(item) for key, item in value.items()) + b"u"
    if isinstance(value, np.ndarray):
        start = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        shape = b"".join(map(python2, value.shape)) + bytes([0x84 + value.ndim])
        return start + b"(K\x01" + shape + dtype + b"\x89T" + value.size.to_bytes(4, "little") + value.tobytes() + b"tb"
    return b"J" + int(value).to_bytes(4, "little", signed=True)


def dump(value: object) -> bytes:
    return b"\x80\x02" + python2(value) + b"."


VALUE = {"batch_label": "training batch 1 of 5", "labels": [6, 9, -1, 70000], "data": ARRAY, "filenames": ["a", "é"]}


def test_reads_what_python_itself_reads():
    content = dump(VALUE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy has moved the module that old pickles name
        expected = pickle.loads(content, encoding="latin-1")
    read = read_plain_pickle(content)
    assert np.array_equal(read.pop("data"), expected.pop("data"))
    assert read == expected == {key: value for key, value in VALUE.items() if key != "data"}


def test_values_that_occur_twice_are_the_same_value():
    content = b"\x80\x02](U\x01aq\x01h\x01U\x01br\x00\x01\x00\x00j\x00\x01\x00\x00e."
    assert read_plain_pickle(content) == pickle.loads(content, encoding="latin-1") == ["a", "a", "b", "b"]


class Evil:
    """Makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class Command(Evil):
    def __reduce__(self):
        return os.system, (f"echo > {self.path}",)


@pytest.mark.parametrize("kind", [Evil, Command])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_runs_a_program_is_refused_and_runs_nothing(tmp_path, kind, protocol):
    content = pickle.dumps({"data": kind(tmp_path / "executed"), "labels": [1]}, protocol)
    with pytest.raises(VolumeError, match=r"the pickle (would import|has the opcode)"):
        read_plain_pickle(content)
    assert list(tmp_path.iterdir()) == []
    pickle.loads(content)
    assert (tmp_path / "executed").exists()  # it is as malicious as it looks


# [opcodes, message]
REFUSED = [
    (b"cbuiltins\neval\n", "would import 'builtins eval'"),
    (b"cnumpy\nload\n", "would import 'numpy load'"),
    (b"(ibuiltins\neval\n", "has the opcode INST"),
    (b"(cnumpy\nndarray\nK\x05o", "has the opcode OBJ"),
    (b"cnumpy\nndarray\nK\x05\x85\x81", "has the opcode NEWOBJ"),
    (b"\x82\x01", "has the opcode EXT1"),
    (b"Pabc\n", "has the opcode PERSID"),
    (b"cnumpy\nndarray\n(K\x05K\x05tR", "would call 'numpy ndarray'"),
    (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nJ\xff\xff\xff\x7f\x85U\x01b\x87R",
        "would call 'numpy.core",
    ),
    (b"cnumpy\ndtype\nU\x01OK\x00K\x01\x87R", "would call 'numpy dtype'"),
    (b"}}U\x01aK\x01sb", "would change dict"),
    (b"cnumpy\nndarray\n}U\x08__dict__K\x01sb", "would change _Name"),
]


@pytest.mark.parametrize(("opcodes", "message"), REFUSED)
def test_anything_beyond_plain_values_and_bytes_is_refused(opcodes, message):
    with pytest.raises(VolumeError, match=message):
        read_plain_pickle(b"\x80\x02" + opcodes + b".")


DAMAGED = {
    "empty": b"",
    "no pickle": b"<html>",
    "cut off": dump(VALUE)[:-40],
    "no end": dump(VALUE)[:-1],
    "two values": b"\x80\x02K\x01K\x02.",
    "no value": b"\x80\x02.",
    "key that is a list": b"\x80\x02}]K\x01s.",
    "tuples in tuples as a key": b"\x80\x02})" + b"\x85" * 200_000 + b"K\x01s.",
    "item without a list": b"\x80\x02K\x01K\x02a.",
    "unknown memo": b"\x80\x02h\x07.",
    "array that is too large": dump(ARRAY).replace(b"T\x0c", b"T\x0b").replace(b"\x0btb", b"tb"),
    "array of floats": dump(ARRAY).replace(b"u1", b"f8"),
    "array by columns": dump(ARRAY).replace(b"\x89T", b"\x88T"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_pickles_are_refused(case):
    with pytest.raises(VolumeError):
        read_plain_pickle(DAMAGED[case])


def test_no_flipped_byte_has_another_effect_than_a_value_or_an_error():
    content, rng, refused = dump(VALUE), np.random.default_rng(0), 0
    for position in rng.integers(0, len(content), 500):
        broken = bytearray(content)
        broken[position] ^= int(rng.integers(1, 256))
        try:
            read_plain_pickle(bytes(broken))
        except VolumeError:
            refused += 1
    assert refused > 200
    assert {opcode.name for opcode, _, _ in pickletools.genops(content)} > {"GLOBAL", "REDUCE", "BUILD"}
