from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

SHAPE = (24, 28, 20)  # right, anterior, superior
VOXEL_MM = 8.0
GRID = np.moveaxis(np.indices(SHAPE), 0, -1)


def draw_head(seed: int) -> np.ndarray:
    """A head to be told from its mirror images: a bright spot at its left, a nose in front, a narrow neck below."""
    rng = np.random.default_rng(seed)
    radii = np.array([7, 9, 6]) + rng.uniform(-0.5, 0.5, 3)
    head = np.linalg.norm((GRID - (12, 13, 12)) / radii, axis=-1) < 1
    neck = (np.linalg.norm(GRID[..., :2] - (12, 11), axis=-1) < 4) & (GRID[..., 2] < 9) & (GRID[..., 2] > 1)
    volume = np.where(head | neck, 600.0, 0.0)
    volume[11:14, 21:24, 10:12] = 500  # nose
    volume[7:9, 12:15, 13:15] = 950  # left
    return np.maximum(volume + rng.normal(0, 15, SHAPE), 0).astype(np.float32)


@pytest.fixture
def write_head() -> Callable[..., Path]:
    """Writes a head as NIfTI with a true affine, stored along any axes."""

    def write(path: Path, seed: int = 0, axes: str = "RAS") -> Path:
        image = nib.Nifti1Image(draw_head(seed), np.diag([VOXEL_MM] * 3 + [1.0]))
        transform = nib.orientations.ornt_transform(
            nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(tuple(axes))
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(image.as_reoriented(transform), path)
        return path

    return write


@pytest.fixture
def bids_tree(tmp_path: Path, write_head) -> Path:
    """Six patients in different orientations; P02 has two sessions, P03 two runs; and what must be ignored."""
    root = tmp_path / "bids"
    for index, axes in enumerate(("RAS", "PSR", "LIA", "LPS", "ASL", "RAS")):
        patient = f"sub-P{index:02d}"
        if index == 2:
            for session in ("ses-01", "ses-02"):
                path = root / patient / session / "anat" / f"{patient}_{session}_T1w.nii.gz"
                write_head(path, 10 + int(session[-1]), axes)
        elif index == 3:
            for run in (1, 2):
                write_head(root / patient / "anat" / f"{patient}_run-{run}_T1w.nii.gz", 20 + run, axes)
        else:
            write_head(root / patient / "anat" / f"{patient}_T1w.nii.gz", index, axes)
    (root / "dataset_description.json").write_text('{"Name": "heads", "BIDSVersion": "1.9.0"}')
    rows = [f"sub-P{index:02d}\t{60 + index}\t{'FM'[index % 2]}\t{'CN' if index < 3 else 'AD'}" for index in range(6)]
    (root / "participants.tsv").write_text("\n".join(["participant_id\tage\tsex\tdiagnosis", *rows]) + "\n")
    write_head(root / "derivatives/anat/sub-P00/anat/sub-P00_T1w.nii.gz", 0)
    write_head(root / "sourcedata/sub-P07/anat/sub-P07_T1w.nii.gz", 7)
    (root / "sub-P00/anat/._sub-P00_T1w.nii.gz").write_bytes(b"finder")
    (root / "sub-P00/anat/sub-P00_T2w.nii.gz").write_bytes(b"another contrast")
    (root / "sub-P00/anat/sub-P00_T1w.json").write_text("{}")
    return root
