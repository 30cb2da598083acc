import pytest

from data_prep.sources.oasis_sessions import find_pair_problem, find_pairs, find_sessions, pair_files, split_session
from monai_vq.errors import InputError


@pytest.mark.parametrize("parent", ["", "disc1", "oasis_cross-sectional_disc1/disc1"])
def test_sessions_are_found_at_every_level_at_which_archives_unpack(tmp_path, parent):
    folder = tmp_path / parent / "OAS1_0001_MR1"
    (folder / "RAW").mkdir(parents=True)
    assert find_sessions(tmp_path, "OAS1", "").folders == {"OAS1_0001_MR1": [folder]}


def test_tables_are_looked_for_in_all_parents_and_above_a_lone_disc(tmp_path):
    disc = tmp_path / "disc1"
    (disc / "OAS1_0001_MR1").mkdir(parents=True)
    assert find_sessions(tmp_path, "OAS1", "").parents == [tmp_path, disc]
    assert find_sessions(disc, "OAS1", "").parents == [disc, tmp_path.resolve()]


def test_a_session_in_two_places_has_two_folders_and_misnamed_ones_are_listed(tmp_path):
    for name in ("disc1/OAS1_0001_MR1", "disc2/OAS1_0001_MR1", "disc2/OAS1_0002", "disc2/.OAS1_0003_MR1"):
        (tmp_path / name).mkdir(parents=True)
    sessions = find_sessions(tmp_path, "OAS1", "")
    assert sessions.folders == {"OAS1_0001_MR1": [tmp_path / f"disc{n}/OAS1_0001_MR1" for n in (1, 2)]}
    assert [(rejection.source, "OAS1_XXXX_MRn" in rejection.reason) for rejection in sessions.misnamed] == [
        ("disc2/OAS1_0002", True)
    ]


def test_a_folder_without_sessions_is_refused_with_what_it_holds(tmp_path):
    (tmp_path / "OAS2_0001_MR1").mkdir()
    with pytest.raises(InputError, match=r"no folder OAS1_XXXX_MRn in .* holds OAS2_0001_MR1; give the discs"):
        find_sessions(tmp_path, "OAS1", "give the discs")
    with pytest.raises(InputError, match=r"no folder .*nowhere; give the discs"):
        find_sessions(tmp_path / "nowhere", "OAS1", "give the discs")


def test_a_pair_is_counted_once_and_its_name_is_not_cut_at_an_inner_dot(tmp_path):
    for name in ("mpr-1.nifti.hdr", "mpr-1.nifti.img", "._mpr-1.nifti.img", "mpr-2.nifti.img", "mpr-1.gif", "a.txt"):
        (tmp_path / name).touch()
    first, second = find_pairs(tmp_path)
    assert pair_files(first) == (tmp_path / "mpr-1.nifti.hdr", tmp_path / "mpr-1.nifti.img")
    assert find_pair_problem(first) is None
    assert find_pair_problem(second)[0] == "mpr-2.nifti.hdr is missing"
    assert find_pairs(tmp_path / "none") == []


def test_the_session_names_its_patient():
    assert split_session("OAS1_0061_MR2") == ("OAS1_0061", "MR2")
