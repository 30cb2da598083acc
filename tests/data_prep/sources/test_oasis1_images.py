import struct

import nibabel as nib
import numpy as np
import pytest

from data_prep.sources.oasis1_images import IMAGE_KINDS, SEGMENTATION, find_images, read_image, read_segmentation
from monai_vq.data import VolumeError
from monai_vq.data.slicing import SlicingSettings, slice_volume

NAME = "OAS1_0031_MR1"
SHAPES = {"masked_t88": (22, 26, 22), "t88": (22, 26, 22), "subj111": (32, 32, 20), "raw": (32, 32, 16)}  # at 8 mm


def draw_head(shape):
    """A ball of 600, with a little noise, in air."""
    grid = np.moveaxis(np.indices(shape), 0, -1)
    centre = np.subtract(shape, 1) / 2
    inside = np.linalg.norm((grid - centre) / (centre * 0.8), axis=-1) < 1
    return np.where(inside, 600, 0) + np.random.default_rng(0).integers(0, 20, shape)


@pytest.fixture
def save(tmp_path):
    """Writes a big-endian Analyze pair in four dimensions, as OASIS-1 has them."""

    def write(voxels, zooms=(8, 8, 8), dtype=np.int16):
        header = nib.AnalyzeHeader(endianness=">")
        header.set_data_dtype(dtype)
        header.set_data_shape((*voxels.shape, 1))
        header.set_zooms((*zooms, 1))
        nib.AnalyzeImage(voxels[..., None].astype(dtype), None, header).to_filename(tmp_path / "scan.img")
        return tmp_path / "scan.hdr", tmp_path / "scan.img"

    return write


# [kind, stored landmark (i, j, k), its axial slice, row and column]
LANDMARKS = [
    # L, A and S grow along i, j and k: the slice is k, rows run backwards from anterior, columns towards the left
    ["masked_t88", (16, 10, 12), 12, 26 - 1 - 10, 16],
    ["t88", (16, 10, 12), 12, 26 - 1 - 10, 16],
    # A, S and L grow along i, j and k: cutting along k, as nibabel's LAS says, would give sagittal slices
    ["subj111", (20, 18, 13), 18, 32 - 1 - 20, 13],
    ["raw", (20, 18, 11), 18, 32 - 1 - 20, 11],
]


@pytest.mark.parametrize(("kind", "stored", "slice_", "row", "column"), LANDMARKS)
def test_a_stored_landmark_appears_at_its_place_of_the_axial_slice(save, kind, stored, slice_, row, column):
    voxels = draw_head(SHAPES[kind])
    voxels[stored] = 30000
    volume = read_image(save(voxels, (8, 8, 10) if kind == "raw" else (8, 8, 8)), kind)
    cut = slice_volume(volume, SlicingSettings(slice_range=(0.0, 1.0), window=(0.0, 100.0)))
    place = cut.slice_indices.index(slice_)
    brightest = np.unravel_index(np.argmax(cut.slices[place]), cut.slices[place].shape)
    assert volume.array[stored] == 30000
    assert brightest == (row, column)


def test_every_kind_is_found_by_folder_and_whole_name(tmp_path):
    folder = tmp_path / NAME
    names = {
        "RAW": ["mpr-1_anon", "mpr-2_anon"],
        "PROCESSED/MPRAGE/SUBJ_111": ["mpr_n3_anon_sbj_111"],
        "PROCESSED/MPRAGE/T88_111": ["mpr_n3_anon_111_t88_gfc", "mpr_n6_anon_111_t88_masked_gfc", "mpr_n3_copy"],
        "FSL_SEG": ["mpr_n6_anon_111_t88_masked_gfc_fseg", "mpr_n6_anon_111_t88_masked_gfc"],
    }
    for subfolder, stems in names.items():
        (folder / subfolder).mkdir(parents=True)
        for stem in stems:
            for ending in (".hdr", ".img", "_tra_90.gif"):
                (folder / subfolder / f"{NAME}_{stem}{ending}").touch()
    found = [(image.kind, image.number, image.stem.name.removeprefix(f"{NAME}_")) for image in find_images(folder)]
    assert sorted(found) == [
        ("", 0, "mpr_n3_copy"),
        ("", 0, "mpr_n6_anon_111_t88_masked_gfc"),  # not where it belongs
        (SEGMENTATION, 6, "mpr_n6_anon_111_t88_masked_gfc_fseg"),
        ("masked_t88", 6, "mpr_n6_anon_111_t88_masked_gfc"),
        ("raw", 1, "mpr-1_anon"),
        ("raw", 2, "mpr-2_anon"),
        ("subj111", 3, "mpr_n3_anon_sbj_111"),
        ("t88", 3, "mpr_n3_anon_111_t88_gfc"),
    ]


def test_an_image_named_after_another_session_is_none_of_this_one(tmp_path):
    folder = tmp_path / NAME / "RAW"
    folder.mkdir(parents=True)
    (folder / "OAS1_0032_MR1_mpr-1_anon.img").touch()
    assert [image.kind for image in find_images(tmp_path / NAME)] == [""]


def test_labels_are_whole_and_of_the_four_tissues(save):
    tissue = np.random.default_rng(0).integers(0, 4, SHAPES["t88"])
    np.testing.assert_array_equal(read_segmentation(save(tissue, dtype=np.uint8)).array, tissue)
    tissue[3, 4, 5] = 7
    files = save(tissue, dtype=np.uint8)
    with pytest.raises(VolumeError, match="1 voxels are no tissue label, such as 7"):
        read_segmentation(files)


@pytest.mark.parametrize("kind", IMAGE_KINDS)
def test_an_image_on_another_grid_is_refused(save, kind):
    files = save(draw_head((22, 22, 22)))
    with pytest.raises(VolumeError, match="header is damaged, or the file is another image"):
        read_image(files, kind)


def test_of_the_header_no_changed_byte_gives_another_volume_unseen(save):
    """The grid of the kind tells what Analyze alone cannot, a damaged voxel size."""
    files = save(draw_head(SHAPES["t88"]))
    content, reference = files[0].read_bytes(), read_image(files, "t88")
    rng = np.random.default_rng(0)
    flips = [(position, 1 << bit) for position in (*range(4), *range(40, 112)) for bit in range(8)]  # sizes and types
    flips += zip(rng.integers(0, 348, 200), rng.integers(1, 256, 200), strict=True)
    refused = 0
    for position, mask in flips:
        changed = bytearray(content)
        changed[position] ^= int(mask)
        files[0].write_bytes(changed)
        try:
            volume = read_image(files, "t88")
        except VolumeError:
            refused += 1
            continue
        np.testing.assert_array_equal(volume.array, reference.array)
        np.testing.assert_allclose(volume.affine, reference.affine, atol=0.02)  # mm at the edge of the volume
    assert refused > 200


def test_the_scale_factor_of_spm_in_an_unused_field_changes_nothing(save):
    files = save(draw_head(SHAPES["t88"]))
    reference, content = read_image(files, "t88"), bytearray(files[0].read_bytes())
    struct.pack_into(">f", content, 112, 0.5)
    files[0].write_bytes(content)
    np.testing.assert_array_equal(read_image(files, "t88").array, reference.array)
