import pickle
from pathlib import Path

import pytest

from data_prep.private.nameless import NamelessReader
from monai_vq.data import VolumeError


def refuse(files):
    names = " and ".join(path.name for path in files)
    raise VolumeError(f"3 of 504 voxels of {names} in {files[0].parent.name} are NaN", f"delete {files[0].name}")


def test_names_of_files_stay_out_of_an_error_and_its_words_remain():
    reader = pickle.loads(pickle.dumps(NamelessReader(refuse)))  # as it is sent to other processes
    with pytest.raises(VolumeError) as refusal:
        reader((Path("/home/user/voxels/Doe_Jane/case_007_1.png"), Path("/home/user/voxels/Doe_Jane/case_007_2.png")))
    error = refusal.value
    assert error.reason == "3 of 504 voxels of (name) and (name) in (name) are NaN"
    assert error.remedy == "delete (name)"
    assert error.__cause__ is None  # nor is it shown with a traceback
    assert error.__suppress_context__


def test_what_is_read_comes_through():
    assert NamelessReader(len)((Path("a"), Path("b"))) == 2
