import argparse

import nibabel as nib
import numpy as np
import pytest

from data_prep.sources.orientation_option import add_orientation_argument, make_reader
from monai_vq.errors import InputError


def test_the_option_reaches_the_reader(tmp_path):
    parser = argparse.ArgumentParser()
    add_orientation_argument(parser)
    assert parser.parse_args([]).assume_orientation is None
    axes = parser.parse_args(["--assume_orientation", "PSR"]).assume_orientation
    image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), None)
    image.header.set_zooms((2, 3, 4))
    nib.save(image, tmp_path / "scan.nii")
    volume = make_reader(axes)((tmp_path / "scan.nii",))
    assert (volume.axes, volume.spacing) == ("PSR", (2.0, 3.0, 4.0))


def test_impossible_axes_are_refused_before_anything_is_read():
    with pytest.raises(InputError, match="axes 'PSX'"):
        make_reader("PSX")
