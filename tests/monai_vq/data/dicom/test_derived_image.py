from dataclasses import replace
from datetime import datetime

import pytest
from pydicom.tag import Tag
from pydicom.uid import EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage, MRImageStorage

from monai_vq.data.dicom.derivation import Derivation
from monai_vq.data.dicom.derived_image import derive_classic, derive_enhanced
from monai_vq.data.dicom.items import make_item
from monai_vq.data.dicom.stored_scale import StoredScale

DERIVATION = Derivation(
    series="1.2.3",
    frame_of_reference="1.2.4",
    organization="1.2.5",
    number=1002,
    description="reconstruction",
    created=datetime(2024, 2, 29),
    scale=StoredScale("1", "0", signed=True),
    is_inverted=False,
    compression_ratio=20.0,
)
SCALED = replace(DERIVATION, scale=StoredScale("0.25", "-3", signed=False))
INVERTED = replace(DERIVATION, is_inverted=True)


def classic(source, derivation=DERIVATION):
    return derive_classic(source, (MRImageStorage, source.SOPInstanceUID), "1.2.9", (6, 8), derivation)


@pytest.fixture
def enhanced_source(voxels, affines, make_enhanced):
    source = make_enhanced(voxels, affines["oblique"], order=[3, 0, 1, 2])
    source.SharedFunctionalGroupsSequence[0].FrameVOILUTSequence = [make_item(WindowCenter="40", WindowWidth="80")]
    return source


def enhanced(source, derivation=DERIVATION):
    reference = (source.SOPClassUID, source.SOPInstanceUID)
    return derive_enhanced(source, reference, "1.2.9", (6, 8), derivation, [3, 0, 1, 2])


def test_classic_slice_stays_in_its_place_and_study_and_becomes_another_image(slices):
    source = slices[4]
    image = classic(source)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        assert image[keyword] == source[keyword]
    for keyword in ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID", "EchoTime", "InstanceNumber"):
        assert image[keyword] == source[keyword]
    assert image.SOPClassUID == MRImageStorage
    assert (image.SOPInstanceUID, image.SeriesInstanceUID) == ("1.2.9", "1.2.3")
    assert list(image.ImageType) == ["DERIVED", "SECONDARY", "OTHER"]
    assert image.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID


def test_scale_is_said_only_where_there_is_one(slices):
    assert "RescaleSlope" not in classic(slices[0])
    image = classic(slices[0], SCALED)
    assert (image.RescaleSlope, image.RescaleIntercept) == (0.25, -3)


def test_window_is_kept_but_for_numbers_that_were_turned(slices):
    slices[0].WindowCenter, slices[0].WindowWidth = "40", "80"
    assert (classic(slices[0]).WindowCenter, classic(slices[0]).WindowWidth) == (40, 80)
    assert not {"WindowCenter", "WindowWidth"} & set(classic(slices[0], INVERTED).dir())


@pytest.mark.parametrize("text", ["YES", "NO"])
def test_burned_in_text_is_kept_as_a_warning(slices, enhanced_source, text):
    slices[0].BurnedInAnnotation = enhanced_source.BurnedInAnnotation = text
    assert classic(slices[0]).BurnedInAnnotation == enhanced(enhanced_source).BurnedInAnnotation == text


def test_enhanced_frames_stay_in_their_places_and_refer_to_theirs(enhanced_source):
    image = enhanced(enhanced_source)
    assert image.NumberOfFrames == len(image.PerFrameFunctionalGroupsSequence) == 4
    pairs = zip(image.PerFrameFunctionalGroupsSequence, enhanced_source.PerFrameFunctionalGroupsSequence, strict=True)
    for number, (frame, source) in enumerate(pairs, start=1):
        assert frame.PlanePositionSequence == source.PlanePositionSequence
        reference = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert reference.ReferencedFrameNumber == number
        assert reference.ReferencedSOPInstanceUID == enhanced_source.SOPInstanceUID
    shared, source = image.SharedFunctionalGroupsSequence[0], enhanced_source.SharedFunctionalGroupsSequence[0]
    assert shared.PlaneOrientationSequence == source.PlaneOrientationSequence
    assert shared.PixelMeasuresSequence == source.PixelMeasuresSequence


def test_enhanced_frames_are_sorted_by_their_place_in_the_stack(enhanced_source):
    image = enhanced(enhanced_source)
    contents = [frame.FrameContentSequence[0] for frame in image.PerFrameFunctionalGroupsSequence]
    assert [content.InStackPositionNumber for content in contents] == [4, 1, 2, 3]
    assert [list(content.DimensionIndexValues) for content in contents] == [[1, 4], [1, 1], [1, 2], [1, 3]]
    pointers = [item.DimensionIndexPointer for item in image.DimensionIndexSequence]
    assert pointers == [Tag("StackID"), Tag("InStackPositionNumber")]
    assert {item.DimensionOrganizationUID for item in image.DimensionIndexSequence} == {"1.2.5"}


def test_enhanced_scale_is_the_new_one_and_shared(enhanced_source):
    for frame in enhanced_source.PerFrameFunctionalGroupsSequence:
        frame.PixelValueTransformationSequence = [make_item(RescaleSlope="9", RescaleIntercept="9")]
        frame.RealWorldValueMappingSequence = [make_item(RealWorldValueSlope=9.0)]
    image = enhanced(enhanced_source, SCALED)
    scale = image.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
    assert (scale.RescaleSlope, scale.RescaleIntercept) == (0.25, -3)
    unwanted = {"PixelValueTransformationSequence", "RealWorldValueMappingSequence"}
    assert not any(unwanted & set(frame.dir()) for frame in image.PerFrameFunctionalGroupsSequence)


def test_enhanced_window_is_kept_but_for_numbers_that_were_turned(enhanced_source):
    assert enhanced(enhanced_source).SharedFunctionalGroupsSequence[0].FrameVOILUTSequence[0].WindowCenter == 40
    assert "FrameVOILUTSequence" not in enhanced(enhanced_source, INVERTED).SharedFunctionalGroupsSequence[0]


def test_frame_contents_that_were_shared_become_those_of_each_frame(enhanced_source):
    shared = enhanced_source.SharedFunctionalGroupsSequence[0]
    shared.FrameContentSequence = [make_item(FrameAcquisitionDuration=5.0)]
    for frame in enhanced_source.PerFrameFunctionalGroupsSequence:
        del frame.FrameContentSequence
    image = enhanced(enhanced_source)
    assert "FrameContentSequence" not in image.SharedFunctionalGroupsSequence[0]
    contents = [frame.FrameContentSequence[0] for frame in image.PerFrameFunctionalGroupsSequence]
    assert [content.FrameAcquisitionDuration for content in contents] == [5.0] * 4
    assert [content.InStackPositionNumber for content in contents] == [4, 1, 2, 3]


def test_legacy_converted_image_becomes_an_enhanced_one(enhanced_source):
    enhanced_source.SOPClassUID = LegacyConvertedEnhancedMRImageStorage
    image = enhanced(enhanced_source)
    assert image.SOPClassUID == EnhancedMRImageStorage
    (reference,) = {
        frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPClassUID
        for frame in image.PerFrameFunctionalGroupsSequence
    }
    assert reference == LegacyConvertedEnhancedMRImageStorage


def test_enhanced_image_names_its_source_by_study_series_and_image(enhanced_source):
    (study,) = enhanced(enhanced_source).SourceImageEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    assert study.StudyInstanceUID == enhanced_source.StudyInstanceUID
    assert series.SeriesInstanceUID == enhanced_source.SeriesInstanceUID
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == enhanced_source.SOPInstanceUID
