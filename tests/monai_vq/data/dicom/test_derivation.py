from datetime import datetime

import pytest

from monai_vq.data.dicom.derivation import (
    Derivation,
    complete_image,
    derivation_elements,
    rescale_elements,
    source_reference,
)
from monai_vq.data.dicom.items import make_item
from monai_vq.data.dicom.stored_scale import StoredScale


def complete(source, ratio=20.0, dataset=None):
    scale = StoredScale("0.5", "-3", signed=False)
    created = datetime(2024, 2, 29, 8, 5, 1)
    derivation = Derivation("1.2.3", "1.2.4", "1.2.5", 1007, "half bits", created, scale, False, ratio)
    dataset = make_item() if dataset is None else dataset
    complete_image(dataset, source, (2, 3), derivation)
    return dataset, derivation


def test_image_says_whose_series_it_is_and_when_it_was_made():
    dataset, _ = complete(make_item())
    assert (dataset.SeriesInstanceUID, dataset.SeriesNumber, dataset.SeriesDescription) == ("1.2.3", 1007, "half bits")
    assert (dataset.ContentDate, dataset.ContentTime) == ("20240229", "080501")
    assert dataset.Manufacturer == dataset.ManufacturerModelName == "monai_vq"


def test_pixels_are_described_as_they_are():
    dataset, _ = complete(make_item())
    assert (dataset.Rows, dataset.Columns, dataset.PixelRepresentation, dataset.BitsStored) == (2, 3, 0, 16)


def test_scanner_is_equipment_that_contributed():
    dataset, _ = complete(make_item(Manufacturer="ACME", ManufacturerModelName="X1", DeviceSerialNumber="77"))
    (scanner,) = dataset.ContributingEquipmentSequence
    assert (scanner.Manufacturer, scanner.ManufacturerModelName) == ("ACME", "X1")
    assert "DeviceSerialNumber" not in scanner
    assert "ContributingEquipmentSequence" not in complete(make_item())[0]


def test_what_every_image_must_have_is_there_and_what_was_there_is_kept():
    dataset, _ = complete(make_item(), dataset=make_item(PatientID="P1", FrameOfReferenceUID="1.9"))
    assert (dataset.PatientID, dataset.PatientName, dataset.FrameOfReferenceUID) == ("P1", "", "1.9")
    assert complete(make_item())[0].FrameOfReferenceUID == "1.2.4"


@pytest.mark.parametrize(
    ("source", "ratio", "ratios", "methods"),
    [
        ({}, 20.12345, 20.123, "AUTOENCODER"),
        ({}, None, None, None),
        ({"Ratio": "8", "Method": "ISO_10918_1"}, 20, [8, 20], ["ISO_10918_1", "AUTOENCODER"]),
        ({"Ratio": "8", "Method": "ISO_10918_1"}, None, 8, "ISO_10918_1"),
    ],
)
def test_loss_is_flagged_and_steps_are_added_up(source, ratio, ratios, methods):
    dataset, _ = complete(make_item(**{f"LossyImageCompression{name}": text for name, text in source.items()}), ratio)
    assert dataset.LossyImageCompression == "01"
    assert dataset.get("LossyImageCompressionRatio") == ratios
    assert dataset.get("LossyImageCompressionMethod") == methods


def test_derivation_names_its_source_and_what_was_done():
    reference = source_reference("1.2.840.10008.5.1.4.1.1.4", "1.7", ReferencedFrameNumber=4)
    step = make_item(**derivation_elements(complete(make_item())[1], reference))
    assert "half bits" in step.DerivationDescription
    assert step.DerivationCodeSequence[0].CodeValue == "113040"
    source = step.SourceImageSequence[0]
    assert (source.ReferencedSOPInstanceUID, source.ReferencedFrameNumber) == ("1.7", 4)
    assert source.SpatialLocationsPreserved == "YES"


def test_rescale_elements_are_those_of_the_scale():
    elements = rescale_elements(StoredScale("0.5", "-3", signed=False))
    assert elements == {"RescaleSlope": "0.5", "RescaleIntercept": "-3", "RescaleType": "US"}
