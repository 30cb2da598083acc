import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

from monai_vq.data import VolumeError
from monai_vq.data.dicom import pixels, read_header
from monai_vq.data.dicom.pixels import read_pixels

COMPRESSED = [RLELossless, JPEGLosslessSV1, JPEG2000Lossless]


def decode(header):
    """All frames, [frames, rows, columns]."""
    return np.stack(list(read_pixels(header)))


@pytest.fixture
def header(slices, large_slices, save):
    """The header of a file, small where it is not compressed, after a change of its dataset."""

    def make(change=lambda dataset: None, syntax=ExplicitVRLittleEndian):
        dataset = large_slices[0] if syntax in COMPRESSED else slices[0]
        change(dataset)
        return read_header(save([dataset], syntax=syntax)[0])

    return make


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_native_syntaxes_give_the_stored_numbers(header, voxels, syntax):
    np.testing.assert_array_equal(decode(header(syntax=syntax)), voxels[:, :, :1].T)


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_compressed_syntaxes_give_the_stored_numbers(header, large_voxels, compress, syntax):
    found = decode(header(lambda dataset: compress(dataset, syntax), syntax))
    np.testing.assert_array_equal(found, large_voxels[:, :, :1].T)


def test_big_endian_numbers_are_turned(header, voxels):
    def swap(dataset):
        dataset.PixelData = voxels[:, :, 0].T.astype(">i2").tobytes()

    np.testing.assert_array_equal(decode(header(swap, ExplicitVRBigEndian))[0], voxels[:, :, 0].T)


@pytest.mark.parametrize(("signed", "expected"), [(0, 65036), (1, -500)])
def test_signs_are_those_of_the_header(header, signed, expected):
    def change(dataset):
        dataset.PixelRepresentation = signed
        dataset.PixelData = np.full((6, 8), -500, "<i2").tobytes()

    assert (decode(header(change)) == expected).all()


def test_bits_beyond_those_stored_are_no_part_of_the_number(header):
    def change(dataset):
        dataset.BitsStored, dataset.HighBit = 12, 11
        dataset.PixelData = np.full((6, 8), 0x1FFE, "<i2").tobytes()  # bit 12 is an overlay's

    assert (decode(header(change)) == -2).all()


def test_bytes_are_read_with_and_without_padding(header):
    def change(dataset):
        dataset.Rows, dataset.Columns = 3, 3
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
        dataset.add_new("PixelData", "OB", bytes(range(9)) + b"\0")

    np.testing.assert_array_equal(decode(header(change)).ravel(), range(9))


def setting(**elements):
    def change(dataset):
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)

    return change


# [change, what the message says]
BAD = [
    [setting(Rows=0), "Rows is 0, expected 1 to 4096"],
    [setting(Rows=60000, Columns=60000), "Rows is 60000, expected 1 to 4096"],
    [setting(NumberOfFrames=100_000), "NumberOfFrames is 100000"],
    [setting(Rows=7), "96 bytes of pixels, expected 112 from rows and columns"],
    [setting(Rows=5), "96 bytes of pixels, expected 80"],
    [setting(PixelData=bytes(98)), "98 bytes of pixels, expected 96"],
    [setting(SamplesPerPixel=3), "expected one grey value each"],
    [setting(PhotometricInterpretation="PALETTE COLOR"), "expected one grey value each"],
    [setting(BitsAllocated=12), "of 12 bits a pixel"],
    [setting(BitsStored=17), "17 of 16 bits a pixel"],
    [setting(BitsStored=12, HighBit=15), "HighBit is 15 for 12 bits, expected less"],
    [setting(PixelRepresentation=2), "PixelRepresentation is 2, expected 0 or 1"],
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_sizes_that_do_not_fit_are_refused_before_anything_is_allocated(header, change, message):
    with pytest.raises(VolumeError, match=message):
        decode(header(change))


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_a_cut_anywhere_in_a_compressed_file_is_found(header, compress, syntax):
    whole = header(lambda dataset: compress(dataset, syntax), syntax)
    content = whole.path.read_bytes()
    for missing in (1, 7, 8, 9, *range(50, len(content) - whole.pixels.offset, 97)):
        whole.path.write_bytes(content[:-missing])
        with pytest.raises(VolumeError, match="cut off"):
            decode(whole)


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEG2000Lossless])
def test_a_picture_of_another_size_than_the_header_says_is_not_decoded(header, compress, syntax, monkeypatch):
    def change(dataset):
        compress(dataset, syntax)
        dataset.Rows = 5

    monkeypatch.setattr(pixels, "_decode", None)
    with pytest.raises(VolumeError, match=r"not all of 5 rows and 40 columns, expected 1"):
        decode(header(change, syntax))


def test_a_damaged_stream_is_told_without_a_quotation(header):
    def change(dataset):
        dataset.add_new("PixelData", "OB", encapsulate([b"\x02\0\0\0ZZPHI" + bytes(80)]))
        dataset["PixelData"].is_undefined_length = True

    with pytest.raises(VolumeError, match="damaged") as caught:
        decode(header(change, RLELossless))
    assert "ZZPHI" not in str(caught.value)


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_damage_in_a_compressed_stream_never_ends_the_process(header, compress, syntax):
    whole = header(lambda dataset: compress(dataset, syntax), syntax)
    content = whole.path.read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.integers(whole.pixels.offset + 16, len(content) - 16, 40):
        damaged = bytearray(content)
        damaged[position : position + 8] = bytes(rng.integers(0, 256, 8, dtype=np.uint8))
        whole.path.write_bytes(damaged)
        try:
            shape = decode(whole).shape
        except VolumeError:
            shape = (1, 36, 40)
        assert shape == (1, 36, 40)


def test_without_a_decoder_the_error_names_the_extra(header, compress, monkeypatch):
    compressed = header(lambda dataset: compress(dataset, JPEG2000Lossless), JPEG2000Lossless)
    monkeypatch.setattr(Decoder, "is_available", False)
    with pytest.raises(VolumeError, match="no decoder is installed for JPEG 2000") as caught:
        decode(compressed)
    assert 'pip install "monai_vq[dicom]"' in caught.value.remedy


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, *COMPRESSED])
@pytest.mark.parametrize("fragments", [1, 3])
def test_frames_of_one_file_are_those_that_were_written(
    large_voxels, affines, make_enhanced, compress, save, syntax, fragments
):
    enhanced = make_enhanced(large_voxels, affines["axial"])
    if syntax in COMPRESSED:
        compress(enhanced, syntax, 1 if syntax == RLELossless else fragments)
    (path,) = save([enhanced], syntax=syntax)
    np.testing.assert_array_equal(decode(read_header(path)), large_voxels.T)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless])
def test_one_frame_is_in_memory_at_a_time(affines, make_enhanced, compress, save, syntax):
    voxels = np.random.default_rng(0).integers(0, 4000, (64, 64, 100)).astype(np.int16)
    enhanced = make_enhanced(voxels, affines["axial"])
    if syntax in COMPRESSED:
        compress(enhanced, syntax)
    header = read_header(save([enhanced], syntax=syntax)[0])
    next(read_pixels(header))  # imports the decoder
    tracemalloc.start()
    n_read = sum(1 for _ in read_pixels(header))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_read == 100
    assert peak < voxels.nbytes / 5


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_fewer_frames_than_the_header_says_are_refused(
    large_voxels, affines, make_enhanced, compress, save, syntax, monkeypatch
):
    enhanced = make_enhanced(large_voxels[:, :, :7], affines["axial"])
    compress(enhanced, syntax)
    header = read_header(save([enhanced], syntax=syntax)[0])
    monkeypatch.setattr(pixels, "_decode", None)
    for number in (6, 8):
        with pytest.raises(VolumeError, match=r"compressed frame|pixels are damaged"):
            decode(replace(header, format=replace(header.format, frames=number)))


def test_a_film_is_no_volume(header, compress):
    compressed = header(lambda dataset: compress(dataset, RLELossless), RLELossless)
    with pytest.raises(VolumeError, match="no decoder exists for MPEG2"):
        decode(replace(compressed, syntax=MPEG2MPML))
