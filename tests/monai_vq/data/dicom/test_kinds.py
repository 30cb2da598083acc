from dataclasses import replace

import pytest
from pydicom.uid import UID, CTImageStorage, EnhancedMRImageStorage, GrayscaleSoftcopyPresentationStateStorage

from monai_vq.data.dicom import read_header
from monai_vq.data.dicom.kinds import find_other_kind


@pytest.fixture
def header(slices, save):
    return read_header(save(slices[:1])[0])


# [what is changed, reason]
OTHERS = [
    [{"sop_class": CTImageStorage}, "CT Image Storage, not an MR image"],
    [{"sop_class": GrayscaleSoftcopyPresentationStateStorage}, "Grayscale Softcopy Presentation State Storage, not an"],
    [{"sop_class": UID("1.2.3")}, "an unknown kind of object, not an MR image"],
    [{"modality": "PT"}, "not of modality MR"],
    [{"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, "a localizer"],
    [{"image_type": ("DERIVED", "PRIMARY", "M")}, "derived"],
    [{"image_type": ("ORIGINAL", "SECONDARY", "MPR")}, "derived"],
    [{"image_type": ("DERIVED", "SECONDARY")}, "derived"],  # a defaced head, as BIOLAB wrote it
    [{"image_type": ("ORIGINAL", "PRIMARY", "PROJECTION IMAGE")}, "a projection"],
    [{"image_type": ("DERIVED", "SECONDARY", "MNIP", "ND")}, "a projection"],
    [{"image_type": ("DERIVED", "PRIMARY", "DIFFUSION", "TENSOR_B0")}, "a map"],  # Siemens XA30
    [{"image_type": ("DERIVED", "PRIMARY", "ASL", "RCBF")}, "a map"],
    [{"image_type": ("ORIGINAL", "PRIMARY", "PERFUSION_FFE", "PERFUSION", "FFE")}, "a map"],  # Philips, labelled spins
    [
        {"image_type": ("ORIGINAL", "PRIMARY", "PERFUSION", "NONE"), "complex_part": "REAL"},
        "phase",
    ],  # the same, enhanced
    [{"image_type": ("ORIGINAL", "PRIMARY", "B0 MAP", "B0", "UNSPECIFIED")}, "a map"],  # Philips
    [{"image_type": ("ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE")}, "phase"],  # Philips
    [{"image_type": ("ORIGINAL", "PRIMARY", "P", "ND")}, "phase"],  # Siemens
    [{"image_type": ("ORIGINAL", "PRIMARY", "OTHER"), "complex_part": "IMAGINARY"}, "phase"],  # GE
    [{"image_type": ("ORIGINAL", "PRIMARY", "T1", "NONE"), "complex_part": "MIXED"}, "several kinds"],
    [{"image_type": ("ORIGINAL", "PRIMARY", "M", "MOSAIC")}, "a mosaic"],
    [{"image_type": ("ORIGINAL", "PRIMARY", "MIXED", "NONE")}, "several kinds"],
]


@pytest.mark.parametrize(("changes", "reason"), OTHERS)
def test_what_is_no_original_slice_is_told_apart(header, changes, reason):
    assert find_other_kind(replace(header, **changes)).startswith(reason)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"image_type": ()},
        {"image_type": ("ORIGINAL", "PRIMARY", "M", "ND", "NORM")},
        {"image_type": ("ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE")},  # Philips
        {"image_type": ("ORIGINAL", "PRIMARY", "OTHER")},  # GE
        {"image_type": ("ORIGINAL", "PRIMARY", "T1", "NONE"), "complex_part": "MAGNITUDE"},  # Philips, enhanced
        {"image_type": ("ORIGINAL", "PRIMARY", "GDC")},  # Canon
        {"sop_class": EnhancedMRImageStorage},
        {"sop_class": UID(""), "modality": ""},
    ],
)
def test_original_slices_and_headers_too_damaged_to_tell_are_kept(header, changes):
    assert find_other_kind(replace(header, **changes)) == ""


def test_a_localizer_is_known_by_its_description(header):
    info = replace(header.info, description="3-Plane Localizer ZZPHI")
    assert find_other_kind(replace(header, info=info)) == "a localizer"
