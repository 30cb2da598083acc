import numpy as np
import pandas as pd
import pytest

from monai_vq.engines.priors.tables import bits_by_patient, bits_by_split, format_bits, write_bits
from monai_vq.metrics import patient_interval


@pytest.fixture
def rows():
    """Twelve patients of training, one of validation; of the patient i every slice takes i bits a code."""
    parts = []
    for split, patients in (("train", range(1, 13)), ("val", [20])):
        for model, factor in (("prior", 1), ("uniform", 2)):
            for patient in patients:
                counts = {"code_bits": 10.0 * patient * factor, "gain_bits": 5.0 * factor, "density_bits": 0.0}
                counts |= {"n_codes": 10.0, "n_gains": 5.0, "n_vectors": 0.0, "n_pixels": 100.0}
                ids = {"patient_id": f"P{patient:02d}", "scan_id": f"P{patient:02d}", "split": split, "model": model}
                parts += [ids | counts | {"slice_index": i} for i in range(3)]
    return pd.DataFrame(parts)


def test_a_patients_bits_are_over_its_slices(rows):
    patients = bits_by_patient(rows)
    assert len(patients) == 2 * 13
    third = patients[(patients["model"] == "prior") & (patients["patient_id"] == "P03")].iloc[0]
    assert (third["split"], third["n_slices"]) == ("train", 3)
    assert (third["bits_per_code"], third["bits_per_gain"]) == (3, 1)
    assert third["bits_per_pixel"] == pytest.approx(0.35)
    assert np.isnan(third["density_per_vector"])


def test_a_splits_bits_are_over_its_patients_with_their_interval(rows):
    splits = bits_by_split(bits_by_patient(rows))
    assert splits[["split", "model"]].to_numpy().tolist() == [
        ["train", "prior"],
        ["train", "uniform"],
        ["val", "prior"],
        ["val", "uniform"],
    ]
    first = splits.iloc[0]
    assert (first["n_patients"], first["n_slices"], first["bits_per_code"]) == (12, 36, 6.5)
    assert (first["bits_per_code_low"], first["bits_per_code_high"]) == patient_interval(np.arange(1.0, 13))


def test_the_tables_are_files_and_a_table_in_the_terminal(rows, tmp_path):
    patients = bits_by_patient(rows)
    splits = bits_by_split(patients)
    write_bits(tmp_path / "report", patients, splits)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "report/prior_bits.csv"), patients)
    assert len(pd.read_csv(tmp_path / "report/prior_splits.csv")) == 4
    lines = format_bits(splits, "scan").splitlines()
    assert " ".join(lines[0].split()) == "split model scans slices bits/code [95% interval] bits/gain bits/pixel"
    assert len({len(line) for line in lines}) == 1
    assert lines[4].split() == ["val", "prior", "1", "3", "20.000", "[-,", "-]", "1.000", "2.0500"]
