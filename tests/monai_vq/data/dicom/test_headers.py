import dataclasses

import pytest
from pydicom.uid import ImplicitVRLittleEndian, MRImageStorage

from monai_vq.data import VolumeError
from monai_vq.data.dicom import read_header

SECRET = "ZZPHI"
NAMES = ("PatientName", "PatientBirthDate", "InstitutionName", "ReferringPhysicianName", "OtherPatientIDs")


def test_the_header_is_read_as_it_was_written(slices, save):
    slices[0].BurnedInAnnotation = "YES"
    header = read_header(save(slices[:1])[0])
    assert (header.sop_class, header.modality, header.patient) == (MRImageStorage, "MR", "P001")
    assert header.series == slices[0].SeriesInstanceUID
    assert header.image_type == ("ORIGINAL", "PRIMARY", "M", "ND")
    assert (header.format.rows, header.format.columns, header.format.bits_stored, header.format.signed) == (6, 8, 16, 1)
    assert (header.info.age, header.info.field_strength, header.info.series_number) == ("074Y", 3.0, 2)
    assert header.burned_in
    assert len(header.frames) == header.format.frames == 1


def test_implicit_syntax_gives_the_same_header(slices, save):
    explicit = read_header(save(slices[:1])[0])
    implicit = read_header(save(slices[:1], syntax=ImplicitVRLittleEndian)[0])
    differing = {field.name for field in dataclasses.fields(explicit)} - {"syntax", "pixels"}
    assert all(getattr(explicit, name) == getattr(implicit, name) for name in differing)


def test_names_dates_of_birth_and_institutions_are_never_read(slices, save):
    for keyword in NAMES:
        setattr(slices[0], keyword, "19991231" if keyword.endswith("Date") else SECRET)
    slices[0].private_block(0x0029, "SIEMENS", create=True).add_new(1, "LO", SECRET)
    header = read_header(save(slices[:1])[0])
    assert SECRET not in str(dataclasses.asdict(header))
    assert "19991231" not in str(dataclasses.asdict(header))


def read_errors(path):
    try:
        read_header(path)
    except VolumeError as error:
        return [error]
    return []


@pytest.mark.parametrize("damage", [b"\xff" * 40, b"\x00" * 40, b"SQ\x00\x00\xff\xff\xff\xff" * 5])
def test_damage_anywhere_raises_or_is_seen_and_quotes_nothing(slices, save, damage, capsys, recwarn):
    slices[0].PatientID = slices[0].PatientName = SECRET
    path = save(slices[:1], folder=SECRET)[0]
    content = path.read_bytes()
    errors = []
    for position in range(132, len(content) - len(damage), 23):
        path.write_bytes(content[:position] + damage + content[position + len(damage) :])
        errors += read_errors(path)
    assert errors
    assert not any(SECRET in str(error) for error in errors)
    assert all(error.__cause__ is None for error in errors)  # a traceback would quote it
    assert not recwarn
    assert capsys.readouterr() == ("", "")
