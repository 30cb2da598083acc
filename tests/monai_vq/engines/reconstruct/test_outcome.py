import numpy as np
import pandas as pd
import pytest

from monai_vq.engines.reconstruct.outcome import Outcome
from monai_vq.reconstruct.denoising import SCORES, SIGMAS, DenoisingScores
from monai_vq.reconstruct.finished_scan import FinishedScan, read_finished, write_finished
from monai_vq.reconstruct.scan import SlicePicture
from monai_vq.report.tables import MEANS

NUMBER = 3


def finished(scan_id, patient, ssim, known=True):
    rng = np.random.default_rng(int(scan_id))
    image = np.full((4, 4), 0.5, np.float32)
    columns = {name: rng.random(NUMBER) for name in MEANS} | {"ssim_foreground": np.full(NUMBER, ssim)}
    row = {"scan_id": scan_id, "patient_id": patient, "session_id": "", "split": "new", "place": scan_id}
    return FinishedScan(
        settings={},
        source_sha256="1" * 64,
        files={},
        row=row,
        known=known,
        scores=pd.DataFrame({"slice_index": range(NUMBER), **columns}),
        pictures=(SlicePicture("middle", 1, ssim, image, image, image),),
        trials=rng.random((1 + len(SIGMAS), NUMBER, len(SCORES))),
    )


SCANS = [finished("1", "A", 0.9), finished("2", "A", 0.7), finished("3", "B", 0.8, known=False)]


@pytest.mark.parametrize("noise", [False, True])
def test_tables_are_the_same_from_memory_and_from_records(tmp_path, noise):
    written = {}
    for source in ("memory", "records"):
        outcome, folder = Outcome(DenoisingScores() if noise else None), tmp_path / source
        folder.mkdir()
        for scan in SCANS:
            write_finished(tmp_path / "record.npz", scan)
            outcome.add(scan if source == "memory" else read_finished(tmp_path / "record.npz"))
        outcome.write(folder)
        written[source] = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert written["memory"] == written["records"]
    tables = {"scans.csv", "ssim_slices.csv", "ssim_scans.csv", "ssim_patients.csv"}
    denoising = {f"denoising_{level}.csv" for level in ("slices", "scans", "patients", "summary")}
    assert written["memory"].keys() == tables | (denoising if noise else set())


def test_the_page_shows_the_worst_first_and_counts_who_is_unknown(tmp_path):
    outcome = Outcome()
    for scan in SCANS:
        outcome.add(scan)
    content = outcome.write(tmp_path)
    assert [shown.scan_id for shown in content.pictures] == ["2", "3", "1"]
    assert outcome.unknown_patients == 1
    assert content.denoising is None
    assert content.patients["patient_id"].tolist() == ["A", "B"]
    expected = np.mean([scan.scores["ssim"].mean() for scan in SCANS[:2]])
    assert content.patients["ssim"].iloc[0] == pytest.approx(expected)
