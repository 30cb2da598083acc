import argparse
import pickle
import re
import shutil

import numpy as np
import pytest

from data_prep.phantom import PhantomPatient, marker_position
from data_prep.phantom.layouts.oasis1 import write_oasis1
from data_prep.phantom.layouts.oasis_grid import RAW_GRID, SUBJECT_GRID, T88_GRID
from data_prep.sources.oasis1 import OASIS1, find_oasis1
from data_prep.sources.oasis1_images import IMAGE_KINDS
from monai_vq.data import VolumeError
from monai_vq.data.slicing import SlicingSettings, slice_volume
from monai_vq.errors import InputError

VOXEL_MM = 8.0
PATIENTS = [PhantomPatient.draw(0, index) for index in range(5)]  # 0 and 3 were scanned twice, 4 has no CDR
GRIDS = {"t88": T88_GRID, "subj111": SUBJECT_GRID, "raw": RAW_GRID}
T88 = "PROCESSED/MPRAGE/T88_111"


@pytest.fixture(scope="module")
def download(tmp_path_factory):
    """Five patients, seven sessions."""
    root = tmp_path_factory.mktemp("oasis1")
    write_oasis1(root, PATIENTS, VOXEL_MM)
    return root


@pytest.fixture
def copy(download, tmp_path):
    """A copy to be spoilt."""
    return shutil.copytree(download, tmp_path / "oasis1")


def test_each_session_is_one_scan_and_a_rescan_is_of_the_same_patient(download):
    found = find_oasis1(download)
    assert [(scan.scan_id, scan.patient_id, scan.session_id) for scan in found.scans] == [
        ("OAS1_0001_MR1", "OAS1_0001", "MR1"),
        ("OAS1_0001_MR2", "OAS1_0001", "MR2"),
        ("OAS1_0002_MR1", "OAS1_0002", "MR1"),
        ("OAS1_0003_MR1", "OAS1_0003", "MR1"),
        ("OAS1_0004_MR1", "OAS1_0004", "MR1"),
        ("OAS1_0004_MR2", "OAS1_0004", "MR2"),
        ("OAS1_0005_MR1", "OAS1_0005", "MR1"),
    ]
    assert found.scans[0].source == f"disc1/OAS1_0001_MR1/{T88}/OAS1_0001_MR1_mpr_n4_anon_111_t88_masked_gfc.hdr"
    assert found.scans[2].path.name == "OAS1_0002_MR1_mpr_n3_anon_111_t88_masked_gfc.hdr"
    assert (found.unit, found.skull_stripped, found.rejections) == ("patient", True, [])


def test_nothing_is_taken_or_left_twice_and_strays_are_ignored(download):
    found = find_oasis1(download, image="raw")
    taken = [scan.source for scan in found.scans]
    left = [one.source for one in found.left]
    images = {path.with_suffix("").relative_to(download).as_posix() for path in download.rglob("[!.]*.img")}
    assert sorted([source.removesuffix(".hdr") for source in taken] + left) == sorted(images)
    assert taken[0] == "disc1/OAS1_0001_MR1/RAW/OAS1_0001_MR1_mpr-1_anon.hdr"
    assert found.scans[0].scan_id == "OAS1_0001_MR1_mpr-1"


def test_a_blank_cdr_is_unknown_and_half_a_point_is_not_lost(download):
    people = {scan.scan_id: scan.person for scan in find_oasis1(download).scans}
    assert [person.diagnosis for person in people.values()] == ["CN", "", "AD", "CN", "AD", "", ""]
    assert people["OAS1_0002_MR1"].age == round(PATIENTS[1].age)
    assert people["OAS1_0002_MR1"].sex == PATIENTS[1].sex
    assert any("3 of 7 session(s) have no CDR" in note for note in find_oasis1(download).notes)


def test_table_workbook_and_text_files_give_the_same_people(copy):
    def people():
        return [scan.person for scan in find_oasis1(copy).scans]

    from_csv = people()
    (copy / "oasis_cross-sectional.csv").unlink()
    from_workbook = people()
    (copy / "oasis_cross-sectional-5708aa0a98d82080.xlsx").unlink()
    assert from_csv == from_workbook == people()
    assert any("no table" in note for note in find_oasis1(copy).notes)


@pytest.mark.parametrize("image", GRIDS)
@pytest.mark.parametrize("number", [0, 1])
def test_the_marker_at_the_patient_s_left_is_in_its_place_of_the_axial_slice(download, image, number):
    shape, affine = GRIDS[image].place(VOXEL_MM)
    world = (*marker_position(PATIENTS[number]), 1)
    stored = np.rint(np.linalg.solve(affine, world)[:3]).astype(int)
    i, j, k = stored.tolist()
    if image == "t88":  # i to the left, j forwards, k upwards
        slice_, row, column = k, shape[1] - 1 - j, i
    else:  # i forwards, j upwards, k to the left
        slice_, row, column = j, shape[0] - 1 - i, k
    scan = next(scan for scan in find_oasis1(download, image=image).scans if scan.patient_id.endswith(str(number + 1)))
    volume = scan.read(scan.files)
    cut = slice_volume(volume, SlicingSettings(slice_range=(0.0, 1.0)))
    shown = cut.slices[cut.slice_indices.index(slice_)].astype(float)
    assert volume.array[i, j, k] > volume.array.max() / 5
    assert shown[row, column] > 3 * max(shown[row - 4, column], shown[row + 4, column])  # air before and behind it
    assert column > 0.8 * shown.shape[1]


def test_the_masked_image_is_the_head_s_brain_and_lies_on_the_grid_of_the_labels(download):
    head = find_oasis1(download, image="t88", labels=True).scans[2]
    brain = find_oasis1(download, labels=True).scans[2]
    volume, masked = head.read(head.files), brain.read(brain.files)
    labels = brain.read_labels(brain.labels)
    inside = labels.array > 0
    np.testing.assert_array_equal(masked.array, np.where(inside, volume.array, 0))
    np.testing.assert_array_equal(labels.affine, masked.affine)
    assert set(np.unique(labels.array)) == {0, 1, 2, 3}
    assert head.labels == brain.labels
    assert [volume.array[labels.array == tissue].mean() for tissue in (1, 2, 3)] == sorted(
        volume.array[labels.array == tissue].mean() for tissue in (1, 2, 3)
    )  # CSF is dark, white matter bright


def test_labels_only_where_they_were_made(download, copy):
    assert not find_oasis1(download).scans[0].labels
    for image in ("subj111", "raw"):
        with pytest.raises(InputError, match=f"not on the grid of {image}; give --image masked_t88 or t88"):
            find_oasis1(download, image=image, labels=True)
    next(copy.glob("disc1/OAS1_0001_MR1/FSL_SEG/*.img")).unlink()
    found = find_oasis1(copy, labels=True)
    assert (found.scans[0].labels, len(found.scans)) == ((), 7)
    assert any("1 scan(s) have no tissue labels in FSL_SEG, first OAS1_0001_MR1" in note for note in found.notes)


def test_the_reading_can_be_sent_to_another_process(download):
    scan = find_oasis1(download).scans[0]
    sent = pickle.loads(pickle.dumps(scan))
    assert sent.read(sent.files).sha256 == scan.read(scan.files).sha256


def test_a_damaged_image_s_remedy_names_another(copy):
    scan = find_oasis1(copy).scans[0]
    scan.files[1].write_bytes(b"")
    with pytest.raises(VolumeError, match="cut off") as refusal:
        scan.read(scan.files)
    stem, kind = re.search(r"; (\S+) is there too: --image (\S+) takes such images", refusal.value.remedy).groups()
    assert find_oasis1(copy, image=kind).scans[0].path.stem == stem


def test_half_pairs_lacking_images_and_copies_are_rejected_with_what_to_do(copy):
    next(copy.glob(f"*/OAS1_0001_MR1/{T88}/OAS1*_t88_masked_gfc.img")).unlink()
    for path in copy.glob(f"*/OAS1_0003_MR1/{T88}/*masked_gfc.*"):
        path.unlink()
    shutil.copytree(next(copy.glob("*/OAS1_0005_MR1")), copy / "again/OAS1_0005_MR1")
    (copy / "disc1/OAS1_0099").mkdir()
    found = find_oasis1(copy)
    reasons = {one.source: one.reason for one in found.rejections}
    assert reasons.pop("disc1/OAS1_0099") == "the folder's name is not of the form OAS1_XXXX_MRn"
    assert reasons.pop("disc2/OAS1_0005_MR1") == "the session is also in again/OAS1_0005_MR1, which is taken"
    assert sorted(reason.partition(" (")[0] for reason in reasons.values()) == [
        "OAS1_0001_MR1_mpr_n4_anon_111_t88_masked_gfc.img is missing",
        "no masked_t88 image",
    ]
    assert len(found.scans) == 5


def test_one_disc_finds_its_table_above(copy):
    found = find_oasis1(copy / "disc2")
    assert found.scans
    assert found.scans[0].person.age is not None
    assert not any("no table" in note for note in found.notes)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "oasis_cross-sectional_disc1.tar.gz").touch()
    with pytest.raises(InputError, match=r"no folder OAS1_XXXX_MRn .*disc1\.tar\.gz; give .* unpacked"):
        find_oasis1(tmp_path)
    with pytest.raises(InputError, match="unknown image 'n4'; expected one of masked_t88"):
        find_oasis1(tmp_path, image="n4")


def test_sessions_without_any_such_image_say_so(tmp_path):
    (tmp_path / "disc1/OAS1_0001_MR1/RAW").mkdir(parents=True)
    with pytest.raises(InputError, match=r"no masked_t88 image under .*choose another --image"):
        find_oasis1(tmp_path)


def test_the_command_line_s_options_are_the_function_s(download):
    parser = argparse.ArgumentParser()
    OASIS1.add_arguments(parser)
    options = vars(parser.parse_args(["--image", "t88", "--labels"]))
    assert set(options) == set(OASIS1.options)
    assert OASIS1.find(download, **options).scans[0].labels
    assert parser.parse_args([]).image in IMAGE_KINDS
