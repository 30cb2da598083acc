from pydicom.dataset import Dataset

from monai_vq.data.dicom.items import add_elements, make_code, make_item


def test_elements_are_set_by_their_keywords():
    dataset = make_item(PatientSex="F", Rows=3)
    add_elements(dataset, Rows=4, DerivationCodeSequence=[make_code("113040", "DCM", "Lossy Compression")])
    assert (dataset[0x00100040].value, dataset[0x00280010].value) == ("F", 4)
    assert dataset.DerivationCodeSequence[0].CodeValue == "113040"
    assert dataset[0x00089215].VR == "SQ"
    assert isinstance(dataset, Dataset)
