import dataclasses
import json
import re

import numpy as np
import pytest

from data_prep.phantom import PhantomPatient, marker_position
from data_prep.phantom.layouts.dicom import write_dicom
from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, save_dicom
from data_prep.sources.dicom import DICOM, find_dicom
from monai_vq.data import to_plane
from monai_vq.data.slicing import SlicingSettings, slice_volume
from monai_vq.errors import InputError

VOXEL_MM = 8.0
SECRET = "ZZPHI"
AFFINE = np.array([[0, 0, 1.2, -7], [-0.9, 0, 0, 12], [0, -1.1, 0, 30], [0, 0, 0, 1.0]])  # sagittal
VOXELS = np.random.default_rng(0).integers(0, 1000, (8, 6, 10)).astype(np.int16)
CLEAN = DicomSeries()
PATIENTS = [PhantomPatient.draw(0, index) for index in range(4)]  # the first and the fourth have two sessions


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    root = tmp_path_factory.mktemp("dicom") / "ward"
    root.mkdir()
    write_dicom(root, PATIENTS, VOXEL_MM)
    return root


def save(folder, series=CLEAN, change=lambda dataset: None, voxels=VOXELS):
    for index, dataset in enumerate(make_slices(voxels, AFFINE, series)):
        change(dataset)
        save_dicom(dataset, folder / f"I{index:03d}")


def describe(found):
    """Everything of a source that is written or shown."""
    scans = [{**dataclasses.asdict(scan), "files": None, "labels": None} for scan in found.scans]
    return repr({**vars(found), "scans": scans})


def test_the_phantom_ward_has_a_scan_a_session(cohort, tmp_path):
    found = find_dicom(cohort, key_file=tmp_path / "key.json")
    people = json.loads((tmp_path / "key.json").read_text())["patients"]
    expected = [(people[f"P{p.index + 1:03d}"], session) for p in PATIENTS for session in p.session_ages]
    assert sorted((scan.patient_id, scan.session_id) for scan in found.scans) == sorted(expected)
    assert not found.rejections
    assert found.unit == "patient"
    assert all(re.fullmatch(r"P[0-9A-F]{10}_ses-0[12]_run-01", scan.scan_id) for scan in found.scans)
    assert all(re.fullmatch(r"series-\d{4}-[0-9a-f]{8}", scan.source) for scan in found.scans)
    reasons = [one.reason for one in found.left]
    assert sum("a localizer" in reason for reason in reasons) == len(expected)
    assert sum("index of a medium" in reason or "not a DICOM file" in reason for reason in reasons) == 2


def test_people_are_those_of_the_headers(cohort):
    found = find_dicom(cohort, keep_ids=True)
    for patient in PATIENTS:
        scans = [scan for scan in found.scans if scan.patient_id == f"P{patient.index + 1:03d}"]
        assert [scan.person.age for scan in scans] == [int(age) for age in patient.session_ages.values()]
        assert {scan.person.sex for scan in scans} == {patient.sex}
        assert {scan.person.field_strength for scan in scans} == {"3"}
        assert {(scan.person.diagnosis, scan.person.site) for scan in scans} == {("", "")}


@pytest.mark.parametrize("index", range(4))
def test_the_marker_at_the_patients_left_is_at_the_right_of_the_axial_slice(cohort, index):
    patient = PATIENTS[index]
    found = find_dicom(cohort, keep_ids=True)
    scan = next(scan for scan in found.scans if scan.patient_id == f"P{index + 1:03d}")
    volume = scan.read(scan.files)
    i, j, k = np.rint(np.linalg.inv(volume.affine) @ (*marker_position(patient), 1))[:3].astype(int)
    assert volume.axes == "PIR"
    assert k < volume.array.shape[2] / 6  # stored slices go to the right, and the marker is at the left
    slices = to_plane(volume.array, volume.affine, "axial")
    depth, height, width = slices.shape
    spot = volume.array.shape[1] - 1 - j, i, width - 1 - k  # up from below; anterior first; right of the patient first
    assert slices[spot] == volume.array[i, j, k]
    left, right = slices[spot[0], :, : width // 8], slices[spot[0], :, -(width // 8) :]
    assert right.max() > 3 * left.max()
    assert slice_volume(volume, SlicingSettings()).slices.shape[1:] == (height, width)
    assert depth == volume.array.shape[1]


def test_names_stay_the_same_with_the_key_and_change_without(cohort, tmp_path):
    def ids(key):
        return [(scan.scan_id, scan.source) for scan in find_dicom(cohort, key_file=tmp_path / key).scans]

    assert ids("a") == ids("a")
    assert not set(ids("a")) & set(ids("b"))


def test_the_key_lies_beside_the_source_by_default(tmp_path):
    save(tmp_path / "ward" / "one")
    found = find_dicom(tmp_path / "ward")
    key = json.loads((tmp_path / "ward.pseudonyms.json").read_text())
    assert key["patients"] == {"P001": found.scans[0].patient_id}
    assert "beside the source's folder" in found.notes[0]


def test_nothing_private_leaves_headers_and_folders(tmp_path, capsys, recwarn, caplog):
    root = tmp_path / f"{SECRET}_ward"

    def mark(dataset):
        """Puts the sentinel into every text of the header that may hold one."""
        kept = ("ImageType", "Modality", "PhotometricInterpretation", "SpecificCharacterSet")
        for element in dataset:
            if element.VR in ("LO", "SH", "PN", "CS", "ST", "LT", "UT", "AE") and element.keyword not in kept:
                element.value = SECRET
        dataset.InstitutionName = dataset.OperatorsName = dataset.PatientComments = dataset.StationName = SECRET
        dataset.DeviceSerialNumber = dataset.PatientAddress = dataset.OtherPatientNames = SECRET
        dataset.PatientBirthDate = "19121212"
        dataset.private_block(0x0029, SECRET, create=True).add_new(1, "LO", SECRET)

    def damage(dataset):
        mark(dataset)
        dataset.SeriesInstanceUID, dataset.ImageOrientationPatient = "1.2.3", [1, 0, 0, 1, 0, 0]

    def other(dataset):
        mark(dataset)
        dataset.SeriesInstanceUID, dataset.Modality = "1.2.4", SECRET

    for name, change in (("good", mark), ("bad", damage), ("other", other)):
        save(root / SECRET / f"{SECRET}_{name}", change=change)
    (root / SECRET / f"{SECRET}.txt").write_text(SECRET)
    (root / SECRET / f"{SECRET}.dcm").touch()
    (root / SECRET / f"{SECRET}_cut.dcm").write_bytes((root / SECRET / f"{SECRET}_good" / "I000").read_bytes()[:400])
    found = find_dicom(root, key_file=tmp_path / "key.json")
    assert (len(found.scans), len(found.rejections), len(found.left)) == (1, 3, 2)
    assert SECRET not in describe(found)
    assert "19121212" not in describe(found)
    volume = found.scans[0].read(found.scans[0].files)
    assert SECRET not in repr(volume)
    for rejection in (*found.rejections, *found.left):
        assert SECRET not in str(rejection)
    assert capsys.readouterr() == ("", "")
    assert not recwarn
    assert SECRET not in caplog.text


@pytest.mark.parametrize("change", [{"PixelData": b"\0\0"}, {"Rows": 60000}, {"ImagePositionPatient": None}])
def test_errors_of_reading_quote_nothing(tmp_path, change):
    root = tmp_path / SECRET
    save(root, DicomSeries(patient_id=SECRET, patient_name=SECRET, description=SECRET))
    (scan,) = find_dicom(root, key_file=tmp_path / "key.json").scans

    def spoil(dataset):
        for keyword, value in change.items():
            setattr(dataset, keyword, value)

    save(root, DicomSeries(patient_id=SECRET, patient_name=SECRET, description=SECRET), spoil)
    with pytest.raises(InputError) as caught:
        scan.read(scan.files)
    assert SECRET not in str(caught.value)


def test_series_can_be_chosen_by_name(tmp_path):
    save(tmp_path / "ward/a", DicomSeries(number=2, description="T1 MPRAGE"))
    save(tmp_path / "ward/b", DicomSeries(number=3, description="T2 FLAIR"))
    both = find_dicom(tmp_path / "ward")
    assert [scan.scan_id[-6:] for scan in both.scans] == ["run-01", "run-02"]
    assert any("2 scans in 1 sessions" in note for note in both.notes)
    one = find_dicom(tmp_path / "ward", series_regex="mprage")
    assert (len(one.scans), len(one.left)) == (1, 1)
    assert "--series_regex" in one.left[0].reason
    with pytest.raises(InputError, match="no regular expression"):
        find_dicom(tmp_path / "ward", series_regex="(")


def test_derived_volumes_are_taken_if_they_are_asked_for(tmp_path):
    save(tmp_path / "ward/defaced", DicomSeries(image_type=("DERIVED", "SECONDARY")))
    with pytest.raises(InputError, match=r"derived from other images; give --derived if it is a scan"):
        find_dicom(tmp_path / "ward")
    (scan,) = find_dicom(tmp_path / "ward", derived=True).scans
    np.testing.assert_array_equal(scan.read(scan.files).array, VOXELS)


def test_folders_of_several_patients_are_refused_until_their_ids_are_trusted(tmp_path):
    for number, patient in enumerate(("A", "B")):
        for index, dataset in enumerate(make_slices(VOXELS, AFFINE, DicomSeries(patient_id=patient))):
            save_dicom(dataset, tmp_path / "ward" / f"I{number}{index:03d}")
    with pytest.raises(InputError, match=r"images of several patients.*--mixed_folders"):
        find_dicom(tmp_path / "ward")
    found = find_dicom(tmp_path / "ward", mixed_folders=True)
    assert len({scan.patient_id for scan in found.scans}) == 2


def test_burned_in_text_and_unknown_owners_are_rejected(tmp_path):
    def burn(dataset):
        dataset.BurnedInAnnotation = "YES"

    def forget(dataset):
        dataset.PatientID = ""

    save(tmp_path / "ward/a", DicomSeries(patient_id="A"))
    save(tmp_path / "ward/b", DicomSeries(patient_id="B"), burn)
    save(tmp_path / "ward/c", DicomSeries(patient_id="C"), forget)
    found = find_dicom(tmp_path / "ward")
    assert len(found.scans) == 1
    assert sorted(one.reason[:30] for one in found.rejections) == [
        "text is burned into the pixels",
        "the headers have no PatientID,",
    ]


def test_notes_count_copies_undated_studies_and_ages(tmp_path):
    def undate(dataset):
        dataset.StudyDate, dataset.PatientAge = "", "000X"

    save(tmp_path / "ward/a", change=undate)
    save(tmp_path / "ward/copy", change=undate)
    found = find_dicom(tmp_path / "ward", key_file=tmp_path / "key.json")
    assert len(found.scans) == 1
    assert [note[:8] for note in found.notes] == ["10 file(", "1 scan(s", "1 age(s)"]


def test_a_folder_without_volumes_is_an_error_that_names_nothing(tmp_path):
    (tmp_path / SECRET).mkdir()
    with pytest.raises(InputError, match="no MR volume among the DICOM files; give a folder") as caught:
        find_dicom(tmp_path / SECRET)
    assert SECRET not in str(caught.value)
    with pytest.raises(InputError, match="no folder"):
        find_dicom(tmp_path / "none")


def test_the_source_declares_the_options_of_its_finder():
    assert DICOM.finder is find_dicom
    assert set(DICOM.options) == set(find_dicom.__kwdefaults__)
