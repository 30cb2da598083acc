from dataclasses import replace

import numpy as np
import pytest

from monai_vq.anomaly.evaluation import SIGMAS, ScanMaps, lesion_table, method_table, scan_table, tune
from monai_vq.anomaly.lesions import Lesion
from monai_vq.anomaly.scores import best_dice, detection_scores, dice
from monai_vq.errors import InputError

LESIONS = (Lesion("hyperintense", 0.3, 6.0, (1, 8, 8)), Lesion("texture", 0.1, 3.0, (2, 22, 20)))
GOOD, BAD = "likelihood", "reconstruction error"


def make_scan(number: int, contrast: float = 1.5) -> ScanMaps:
    """Lesions are brighter by `contrast` standard deviations in the map of GOOD, and in BAD nothing is."""
    rng = np.random.default_rng(number)
    labels = np.zeros((4, 32, 28), np.uint8)
    labels[0:3, 5:12, 5:12] = 1
    labels[2:4, 20:25, 18:23] = 2
    foreground = np.ones(labels.shape, bool)
    foreground[:, :, :2] = False
    maps = {name: rng.normal(size=labels.shape) for name in (GOOD, BAD)}
    maps[GOOD] = maps[GOOD] + contrast * (labels > 0)
    maps[GOOD][~foreground] = 99  # must not count
    return ScanMaps(f"patient-{number}", "", f"scan-{number}", foreground, labels, LESIONS, maps)


@pytest.fixture
def scans() -> list[ScanMaps]:
    return [make_scan(number) for number in range(4)]


def test_white_noise_on_a_lesion_is_smoothed_and_the_threshold_is_of_the_best_dice(scans):
    inside = [replace(scan, maps={GOOD: np.where(scan.foreground, scan.maps[GOOD], 0)}) for scan in scans]
    chosen = tune(inside, [GOOD])[GOOD]
    assert chosen.sigma in SIGMAS
    assert chosen.sigma > 0
    values = np.concatenate([scan.values(GOOD, chosen.sigma) for scan in inside])
    is_lesion = np.concatenate([scan.is_lesion for scan in inside])
    best = dice(values >= chosen.threshold, is_lesion)
    assert all(dice(values >= chosen.threshold + shift, is_lesion) <= best for shift in (-0.2, -0.05, 0.05, 0.2))


def test_of_many_pixels_the_threshold_is_of_equally_thinned_ones(scans, monkeypatch):
    every = tune(scans, [GOOD])[GOOD]
    sizes = [int(scan.foreground.sum()) for scan in scans]
    monkeypatch.setattr("monai_vq.anomaly.evaluation.MAX_PIXELS", sum(sizes) // 2 + 1)
    thinned = tune(iter(scans), [GOOD])[GOOD]
    values = np.concatenate([scan.values(GOOD, thinned.sigma)[::2] for scan in scans])
    is_lesion = np.concatenate([scan.is_lesion[::2] for scan in scans])
    assert thinned.sigma == every.sigma  # by all pixels
    assert thinned.threshold == best_dice(values, is_lesion)[1]
    assert thinned.threshold != every.threshold


def test_without_scans_nothing_is_tuned():
    with pytest.raises(InputError, match="no validation scan with lesions"):
        tune([], [GOOD])


def test_scores_are_of_the_foreground_at_what_was_tuned(scans):
    tuned = tune(scans[:2], [GOOD, BAD])
    table = scan_table(scans[2:], tuned)
    assert table["method"].tolist() == [GOOD, GOOD, BAD, BAD]
    row = table.iloc[0]
    expected = detection_scores(scans[2].values(GOOD, tuned[GOOD].sigma), scans[2].is_lesion, tuned[GOOD].threshold)
    assert row["auroc"] == expected.auroc
    assert row["dice"] == expected.dice
    assert row["foreground_pixels"] == scans[2].foreground.sum()
    assert row["lesion_pixels"] == (scans[2].labels > 0).sum()


def test_the_gain_is_over_the_best_baseline_paired_by_patient(scans):
    table = method_table(scan_table(scans, tune(scans, [GOOD, BAD]))).set_index("method")
    assert table.loc[GOOD, "auroc"] > 0.8 > table.loc[BAD, "auroc"]
    assert table.loc[GOOD, "auroc_gain"] == pytest.approx(table.loc[GOOD, "auroc"] - table.loc[BAD, "auroc"])
    assert 0 < table.loc[GOOD, "auroc_gain_low"] < table.loc[GOOD, "auroc_gain"] < table.loc[GOOD, "auroc_gain_high"]
    assert table.loc[BAD, "auroc_gain"] == 0
    assert table.loc[GOOD, "n_patients"] == 4


def test_two_scans_of_a_patient_are_one_patient(scans):
    twice = [*scans, replace(scans[0], scan_id="again")]
    table = scan_table(twice, tune(scans, [GOOD, BAD]))
    assert method_table(table)["n_patients"].tolist() == [4, 4]
    assert method_table(table)["auroc"].tolist() == pytest.approx(
        method_table(scan_table(scans, tune(scans, [GOOD, BAD])))["auroc"].tolist()
    )


def test_each_lesion_is_told_from_healthy_pixels_not_from_other_lesions(scans):
    blind = scans[0].maps[GOOD] * 0 + (scans[0].labels == 1)  # finds only the first
    one = replace(scans[0], maps={GOOD: blind})
    table = lesion_table([one], {GOOD: replace(tune([one], [GOOD])[GOOD], sigma=0.0)})
    assert table["auroc"].tolist() == [1.0, 0.5]
    assert table["kind"].tolist() == ["hyperintense", "texture"]
    assert table["pixels"].tolist() == [(scans[0].labels == n).sum() for n in (1, 2)]


def test_a_lesion_outside_the_foreground_has_no_score(scans):
    hidden = scans[0].foreground & (scans[0].labels != 2)
    table = lesion_table([replace(scans[0], foreground=hidden)], tune(scans, [GOOD]))
    assert np.isnan(table["auroc"]).tolist() == [False, True]
