import bz2
import gzip
import zlib

import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from monai_vq.data import VolumeError
from monai_vq.data.dicom import stream
from monai_vq.data.dicom.stream import NotDicomError, open_content, parse_file

TAGS = frozenset(tag_for_keyword(keyword) for keyword in ("PatientID", "Rows", "PerFrameFunctionalGroupsSequence"))
META_BYTES = 132


@pytest.fixture
def path(slices, save):
    return save(slices[:1])[0]


def test_only_the_wanted_elements_are_kept_and_the_pixels_are_found(path, slices):
    parsed = parse_file(path, TAGS)
    assert sorted(element.keyword for element in parsed.dataset) == ["PatientID", "Rows", "SpecificCharacterSet"]
    content = path.read_bytes()
    assert content[parsed.pixels.offset :][: parsed.pixels.length] == slices[0].PixelData
    assert parsed.pixels.vr == "OW"
    assert not parsed.is_cut


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_other_syntaxes_hold_the_same(slices, save, syntax):
    parsed = parse_file(save(slices[:1], syntax=syntax)[0], TAGS)
    assert (parsed.dataset.PatientID, parsed.dataset.Rows) == ("P001", 6)
    with open_content(save(slices[:1], syntax=syntax)[0]) as (content, _, found):
        content.seek(parsed.pixels.offset)
        assert content.read() == slices[0].PixelData
        assert found == syntax


def test_a_cut_anywhere_is_told_or_raises(path):
    content = path.read_bytes()
    for length in range(META_BYTES, len(content), 3):
        path.write_bytes(content[:length])
        try:
            parsed = parse_file(path, TAGS)
        except VolumeError as error:
            seen = type(error) is VolumeError
        else:
            seen = parsed.is_cut or parsed.pixels is None
        assert seen


def test_a_deflated_bomb_is_not_inflated(path, monkeypatch):
    content = path.read_bytes()
    position = content.index(b"1.2.840.10008.1.2.1\0")
    meta_end = position + 20 + content[position + 20 :].index(b"\x08\x00\x05\x00")
    syntax = DeflatedExplicitVRLittleEndian.encode()
    meta = bytearray(content[:meta_end].replace(b"1.2.840.10008.1.2.1\0", syntax))
    meta[position - 2 : position] = len(syntax).to_bytes(2, "little")
    packer = zlib.compressobj(wbits=-15)
    path.write_bytes(bytes(meta) + packer.compress(bytes(8 << 20)) + packer.flush())
    monkeypatch.setattr(stream, "MAX_INFLATED_BYTES", 1 << 20)
    assert path.stat().st_size < 10_000
    with pytest.raises(VolumeError, match="inflates to more than 1048576 bytes"):
        parse_file(path, TAGS)


# [content, class, what the message says]
BAD = [
    [b"", VolumeError, r"empty \(0 bytes\)"],
    [b"Patient: ZZPHI\n" * 20, NotDicomError, "not a DICOM file"],
    [b"DICM", NotDicomError, "not a DICOM file"],
    [gzip.compress(b"ZZPHI" * 99), NotDicomError, "packed by gzip.*unpack it"],
    [bz2.compress(b"ZZPHI" * 99), NotDicomError, "packed by bzip2.*unpack it"],
    [b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100ZZPHI" * 9, NotDicomError, "looks like DICOM elements.*write it anew"],
    [b"\x02\x00\x00\x00UL\x04\x00" + b"ZZPHI" * 99, NotDicomError, "looks like DICOM elements.*write it anew"],
    [bytes(128) + b"DICM", VolumeError, "does not say its transfer syntax"],
    [bytes(128) + b"DICM" + b"\xff" * 200, VolumeError, "."],
    [bytes(128) + b"DICM" + b"ZZPHI" * 200, VolumeError, "."],
]


@pytest.mark.parametrize(("content", "kind", "message"), BAD)
def test_what_is_no_image_is_refused_without_a_quotation(tmp_path, content, kind, message):
    path = tmp_path / "ZZPHI.dcm"
    path.write_bytes(content)
    with pytest.raises(VolumeError, match=message) as caught:
        parse_file(path, TAGS)
    assert type(caught.value) is kind
    assert "ZZPHI" not in str(caught.value)


@pytest.mark.parametrize(("keyword", "vr"), [("FloatPixelData", "OF"), ("DoubleFloatPixelData", "OD")])
def test_floating_point_pixels_are_told_from_a_cut_file(slices, save, keyword, vr):
    del slices[0].PixelData
    slices[0].add_new(keyword, vr, bytes(6 * 8 * 8))
    with pytest.raises(VolumeError, match="the pixels are floating-point numbers, expected integers"):
        parse_file(save(slices[:1])[0], TAGS)


def test_a_private_transfer_syntax_is_told_from_a_damaged_one(path):
    old, ge = b"1.2.840.10008.1.2.1\0", b"1.2.840.113619.5.2\0\0"
    path.write_bytes(path.read_bytes().replace(old, ge))
    with pytest.raises(VolumeError, match="transfer syntax is private"):
        parse_file(path, TAGS)


def test_a_missing_file_is_told_without_its_name(tmp_path):
    with pytest.raises(VolumeError, match="cannot be read: No such file") as caught:
        parse_file(tmp_path / "ZZPHI", TAGS)
    assert "ZZPHI" not in str(caught.value)


def test_a_lying_length_allocates_nothing(path, monkeypatch):
    content = bytearray(path.read_bytes())
    position = content.index(b"\x10\x00\x20\x00LO") + 6
    content[position : position + 2] = b"\xff\xff"  # PatientID of 65,535 bytes
    path.write_bytes(content)
    assert parse_file(path, TAGS).is_cut
    monkeypatch.setattr(stream, "MAX_VALUE_BYTES", 100)
    path.write_bytes(bytes(content) + bytes(1 << 16))
    with pytest.raises(VolumeError, match="an element of 65535 bytes, expected at most 100"):
        parse_file(path, TAGS)


def test_the_file_itself_is_capped(path, monkeypatch):
    monkeypatch.setattr(stream, "MAX_FILE_BYTES", 500)
    with pytest.raises(VolumeError, match="expected at most 500"):
        parse_file(path, TAGS)


def test_big_endian_files_are_read(slices, save):
    slices[0]["PixelData"].VR = "OW"
    parsed = parse_file(save(slices[:1], syntax=ExplicitVRBigEndian)[0], TAGS)
    assert (parsed.dataset.PatientID, parsed.dataset.Rows) == ("P001", 6)
