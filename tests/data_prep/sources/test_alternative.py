import pickle
from pathlib import Path

import pytest

from data_prep.sources.alternative import ReadOrAdvise
from monai_vq.data import VolumeError


def refuse(files):
    raise VolumeError("cut off", "download it again")


def test_the_advice_is_the_end_of_the_remedy():
    reader = pickle.loads(pickle.dumps(ReadOrAdvise(refuse, "n3.nii is there too")))
    with pytest.raises(VolumeError) as refusal:
        reader((Path("scaled.nii"),))
    assert (refusal.value.reason, refusal.value.remedy) == ("cut off", "download it again; n3.nii is there too")
    assert ReadOrAdvise(len, "")((Path("a"),)) == 1
