import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monai_vq.engines.load_run import make_network
from monai_vq.metrics.paired import holm
from monai_vq.study.results import Results, count_parameters, patients_of, write_results
from monai_vq.study.statistics import compare

REFERENCE, BETTER = [[0.010, 0.020, 0.030], [0.012, 0.018, 0.032]], [[0.005, 0.011, 0.014], [0.006, 0.010, 0.015]]


@pytest.fixture
def results(make_finished) -> Results:
    """Two seeds of three variants."""
    finished = [
        make_finished(variant, mse[seed], seed)
        for seed in (0, 1)
        for variant, mse in (("vq_ema", REFERENCE), ("projected", BETTER), ("none", REFERENCE))
    ]
    return Results(finished, ["vae-seed0"], [], "vq_ema")


def test_a_row_a_run_with_its_training(results):
    rows = results.runs
    assert rows[["variant", "seed"]].to_numpy().tolist()[:4] == [
        ["vq_ema", 0],
        ["projected", 0],
        ["none", 0],
        ["vq_ema", 1],
    ]
    first = rows.iloc[0]
    assert first["mse"] == pytest.approx(0.02)
    assert (first["steps"], first["minutes"], first["parameters"], first["patients"]) == (30, 1.5, 1000, 3)
    assert (first["usage"], first["perplexity"]) == (1.0, 6.0)


def test_the_first_epochs_spike_does_not_count(make_finished):
    assert make_finished("vq_ema", [0.1]).spike_ratio == 2.5
    assert math.isnan(make_finished("vq_ema", [0.1], epochs=1).spike_ratio)


def test_means_and_deviations_are_over_seeds(results):
    row = results.variants.set_index("variant").loc["projected"]
    means = [np.mean(mse) for mse in BETTER]
    assert row["mse"] == pytest.approx(np.mean(means))
    assert row["mse_sd"] == pytest.approx(np.std(means, ddof=1))
    assert (row["seeds"], row["patients"], row["spike_ratio"]) == (2, 3, 2.5)


def test_every_variant_is_compared_with_the_reference(results):
    rows = results.variants.set_index("variant")
    expected = compare(patients_of(results.groups["projected"]), patients_of(results.groups["vq_ema"]))
    assert rows.loc["projected", "mse_ratio"] == pytest.approx(expected.mse_ratio)
    assert rows.loc["projected", "mse_ratio"] > 1.8
    assert rows.loc["projected", "higher_ssim_in_every_seed"]
    assert rows.loc["vq_ema", ["mse_ratio", "p", "holm_p"]].isna().all()
    assert rows.loc["none", "mse_ratio"] == pytest.approx(1.0)
    assert rows["holm_p"].tolist() == pytest.approx(holm(rows["p"].tolist()), nan_ok=True)


def test_a_grid_point_is_compared_with_the_references_own(make_finished):
    finished = [
        make_finished("vq_ema", [0.4, 0.4], batch_size=16),
        make_finished("vq_ema", [0.9, 0.9], batch_size=64),
        make_finished("projected", [0.2, 0.2], batch_size=16, projection_cost=0.0),
        make_finished("projected", [0.3, 0.3], batch_size=64, projection_cost=0.1),
    ]
    results = Results(finished, [], ["batch_size", "projection_cost"], "vq_ema")
    assert results.variants["mse_ratio"].tolist()[2:] == pytest.approx([2.0, 3.0])
    assert results.runs.columns.tolist()[:4] == ["variant", "seed", "batch_size", "projection_cost"]
    assert results.runs["projection_cost"].isna().tolist() == [True, True, False, False]
    assert list(results.groups) == [one.run.group for one in finished]


def test_without_the_reference_nothing_is_compared(make_finished):
    results = Results([make_finished("projected", [0.2, 0.3])], ["vq_ema-seed0"], [], "vq_ema")
    assert results.variants[["mse_ratio", "p", "holm_p"]].isna().all(axis=None)


def test_the_tables_are_written_as_they_are(results, tmp_path):
    write_results(results, tmp_path)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "study.csv"), results.runs, check_dtype=False, rtol=1e-8)
    written = pd.read_csv(tmp_path / "study_variants.csv")
    assert written.columns.tolist() == results.variants.columns.tolist()
    assert written["mse_ratio"].tolist() == pytest.approx(results.variants["mse_ratio"].tolist(), nan_ok=True)
    assert not list(tmp_path.glob(".*"))


def test_parameters_are_counted_with_the_codewords(study_dir: Path):
    counts = {}
    for variant in ("vq_ema", "projected"):
        network = make_network(study_dir / f"runs/{variant}-seed0")
        layers = sum(p.numel() for part in (network.encoder, network.decoder) for p in part.parameters())
        counts[variant] = count_parameters(network) - layers
    assert counts == {"vq_ema": 8 * 8, "projected": 8 * 8}
