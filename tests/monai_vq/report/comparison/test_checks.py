import dataclasses

import pytest

from monai_vq.errors import InputError
from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.report.comparison.checks import check_comparable
from monai_vq.report.comparison.differences import patient_scores
from monai_vq.report.scores import RunScores

PATIENTS = {"train": 8, "val": 3, "test": 6}  # of the contents that are made


def test_runs_of_one_dataset_are_compared_whatever_their_latents(make_content, compare):
    """What is not refused has a score of every patient in every run, so that differences are of pairs."""
    contents = {"a": make_content(rate=0.5), "b": make_content(rate=2.0, epochs=9), "c": make_content(seed=7)}
    check_comparable(contents)
    for split, number in PATIENTS.items():
        scores = patient_scores(compare(**contents), "ssim", split)
        assert scores.shape == (number, len(contents))
        assert scores.notna().all(axis=None)


def change(content, what):
    """The content of a run that differs in one thing."""
    scores, settings = content.scores, content.settings
    latent = LatentFormat((8, 8), (32, 32), 16, 0, 0)
    return {
        "split": lambda: dataclasses.replace(content, settings=settings | {"split_sha256": "f" * 64}),
        "unit": lambda: dataclasses.replace(content, unit="scan"),
        "size": lambda: dataclasses.replace(content, scores=RunScores(scores.model, latent)),
        "spacing": lambda: dataclasses.replace(
            content, settings=settings | {"settings": settings["settings"] | {"spacing": [1.0, 1.0]}}
        ),
        "slices": lambda: dataclasses.replace(content, scores=RunScores(scores.model.iloc[1:], scores.latent)),
    }[what]()


# [what differs, what the error says]
REFUSED = [
    ("split", r"a has 0123456789abcdef, c has ffffffffffffffff. Scores of different test patients are no comparison"),
    ("unit", r"a has patient, c has scan"),
    ("size", r"a has 32 × 24, c has 32 × 32. Scores of different pixels"),
    ("spacing", r"a has the scans' own, c has \[1.0, 1.0\]"),
    ("slices", r"different slices: 51 and 50, of which 50 are in both. Prepare the dataset once"),
]


@pytest.mark.parametrize(("what", "message"), REFUSED)
def test_scores_of_other_people_or_pixels_are_no_comparison(make_content, what, message):
    contents = {"a": make_content(), "b": make_content(seed=2), "c": change(make_content(seed=3), what)}
    with pytest.raises(InputError, match=message):
        check_comparable(contents)
