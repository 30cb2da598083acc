"""Values of DICOM elements as plain Python; what cannot be read is None, never a guess."""

import math
from collections.abc import Sequence
from typing import Any

from pydicom.dataset import Dataset

__all__ = ["read_integer", "read_items", "read_number", "read_numbers", "read_text", "read_texts"]


def read_text(dataset: Dataset, keyword: str) -> str:
    """Text without padding; empty where the element is missing or cannot be read."""
    return "\\".join(read_texts(dataset, keyword))


def read_texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """The texts of an element that may hold several."""
    return tuple(text for value in _values(dataset, keyword) if (text := str(value).strip(" \0")))


def read_number(dataset: Dataset, keyword: str, default: float | None = None) -> float | None:
    """A finite number; `default` where the element is missing or empty, None where it cannot be read."""
    if keyword not in dataset or not dataset.get_item(keyword).value:  # empty bytes, text or None; b"0" is a value
        return default
    numbers = read_numbers(dataset, keyword, 1)
    return numbers[0] if numbers else None


def read_integer(dataset: Dataset, keyword: str, default: int | None = None) -> int | None:
    """A whole number; as `read_number` otherwise."""
    number = read_number(dataset, keyword, default)
    return int(number) if number is not None and number == int(number) else None


def read_numbers(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """So many finite numbers; None where there are fewer, more, or one cannot be read."""
    values = _values(dataset, keyword)
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def read_items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Items of a sequence; none where it is missing."""
    return [item for item in _values(dataset, keyword) if isinstance(item, Dataset)]


def _values(dataset: Dataset, keyword: str) -> Sequence[Any]:
    try:
        value = dataset.get(keyword)
    except Exception:  # pydicom decodes here, and raises whatever damaged bytes provoke
        return ()
    if value is None:
        return ()
    return value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else (value,)
