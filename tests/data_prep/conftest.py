from pathlib import Path

import pytest


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
