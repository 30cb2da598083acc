from dataclasses import replace

import pytest
from pydicom.uid import EnhancedMRImageStorage

from monai_vq.data import VolumeError
from monai_vq.data.dicom import check_series, read_header


@pytest.fixture
def headers(slices, save):
    return [read_header(path) for path in save(slices)]


def test_a_clean_series_passes(headers):
    check_series(headers)


# [what is changed in the fourth header, what the message says]
BAD = [
    [lambda header: {"patient": "P002"}, r"files of 2 patients \(9, 1 files\), expected one"],
    [lambda header: {"study": "1.2"}, "files of 2 studies"],
    [lambda header: {"series": "1.2"}, "files of 2 series"],
    [lambda header: {"pixels": None}, "1 of 10 files are cut off"],
    [lambda header: {"is_cut": True}, "1 of 10 files are cut off"],
    [lambda header: {"format": replace(header.format, rows=7)}, "files of 2 sizes or pixel formats"],
    [lambda header: {"format": replace(header.format, photometric="MONOCHROME1")}, "files of 2 sizes or pixel"],
    [lambda header: {"format": replace(header.format, bits_stored=12)}, "files of 2 sizes or pixel formats"],
    [lambda header: {"frames": header.frames * 2}, "a file of 1 frames says where 2 of them lie"],
    [lambda header: {"frames": (replace(header.frames[0], echo_time=5.0),)}, "different echo times"],
    [lambda header: {"frames": (replace(header.frames[0], echo_time=None),)}, "different echo times"],
    [lambda header: {"frames": (replace(header.frames[0], slope=0.0),)}, "RescaleSlope or RescaleIntercept is 0 or"],
    [lambda header: {"frames": (replace(header.frames[0], slope=None),)}, "cannot be read"],
    [lambda header: {"frames": (replace(header.frames[0], slope=2.0),)}, "one slice is rescaled unlike all others"],
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_files_that_are_not_one_volume_are_refused(headers, change, message):
    headers[3] = replace(headers[3], **change(headers[3]))
    with pytest.raises(VolumeError, match=message) as caught:
        check_series(headers)
    assert "P00" not in str(caught.value)


def test_the_same_series_as_single_images_and_as_one_file_is_told_to_be_that(headers):
    headers[3] = replace(headers[3], sop_class=EnhancedMRImageStorage)
    with pytest.raises(VolumeError, match=r"files of 2 kinds of objects \(9, 1 files\).*keep one kind"):
        check_series(headers)


@pytest.mark.parametrize(("n_files", "remedy"), [(2, "files of each echo apart"), (1, "export it as single images")])
def test_the_remedy_for_echoes_can_be_followed(headers, n_files, remedy):
    frames = tuple(replace(headers[0].frames[0], echo_time=2.0 + index) for index in range(2))
    several = replace(headers[0], frames=frames, format=replace(headers[0].format, frames=2))
    others = [replace(several, sop_instance=f"1.2.{number}") for number in range(n_files)]
    with pytest.raises(VolumeError, match="different echo times") as caught:
        check_series(others)
    assert remedy in caught.value.remedy


def test_slices_may_each_have_a_scale_of_their_own(headers):
    check_series([replace(h, frames=(replace(h.frames[0], slope=1.0 + i),)) for i, h in enumerate(headers)])


def test_a_classic_file_of_several_frames_does_not_say_where_they_lie(headers):
    several = [replace(header, format=replace(header.format, frames=5)) for header in headers]
    with pytest.raises(VolumeError, match="a file of 5 frames says where 1 of them lie"):
        check_series(several)


def test_the_whole_volume_is_capped(headers):
    size = 10 * 6 * 8 * 4
    check_series(headers, size)
    with pytest.raises(VolumeError, match="10 slices of 1920 bytes as float32, expected at most 4096 and 1919"):
        check_series(headers, size - 1)
