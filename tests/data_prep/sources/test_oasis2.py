import argparse
import pickle
import shutil
import struct

import numpy as np
import pytest

from data_prep.phantom import PhantomPatient, marker_position
from data_prep.phantom.layouts.oasis2 import write_oasis2
from data_prep.phantom.layouts.oasis_grid import RAW_GRID
from data_prep.sources.oasis2 import OASIS2, find_oasis2, read_acquisition
from monai_vq.data import VolumeError
from monai_vq.data.slicing import SlicingSettings, slice_volume
from monai_vq.errors import InputError

VOXEL_MM = 8.0
PATIENTS = [PhantomPatient.draw(0, index) for index in range(4)]  # 0 and 3 come back
TABLE = "oasis_longitudinal_demographics-8d83e569fa2e2d30.xlsx"


@pytest.fixture(scope="module")
def download(tmp_path_factory):
    """Four patients, six visits."""
    root = tmp_path_factory.mktemp("oasis2")
    write_oasis2(root, PATIENTS, VOXEL_MM)
    return root


@pytest.fixture
def copy(download, tmp_path):
    """A copy to be spoilt."""
    return shutil.copytree(download, tmp_path / "oasis2")


def test_each_visit_is_one_scan_in_whichever_part_it_lies(download):
    found = find_oasis2(download)
    assert [(scan.source, scan.patient_id, scan.session_id, scan.scan_id) for scan in found.scans] == [
        (f"OAS2_RAW_PART{part}/{name}/RAW/mpr-1.nifti.hdr", name[:9], name[10:], f"{name}_mpr-1")
        for part, name in (
            (1, "OAS2_0001_MR1"),
            (2, "OAS2_0001_MR2"),
            (2, "OAS2_0002_MR1"),
            (1, "OAS2_0003_MR1"),
            (2, "OAS2_0004_MR1"),
            (1, "OAS2_0004_MR2"),
        )
    ]
    assert (found.unit, found.skull_stripped, found.rejections) == ("patient", False, [])


def test_the_stray_copy_and_further_acquisitions_are_left(download):
    left = {one.source: one.reason for one in find_oasis2(download).left}
    assert left.pop("OAS2_RAW_PART1/OAS2_0001_MR1/RAW/3906-3.nift").startswith("not named mpr-N")
    assert len(left) == 2 * 6
    assert {reason.partition(",")[0] for reason in left.values()} == {"another acquisition of the visit"}


def test_the_diagnosis_changes_with_the_visit_of_a_convert(download):
    people = {scan.scan_id[:13]: scan.person for scan in find_oasis2(download).scans}
    assert [person.diagnosis for person in people.values()] == ["CN", "CN", "Dementia", "CN", "CN", "Dementia"]
    ages = [round(age) for age in PATIENTS[3].session_ages.values()]
    assert [people[f"OAS2_0004_MR{visit}"].age for visit in (1, 2)] == ages


@pytest.mark.parametrize("oriented", [True, False])
@pytest.mark.parametrize("number", [0, 1])
def test_the_marker_at_the_patient_s_left_is_in_its_place_of_the_axial_slice(download, tmp_path, oriented, number):
    if not oriented:
        write_oasis2(tmp_path, PATIENTS[: number + 1], VOXEL_MM, oriented=False)
    shape, affine = RAW_GRID.place(VOXEL_MM)
    i, j, k = np.rint(np.linalg.solve(affine, (*marker_position(PATIENTS[number]), 1))[:3]).astype(int).tolist()
    scans = find_oasis2(download if oriented else tmp_path).scans
    scan = next(scan for scan in scans if scan.patient_id.endswith(str(number + 1)))
    volume = scan.read(scan.files)
    cut = slice_volume(volume, SlicingSettings(slice_range=(0.0, 1.0)))
    shown = cut.slices[cut.slice_indices.index(j)].astype(float)  # j grows upwards, i forwards, k to the left
    row, column = shape[0] - 1 - i, k
    assert volume.array[i, j, k] > volume.array.max() / 5
    assert shown[row, column] > 3 * max(shown[row - 4, column], shown[row + 4, column])  # air before and behind it
    assert column > 0.8 * shown.shape[1]


def edit(files, offset, form, *values):
    content = bytearray(files[0].read_bytes())
    struct.pack_into(f">{form}", content, offset, *values)
    files[0].write_bytes(content)


def test_a_header_that_denies_sagittal_slices_is_refused_unless_told(copy):
    scan = find_oasis2(copy).scans[0]
    edit(scan.files, 252, "2h", 0, 1)  # no qform; an sform along the stored axes, as of a transverse scan
    edit(scan.files, 280, "12f", *np.diag([8, 8, 10, 1])[:3].ravel())
    with pytest.raises(VolumeError, match=r"axes are RAS, but .* sagittal.*--assume_orientation ASL"):
        scan.read(scan.files)
    told = find_oasis2(copy, assume_orientation="ASL").scans[0]
    assert told.read(told.files).axes == "ASL"
    with pytest.raises(InputError, match="axes 'LAR'"):
        find_oasis2(copy, assume_orientation="LAR")


def test_another_grid_is_refused(copy):
    scan = find_oasis2(copy).scans[0]
    edit(scan.files, 252, "2h", 0, 0)
    edit(scan.files, 80, "f", 9.0)
    with pytest.raises(VolumeError, match="expected 256 x 256 x 160 mm"):
        scan.read(scan.files)


def test_half_pairs_misnamed_files_and_copies_are_rejected_with_what_to_do(copy):
    first, second, third = (
        copy / "OAS2_RAW_PART1" / name / "RAW" for name in ("OAS2_0001_MR1", "OAS2_0003_MR1", "OAS2_0004_MR2")
    )
    (first / "mpr-1.nifti.img").unlink()
    for suffix in (".hdr", ".img"):
        (second / f"mpr-1.nifti{suffix}").rename(second / f"mpr-1.nift{suffix}")
    shutil.rmtree(third)
    shutil.copytree(copy / "OAS2_RAW_PART2/OAS2_0001_MR2", copy / "OAS2_RAW_PART1/OAS2_0001_MR2")
    found = find_oasis2(copy)
    assert {one.source: one.reason for one in found.rejections} == {
        "OAS2_RAW_PART1/OAS2_0001_MR1/RAW/mpr-1.nifti": "mpr-1.nifti.img is missing",
        "OAS2_RAW_PART1/OAS2_0003_MR1/RAW/mpr-1.nift": "the name is not of the form mpr-N.nifti.hdr and .img",
        "OAS2_RAW_PART1/OAS2_0004_MR2": "no image mpr-N.nifti.hdr and .img in RAW",
        "OAS2_RAW_PART2/OAS2_0001_MR2": "the visit is also in OAS2_RAW_PART1/OAS2_0001_MR2, which is taken",
    }
    assert [scan.scan_id for scan in found.scans][::2] == [
        "OAS2_0001_MR1_mpr-2",
        "OAS2_0002_MR1_mpr-1",
        "OAS2_0004_MR1_mpr-1",
    ]


def test_one_part_finds_the_table_above(copy):
    assert find_oasis2(copy / "OAS2_RAW_PART2").scans[0].person.age == round(PATIENTS[0].session_ages["ses-02"])
    (copy / TABLE).unlink()
    assert any("no table" in note for note in find_oasis2(copy).notes)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no folder OAS2_XXXX_MRn .*OAS2_RAW_PART1 and OAS2_RAW_PART2"):
        find_oasis2(tmp_path)
    (tmp_path / "OAS2_0001_MR1/RAW").mkdir(parents=True)
    with pytest.raises(InputError, match=r"no RAW/mpr-N\.nifti\.hdr and \.img under"):
        find_oasis2(tmp_path)


def test_the_command_line_s_options_are_the_function_s_and_the_reading_can_be_sent(download):
    parser = argparse.ArgumentParser()
    OASIS2.add_arguments(parser)
    options = vars(parser.parse_args(["--assume_orientation", "ASL"]))
    assert set(options) == set(OASIS2.options)
    scan = pickle.loads(pickle.dumps(OASIS2.find(download, **options).scans[0]))
    assert scan.read(scan.files).axes == "ASL"


def test_a_changed_byte_of_the_header_is_refused_or_harmless_but_for_scaling_and_matrix(copy):
    """Whatever goes unseen mirrors and turns nothing."""
    scan = find_oasis2(copy).scans[0]
    content, reference = scan.files[0].read_bytes(), scan.read(scan.files)
    silent, rng = set(), np.random.default_rng(0)
    flips = [(position, 0x80) for position in range(252, 328)]  # signs and exponents of the orientation
    for position, mask in [*flips, *zip(rng.integers(0, 348, 200), rng.integers(1, 256, 200), strict=True)]:
        changed = bytearray(content)
        changed[position] ^= int(mask)
        scan.files[0].write_bytes(changed)
        try:
            volume = read_acquisition(scan.files)
        except VolumeError:
            continue
        assert volume.axes == reference.axes
        assert volume.array.shape == reference.array.shape
        same = np.array_equal(volume.array, reference.array)
        if not (same and np.allclose(volume.affine, reference.affine, atol=0.05)):
            silent.add(int(position))
    assert silent <= {*range(112, 120), *range(280, 328)}  # scaling, sform
