import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from monai_vq.data.dicom import read_header


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize(("number", "part"), [(0, ""), (1, "PHASE"), (2, "REAL"), (3, "IMAGINARY"), (9, "")])
def test_ge_says_it_in_a_private_element(slices, save, syntax, number, part):
    slices[0].private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", number)
    assert read_header(save(slices[:1], syntax=syntax)[0]).complex_part == part


def test_the_same_element_of_another_maker_says_something_else(slices, save):
    slices[0].private_block(0x0043, "ANOTHER MAKER", create=True).add_new(0x2F, "SS", 1)
    assert read_header(save(slices[:1])[0]).complex_part == ""


def test_an_element_that_cannot_be_read_says_nothing(slices, save):
    slices[0].private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2F, "LO", "ZZPHI")
    assert read_header(save(slices[:1])[0]).complex_part == ""


def test_the_standard_element_comes_first(slices, save):
    slices[0].ComplexImageComponent = "MAGNITUDE"
    slices[0].private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", 1)
    assert read_header(save(slices[:1])[0]).complex_part == "MAGNITUDE"
