import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import generate_uid

from monai_vq.data.dicom.derived_elements import CLASSIC, ENHANCED, FRAME_MACROS, copy_elements
from monai_vq.data.dicom.items import make_item
from monai_vq.data.dicom.silence import silenced_pydicom

SECRET = "SECRET"
UNWANTED = {
    "OperatorsName": SECRET,
    "InstitutionName": SECRET,
    "InstitutionAddress": SECRET,
    "StationName": SECRET,
    "DeviceSerialNumber": SECRET,
    "OtherPatientIDs": SECRET,
    "PatientAddress": SECRET,
    "PatientComments": SECRET,
    "ImageComments": SECRET,
    "ProtocolName": SECRET,
    "SeriesDescription": SECRET,
    "RequestingPhysician": SECRET,
    "SeriesInstanceUID": "1.2.3",
    "SOPInstanceUID": "1.2.3.4",
    "PerformedProcedureStepDescription": SECRET,
    "PixelPaddingValue": 3,
}


def all_elements(dataset):
    for element in dataset:
        yield element
        if element.VR == "SQ":
            for nested in element.value:
                yield from all_elements(nested)


@pytest.mark.parametrize("keywords", [CLASSIC, ENHANCED])
def test_nothing_passes_but_what_is_allowed(keywords):
    source = make_item(PatientID="P1", StudyInstanceUID="1.2", Modality="MR", **UNWANTED)
    source.private_block(0x0029, "VENDOR", create=True).add_new(0x10, "LO", SECRET)
    source.ReferencedImageSequence = [make_item(ReferencedSOPInstanceUID=generate_uid())]
    copied = copy_elements(source, keywords)
    assert set(copied.dir()) == {"PatientID", "StudyInstanceUID", "Modality"}
    assert SECRET not in str(copied)


def test_items_of_sequences_are_sifted_to_their_depth():
    region = make_item(CodeValue="12738006", CodingSchemeDesignator="SCT", CodeMeaning="Brain", ContextUID="1.2")
    region.add_new(0x00091001, "LO", SECRET)
    anatomy = make_item(FrameLaterality="U", AnatomicRegionSequence=[region], PatientName=SECRET, **UNWANTED)
    anatomy.ReferencedImageSequence = [make_item(PatientName=SECRET)]
    copied = copy_elements(make_item(FrameAnatomySequence=[anatomy]), FRAME_MACROS)
    assert SECRET not in str(copied)
    expected = {"FrameLaterality", "CodeValue", "CodingSchemeDesignator", "CodeMeaning"}
    assert {element.keyword for element in all_elements(copied) if element.VR != "SQ"} == expected


@pytest.mark.parametrize("keywords", [CLASSIC, ENHANCED, FRAME_MACROS])
def test_no_allowed_element_is_unknown_or_private(keywords):
    dataset = Dataset()
    for keyword in keywords:
        setattr(dataset, keyword, None)  # pydicom warns, which is an error here, of a keyword that it does not know
    assert len(dataset) == len(set(keywords)) == len(keywords)
    assert not any(element.tag.is_private for element in dataset)


def test_text_and_digits_stay_as_they_are_written():
    source = make_item(SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Jörg", SliceThickness="1.20000000000")
    copied = copy_elements(source, CLASSIC)
    assert copied.PatientName == "Müller^Jörg"
    assert str(copied.SliceThickness) == "1.20000000000"


def test_an_element_that_cannot_be_read_is_left_out():
    source = make_item(PatientID="P1")
    tag = Tag("MagneticFieldStrength")
    source[tag] = RawDataElement(tag, "DS", 4, b"abcd", 0, False, True)
    with silenced_pydicom():
        assert copy_elements(source, CLASSIC).dir() == ["PatientID"]


def test_the_source_is_not_changed():
    source = make_item(PixelMeasuresSequence=[make_item(PixelSpacing=[1, 2])])
    copied = copy_elements(source, FRAME_MACROS)
    copied.PixelMeasuresSequence[0].PixelSpacing = [3, 4]
    assert source.PixelMeasuresSequence[0].PixelSpacing == [1, 2]
