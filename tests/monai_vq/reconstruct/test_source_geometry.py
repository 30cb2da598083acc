import nibabel as nib
import numpy as np
import pytest

from monai_vq.reconstruct.source_geometry import GEOMETRY_TYPES, pack_geometry, unpack_geometry
from monai_vq.reconstruct.volume_file import make_header

AFFINE = nib.affines.from_matvec(np.array([[0.9, -0.1, 0], [0.1, 1.1, 0.2], [0, -0.3, 2.5]]), (-80.5, 60.25, 1 / 3))


def make_source(kind, shape, endianness="<"):
    header = kind(endianness=endianness)
    header.set_data_shape(shape)
    header.set_qform(AFFINE, 1, strip_shears=True)
    header.set_sform(AFFINE, 2)
    header.set_xyzt_units("mm", "sec")
    header["pixdim"][4:] = 1.5
    return header


@pytest.mark.parametrize("kind", [nib.Nifti1Header, nib.Nifti2Header, nib.nifti1.Nifti1PairHeader])
@pytest.mark.parametrize("shape", [(4, 5, 6), (4, 5, 6, 1)])
@pytest.mark.parametrize("endianness", "<>")
def test_a_header_made_of_it_is_the_source_s_to_the_byte(kind, shape, endianness):
    source = make_source(kind, shape, endianness)
    again = unpack_geometry(pack_geometry(source), shape)
    affine = source.get_best_affine()
    ours, theirs = (make_header((4, 5, 6), affine, one, "text").binaryblock for one in (again, source))
    assert ours == theirs


def test_no_affine_is_an_error():
    source = make_source(nib.Nifti1Header, (4, 5, 6))
    source["sform_code"], source["quatern_b"] = 0, 5
    geometry = pack_geometry(source)
    assert geometry.dtype in GEOMETRY_TYPES
    with pytest.raises(ValueError, match=r".+"):
        unpack_geometry(geometry, (4, 5, 6))
