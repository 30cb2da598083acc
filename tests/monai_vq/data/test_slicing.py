import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom import PhantomPatient, Tissue, phantom_scan
from monai_vq.data import PLANE_AXES, VolumeError, foreground_mask, read_volume, to_plane
from monai_vq.data.slicing import DEFAULT_SLICE_RANGE, SlicingSettings, slice_volume
from monai_vq.errors import InputError

LEFT_SPOT, NOSE = (7, 13, 13), (12, 22, 10)  # voxels of the head in conftest, along right, anterior, superior


@pytest.fixture
def volume(tmp_path, write_head):
    return read_volume(write_head(tmp_path / "head.nii.gz"))


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PSR", "ASL", "LIA"])
@pytest.mark.parametrize("plane", PLANE_AXES)
def test_slices_do_not_depend_on_how_the_head_was_stored(tmp_path, write_head, volume, plane, axes):
    stored = read_volume(write_head(tmp_path / "stored.nii.gz", axes=axes))
    assert stored.axes == axes
    reference = slice_volume(volume, SlicingSettings(plane, (0, 1)))
    cut = slice_volume(stored, SlicingSettings(plane, (0, 1)))
    np.testing.assert_array_equal(cut.slices, reference.slices)
    np.testing.assert_array_equal(cut.mask, reference.mask)
    assert cut.slice_indices == reference.slice_indices


def test_landmarks_lie_where_the_axial_convention_says(volume):
    cut = slice_volume(volume, SlicingSettings("axial", (0, 1)))
    _, anterior, superior = LEFT_SPOT
    spot = cut.slices[cut.slice_indices.index(superior)]
    row, column = np.argwhere(spot == spot.max()).mean(axis=0)
    assert column == pytest.approx(24 - 1 - 7.5, abs=0.6)  # the patient's left is on the image's right
    assert row == pytest.approx(28 - 1 - anterior, abs=1.1)
    nose = cut.mask[cut.slice_indices.index(NOSE[2])]
    assert nose[28 - 1 - NOSE[1]].any()  # anterior is up: the nose is in an upper row
    assert np.flatnonzero(nose.any(axis=1))[0] < 8


@pytest.mark.parametrize("plane", PLANE_AXES)
def test_range_is_a_part_of_the_foreground_s_extent(volume, plane):
    occupied = np.flatnonzero(
        np.any(to_plane(foreground_mask(volume.array, volume.spacing), volume.affine, plane), (1, 2))
    )
    everything = slice_volume(volume, SlicingSettings(plane, (0, 1)))
    half = slice_volume(volume, SlicingSettings(plane, (0.5, 1)))
    assert everything.slice_indices == tuple(occupied)
    assert half.slice_indices == tuple(occupied[len(occupied) - len(half.slice_indices) :])
    assert len(half.slice_indices) == pytest.approx(len(occupied) / 2, abs=0.5)


def test_neighbouring_ranges_share_no_slice_and_leave_none_out(volume):
    parts = [slice_volume(volume, SlicingSettings("axial", part)).slice_indices for part in ((0, 0.37), (0.37, 1))]
    assert parts[0] + parts[1] == slice_volume(volume, SlicingSettings("axial", (0, 1))).slice_indices


@pytest.mark.parametrize("wanted", [1, 2, 5, 1000])
def test_num_slices_are_evenly_spaced_and_keep_the_ends(volume, wanted):
    everything = slice_volume(volume, SlicingSettings("axial", (0, 1))).slice_indices
    chosen = slice_volume(volume, SlicingSettings("axial", (0, 1), wanted)).slice_indices
    assert len(chosen) == min(wanted, len(everything))
    if wanted > 1:
        assert (chosen[0], chosen[-1]) == (everything[0], everything[-1])
        assert np.ptp(np.diff(chosen)) <= 1


def test_stored_values_are_the_window_of_the_foreground(volume):
    cut = slice_volume(volume, SlicingSettings("axial", (0, 1)))
    mask = foreground_mask(volume.array, volume.spacing)
    np.testing.assert_allclose(cut.window, np.percentile(volume.array[mask], (0.5, 99.5)))
    assert (cut.slices.dtype, cut.mask.dtype, cut.slices.flags.c_contiguous) == (np.uint16, np.bool_, True)
    assert cut.slices[~cut.mask].mean() / 65535 < 0.03  # air is black
    assert ((cut.slices == 65535) & cut.mask).mean() < 0.01


def test_foreground_box_holds_every_mask_tightly(volume):
    cut = slice_volume(volume, SlicingSettings("coronal"))
    top, bottom, left, right = cut.foreground_box
    assert cut.mask[:, top:bottom, left:right].sum() == cut.mask.sum()
    inner = cut.mask[:, top:bottom, left:right].any(axis=0)
    assert inner[0].any() and inner[-1].any() and inner[:, 0].any() and inner[:, -1].any()  # noqa: PT018


def test_slices_without_foreground_are_left_out_and_counted(monkeypatch, volume):
    mask = np.zeros(volume.array.shape, bool)
    mask[8:16, 8:20, [5, 6, 9, 10]] = True
    monkeypatch.setattr("monai_vq.data.slicing.foreground_mask", lambda array, spacing, storage: mask)
    cut = slice_volume(volume, SlicingSettings("axial", (0, 1)))
    assert (cut.slice_indices, cut.n_empty) == ((5, 6, 9, 10), 2)
    with pytest.raises(VolumeError, match=r"no slice with foreground between 0\.4 and 0\.6"):
        slice_volume(volume, SlicingSettings("axial", (0.4, 0.6)))


def test_pixel_size_is_that_of_the_plane(volume):
    image = nib.Nifti1Image(volume.array, np.diag([2.0, 3.0, 4.0, 1.0]))
    stretched = type(volume)(volume.array, image.affine, "")
    assert slice_volume(stretched, SlicingSettings("axial", (0, 1))).slice_spacing == (3.0, 2.0)
    assert slice_volume(stretched, SlicingSettings("sagittal", (0, 1))).slice_spacing == (4.0, 3.0)


# [settings, message]
BAD = [
    [{"plane": "oblique"}, "unknown plane 'oblique'; expected one of axial, coronal, sagittal"],
    [{"slice_range": (0.5, 1.2)}, r"slice range 0\.5 1\.2: expected 0 <= LOW < HIGH <= 1"],
    [{"slice_range": (-0.1, 0.5)}, "slice range"],
    [{"slice_range": (0.6, 0.6)}, "slice range"],
    [{"slice_range": (float("nan"), 0.6)}, "slice range"],
    [{"num_slices": 0}, "0 slices a volume"],
    [{"window": (99, 1)}, "window 99 1: expected percentiles"],
    [{"window": (0, 101)}, "window"],
]


@pytest.mark.parametrize(("settings", "message"), BAD)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        SlicingSettings(**settings)


def test_every_plane_has_a_default_range():
    assert DEFAULT_SLICE_RANGE.keys() == PLANE_AXES.keys()
    assert all(SlicingSettings(plane, part) for plane, part in DEFAULT_SLICE_RANGE.items())


def test_the_range_advised_for_skull_stripped_volumes_has_the_ventricles_which_the_default_cuts(tmp_path):
    image, labels = phantom_scan(PhantomPatient.draw(seed=0, index=0), "ses-01", voxel_size=4.0)
    tissue = np.asarray(labels.dataobj)
    stripped = np.asarray(image.dataobj, dtype=np.float32) * (tissue >= Tissue.CSF) * (tissue <= Tissue.VENTRICLE)
    nib.save(nib.Nifti1Image(stripped, image.affine), tmp_path / "brain.nii.gz")
    brain = read_volume(tmp_path / "brain.nii.gz")
    ventricle = np.flatnonzero(np.any(to_plane(tissue == Tissue.VENTRICLE, brain.affine, "axial"), (1, 2)))
    advised = slice_volume(brain, SlicingSettings("axial", (0.2, 0.9)))
    assert set(ventricle) <= set(advised.slice_indices)
    assert advised.mask.mean(axis=(1, 2)).min() > 0.05  # neither the tip of the cerebellum nor the vertex
    assert len(set(ventricle) & set(slice_volume(brain, SlicingSettings()).slice_indices)) < len(ventricle) / 2
