import pandas as pd

from monai_vq.reconstruct.input_scan import SkippedFile
from monai_vq.reconstruct.tables import ScoredSlices, write_skipped
from monai_vq.report.tables import MEANS


def slices(patient, scan, values, split="new"):
    ids = {"split": split, "patient_id": patient, "session_id": "", "scan_id": scan}
    return pd.DataFrame({"slice_index": range(len(values)), **dict.fromkeys(MEANS, values)}).assign(**ids)


def test_means_are_over_slices_and_a_patient_has_those_of_all_scans():
    scored = ScoredSlices.of_slices(
        [slices("B", "B2", [0.1, 0.3, 0.5]), slices("A", "A1", [0.9]), slices("B", "B1", [0.7])]
    )
    assert scored.scans.set_index("scan_id")["ssim"].round(6).to_dict() == {"A1": 0.9, "B1": 0.7, "B2": 0.3}
    assert scored.patients.set_index("patient_id")["mse"].round(6).to_dict() == {"A": 0.9, "B": 0.4}
    assert scored.patients["n_slices"].tolist() == [1, 4]
    assert scored.slices["scan_id"].tolist() == ["A1", "B1", "B2", "B2", "B2"]


def test_a_slice_without_foreground_leaves_no_gap_in_the_means(tmp_path):
    table = slices("A", "A1", [0.5, 0.7])
    table.loc[0, "ssim_foreground"] = float("nan")
    scored = ScoredSlices.of_slices([table])
    assert scored.scans["ssim_foreground"].tolist() == [0.7]
    scored.write(tmp_path)
    assert pd.read_csv(tmp_path / "ssim_scans.csv").columns.tolist() == scored.scans.columns.tolist()


def test_nothing_skipped_is_a_table_without_rows(tmp_path):
    write_skipped(tmp_path / "skipped.csv", [])
    assert pd.read_csv(tmp_path / "skipped.csv").empty
    write_skipped(tmp_path / "skipped.csv", [SkippedFile("a,b", 'it "is"', "mend\nit")])
    assert pd.read_csv(tmp_path / "skipped.csv").to_dict("records") == [
        {"place": "a,b", "reason": 'it "is"', "remedy": "mend\nit"}
    ]
