import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from monai_vq.data.dicom.values import read_integer, read_items, read_number, read_numbers, read_text, read_texts


def dataset_of(keyword: str, vr: str, value: bytes) -> Dataset:
    """A dataset with one element as it comes from a file, not yet decoded."""
    tag = Tag(keyword)
    return Dataset({tag: RawDataElement(tag, vr, len(value), value, 0, False, True)})


def test_texts_lose_their_padding_and_keep_their_parts():
    assert read_text(dataset_of("PatientID", "LO", b" 007 \0"), "PatientID") == "007"
    assert read_texts(dataset_of("ImageType", "CS", b"ORIGINAL\\M "), "ImageType") == ("ORIGINAL", "M")
    assert read_text(Dataset(), "PatientID") == ""


# [bytes of RescaleSlope, value]
NUMBERS = [
    [b"2.5 ", 2.5],
    [b"1e-3", 0.001],
    [b"", 1.0],
    [b"nan ", None],
    [b"inf ", None],
    [b"2..5", None],
    [b"1\\2 ", None],
]


@pytest.mark.parametrize(("content", "expected"), NUMBERS)
def test_a_number_is_read_or_missing_or_unreadable(content, expected):
    assert read_number(dataset_of("RescaleSlope", "DS", content), "RescaleSlope", default=1.0) == expected


def test_a_missing_number_is_the_default():
    assert read_number(Dataset(), "RescaleSlope", default=1.0) == 1.0
    assert read_integer(Dataset(), "NumberOfFrames", default=1) == 1
    assert read_integer(Dataset(), "Rows") is None


def test_integers_are_whole():
    assert read_integer(dataset_of("NumberOfFrames", "IS", b"12"), "NumberOfFrames") == 12
    assert read_integer(dataset_of("RescaleSlope", "DS", b"1.5 "), "RescaleSlope") is None
    assert read_integer(dataset_of("Rows", "US", b"\x06\x00"), "Rows") == 6
    assert read_integer(dataset_of("Rows", "US", b"\x06"), "Rows") is None


def test_so_many_numbers_or_none():
    position = dataset_of("ImagePositionPatient", "DS", b"-1\\2.5\\3 ")
    assert read_numbers(position, "ImagePositionPatient", 3) == (-1, 2.5, 3)
    assert read_numbers(position, "ImagePositionPatient", 6) is None
    assert read_numbers(dataset_of("ImagePositionPatient", "DS", b"-1\\x\\3 "), "ImagePositionPatient", 3) is None


def test_items_of_what_is_no_sequence_are_none():
    assert read_items(dataset_of("MREchoSequence", "LO", b"text"), "MREchoSequence") == []
    dataset = Dataset()
    dataset.MREchoSequence = [Dataset(), Dataset()]
    assert len(read_items(dataset, "MREchoSequence")) == 2
