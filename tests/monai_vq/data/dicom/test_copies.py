from dataclasses import replace

import pytest

from monai_vq.data import VolumeError
from monai_vq.data.dicom import read_header
from monai_vq.data.dicom.copies import check_instances, drop_copies


def test_copies_byte_by_byte_are_left_out_and_counted(slices, save):
    paths = save([*slices, slices[4], slices[4]])
    kept, n_copies = drop_copies([read_header(path) for path in paths])
    assert n_copies == 2
    assert [header.path for header in kept] == list(paths[:10])
    check_instances(kept)


def test_other_content_under_the_same_uid_is_refused(slices, save):
    paths = save([*slices, slices[4]])
    content = bytearray(paths[-1].read_bytes())
    content[-1] ^= 1
    paths[-1].write_bytes(content)
    kept, n_copies = drop_copies([read_header(path) for path in paths])
    assert n_copies == 0
    with pytest.raises(VolumeError, match="2 files share a SOPInstanceUID and differ in content"):
        check_instances(kept)


def test_equal_content_under_other_uids_is_no_copy(slices, save):
    slices[5].PixelData = slices[4].PixelData
    headers = [read_header(path) for path in save(slices)]
    assert drop_copies(headers) == (headers, 0)


def test_an_image_without_uid_is_refused(slices, save):
    headers = [read_header(path) for path in save(slices)]
    headers[0] = replace(headers[0], sop_instance="")
    with pytest.raises(VolumeError, match="1 of 10 images have no SOPInstanceUID"):
        check_instances(drop_copies(headers)[0])
