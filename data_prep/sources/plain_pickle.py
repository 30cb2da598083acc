"""Reads the pickles of CIFAR-10 as data: every opcode is interpreted here, and nothing is imported or called."""

import io
import math
import pickletools
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_vq.data import VolumeError

__all__ = ["read_plain_pickle"]

_DOWNLOAD_AGAIN = "download the archive again from its publisher, and load this file with no other program"
_VALUES = {"BININT", "BININT1", "BININT2", "LONG1", "SHORT_BINSTRING", "BINSTRING", "BINUNICODE"}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MEMO_PUTS, _MEMO_GETS = {"BINPUT", "LONG_BINPUT"}, {"BINGET", "LONG_BINGET"}


@dataclass(frozen=True)
class _Name:
    """What a pickle asks to import; here a word like any other."""

    words: str


_RECONSTRUCT, _NDARRAY = _Name("numpy.core.multiarray _reconstruct"), _Name("numpy ndarray")
_DTYPE = _Name("numpy dtype")
_BYTES, _EMPTY_ARRAY = _Name("dtype uint8"), _Name("an array without values yet")


def read_plain_pickle(content: bytes) -> Any:
    """Gives what a pickle of protocol 2, as Python 2 wrote it, holds: dicts, lists, texts, numbers and uint8 arrays.

    `pickle.load` runs whatever a file tells it to run. Here the opcodes are taken one by one; those that make plain
    values do so, the three names of which numpy builds an array are recognised as words, and anything else is an
    error before it has had an effect.

    Args:
        content: all bytes of the file.

    Returns:
        The value; texts of Python 2 are `str`, decoded as Latin-1.

    Raises:
        VolumeError: the pickle is damaged or cut off, or asks for anything that CIFAR-10 does not hold.
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(io.BytesIO(content)):
            machine.step(opcode.name, argument)
        return machine.result()
    except VolumeError:
        raise
    except (ValueError, IndexError, KeyError, TypeError) as error:  # what a damaged stream makes of the steps below
        raise VolumeError("the pickle is damaged or cut off", _DOWNLOAD_AGAIN) from error


class _Machine:
    """A stack, the marks that open lists of items on it, and a memo of values that occur again."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def result(self) -> Any:
        if len(self.stack) != 1 or self.marks:
            raise ValueError(f"{len(self.stack)} values are left, expected 1")
        return self.stack[0]

    def step(self, name: str, argument: Any) -> None:
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _MEMO_PUTS:
            self.memo[argument] = self.stack[-1]
        elif name in _MEMO_GETS:
            self.stack.append(self.memo[argument])
        elif name == "MARK":
            self.marks.append(len(self.stack))
        elif name not in ("PROTO", "STOP"):
            self._compose(name, argument)

    def _compose(self, name: str, argument: Any) -> None:
        """Opcodes that make one value of others."""
        if name in _TUPLES:
            self.stack.append(tuple(self._pop(_TUPLES[name])))
        elif name == "TUPLE":
            self.stack.append(tuple(self._pop_marked()))
        elif name in ("APPEND", "APPENDS"):
            items = self._pop(1) if name == "APPEND" else self._pop_marked()
            self._top(list).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = self._pop(2) if name == "SETITEM" else self._pop_marked()
            self._top(dict).update(zip(map(_check_key, items[::2]), items[1::2], strict=True))
        elif name == "GLOBAL":
            self.stack.append(_allowed_name(argument))
        elif name == "REDUCE":
            self.stack.append(_reduce(*self._pop(2)))
        elif name == "BUILD":
            self.stack.append(_build(*self._pop(2)))
        else:
            raise VolumeError(f"the pickle has the opcode {name}, which CIFAR-10 does not need", _DOWNLOAD_AGAIN)

    def _pop(self, count: int) -> list[Any]:
        if len(self.stack) - (self.marks[-1] if self.marks else 0) < count:
            raise ValueError("a value is missing")
        values = self.stack[-count:]
        del self.stack[-count:]
        return values

    def _pop_marked(self) -> list[Any]:
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def _top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise TypeError(f"{type(self.stack[-1]).__name__} where a {kind.__name__} was expected")
        return self.stack[-1]


def _check_key(key: Any) -> str:
    """A key that is a text; the hash of tuples within tuples within tuples would overflow the stack."""
    if type(key) is not str:
        raise TypeError(f"a key of type {type(key).__name__}, expected a text")
    return key


def _allowed_name(words: str) -> _Name:
    name = _Name(words)
    if name not in (_RECONSTRUCT, _NDARRAY, _DTYPE):
        raise VolumeError(f"the pickle would import {words!r} if it were loaded", _DOWNLOAD_AGAIN)
    return name


def _reduce(function: Any, arguments: Any) -> _Name:
    """What numpy calls to begin an array of bytes; the only two calls there are."""
    if (function, arguments) == (_RECONSTRUCT, (_NDARRAY, (0,), "b")):
        return _EMPTY_ARRAY
    if function == _DTYPE and arguments[0] == "u1":
        return _BYTES
    called = function.words if isinstance(function, _Name) else type(function).__name__
    raise VolumeError(f"the pickle would call {called!r} if it were loaded", _DOWNLOAD_AGAIN)


def _build(value: Any, state: Any) -> Any:
    """Fills an array; the state of its type says no more than that bytes have no order."""
    if value == _BYTES:
        return _BYTES
    if value != _EMPTY_ARRAY:
        raise VolumeError(f"the pickle would change {type(value).__name__} if it were loaded", _DOWNLOAD_AGAIN)
    _, shape, dtype, by_columns, text = state
    if dtype != _BYTES or by_columns is not False or type(text) is not str:
        raise ValueError("an array that is not of uint8 in rows")
    if math.prod(shape) != len(text) or min(shape) < 0:
        raise ValueError(f"an array of {shape} from {len(text)} bytes")
    return np.frombuffer(text.encode("latin-1"), dtype=np.uint8).reshape(shape)
