"""Datasets made from keywords and values."""

from typing import Any

from pydicom.dataset import Dataset

__all__ = ["add_elements", "make_code", "make_item"]


def make_item(**elements: Any) -> Dataset:
    """A dataset, or item of a sequence, of these elements."""
    dataset = Dataset()
    add_elements(dataset, **elements)
    return dataset


def add_elements(dataset: Dataset, **elements: Any) -> None:
    """Sets elements by their keywords."""
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)


def make_code(value: str, scheme: str, meaning: str) -> Dataset:
    """An item of a code sequence, such as `113040, DCM, Lossy Compression`."""
    return make_item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)
