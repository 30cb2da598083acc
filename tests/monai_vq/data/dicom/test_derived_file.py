import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from monai_vq.data.dicom import derived_file
from monai_vq.data.dicom.derived_file import write_image
from monai_vq.data.dicom.items import make_item
from monai_vq.errors import InputError

FRAMES = np.random.default_rng(0).integers(0, 65536, (3, 5, 7)).astype("<u2")


@pytest.fixture
def dataset():
    return make_item(
        SOPClassUID=MRImageStorage,
        SOPInstanceUID="1.2.3",
        PatientID="P1",
        Rows=5,
        Columns=7,
        NumberOfFrames=3,
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        BitsAllocated=16,
        BitsStored=16,
        HighBit=15,
        PixelRepresentation=0,
    )


def test_what_is_written_is_read(dataset, tmp_path):
    write_image(tmp_path / "image.dcm", dataset, FRAMES)
    image = pydicom.dcmread(tmp_path / "image.dcm")
    np.testing.assert_array_equal(image.pixel_array, FRAMES)
    assert image["PixelData"].VR == "OW"
    assert image.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert (image.file_meta.MediaStorageSOPInstanceUID, image.PatientID) == ("1.2.3", "P1")


def test_frames_are_asked_for_one_after_another(dataset, tmp_path):
    transposed = (np.asfortranarray(frame) for frame in FRAMES)
    write_image(tmp_path / "image.dcm", dataset, transposed)
    assert (tmp_path / "image.dcm").read_bytes().endswith(FRAMES.tobytes())


def test_more_pixels_than_an_element_can_hold_are_refused_before_anything_is_written(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(derived_file, "MAX_PIXEL_BYTES", FRAMES.nbytes - 1)
    with pytest.raises(InputError, match="210 bytes of pixels in one file, DICOM has at most 209"):
        write_image(tmp_path / "image.dcm", dataset, FRAMES)
    assert not list(tmp_path.iterdir())
