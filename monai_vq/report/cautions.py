"""What a reader must know before believing the scores: few patients, a collapsed codebook, a baseline that wins."""

from collections.abc import Mapping

import pandas as pd

from monai_vq.metrics.bootstrap import FEW_PATIENTS
from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.report.tables import SCORES

LOW_USAGE = 0.5
LOW_CONTINUOUS = 0.01
HIGHER_IS_BETTER = {"ssim", "ssim_foreground", "psnr"}


def find_cautions(
    split_rows: pd.DataFrame,
    baseline_rows: Mapping[str, pd.DataFrame],
    unit: str = "patient",
    latent: LatentFormat | None = None,
) -> list[str]:
    """Sentences for the top of the report, none where nothing is wrong.

    Args:
        split_rows: the model's split table.
        baseline_rows: for each baseline's name, its split table.
        unit: what was kept together by the split, and what the intervals are over.
        latent: what the latents are made of.
    """
    return [
        *_unknown_patients(unit),
        *_not_tested(split_rows, unit),
        *_few_patients(split_rows, unit),
        *_low_usage(split_rows),
        *_hardly_continuous(latent),
        *_not_finite(split_rows),
        *(sentence for name, rows in baseline_rows.items() for sentence in _baseline_wins(split_rows, name, rows)),
    ]


def _unknown_patients(unit: str) -> list[str]:
    if unit != "scan":  # images of things have no patients
        return []
    return [
        "The source does not say whose the scans are, so the split is by scan: a patient may be in train and in test, "
        "and these scores may flatter the model. Separation of patients cannot be claimed."
    ]


def _not_tested(split_rows: pd.DataFrame, unit: str) -> list[str]:
    if "test" in set(split_rows["split"]):
        return []
    return [
        f"There is no test split to show: the model was trained on these {unit}s, or chosen by them, and their scores "
        "flatter it."
    ]


def _few_patients(split_rows: pd.DataFrame, unit: str) -> list[str]:
    few = split_rows[split_rows["n_patients"] < FEW_PATIENTS]
    if few.empty:
        return []
    which = ", ".join(f"{split} ({n})" for split, n in zip(few["split"], few["n_patients"], strict=True))
    return [
        f"Fewer than {FEW_PATIENTS} {unit}s in {which}: the scores there may change much with other {unit}s. The "
        f"intervals are wide for that reason, and hold only if these {unit}s are typical."
    ]


def _low_usage(split_rows: pd.DataFrame) -> list[str]:
    low = split_rows[split_rows["codebook_usage"] < LOW_USAGE]
    if low.empty:
        return []
    which = ", ".join(f"{split} {value:.0%}" for split, value in zip(low["split"], low["codebook_usage"], strict=True))
    return [
        f"Less than {LOW_USAGE:.0%} of the codebook is used ({which}): the rate counts codes that never occur, and a "
        "smaller num_embeddings may do as well."
    ]


def _hardly_continuous(latent: LatentFormat | None) -> list[str]:
    if latent is None or not latent.continuous or max(latent.continuous.values()) >= LOW_CONTINUOUS:
        return []
    return [
        f"Less than {LOW_CONTINUOUS:.0%} of positions stay continuous: the frequent codes are nearly all that occur, "
        "and this latent is the vector quantizer's in all but name. A smaller num_frequent leaves more."
    ]


def _not_finite(split_rows: pd.DataFrame) -> list[str]:
    missing = [name for name in SCORES if split_rows[name].isna().any()]
    return [f"Some splits have no value of {', '.join(missing)}."] if missing else []


def _baseline_wins(split_rows: pd.DataFrame, baseline: str, rows: pd.DataFrame) -> list[str]:
    theirs = {row["split"]: row for row in rows.to_dict("records")}
    wins = []
    for row in split_rows.to_dict("records"):
        names = [name for name in SCORES if row["split"] in theirs and _beats(theirs[row["split"]], row, name)]
        wins += [f"{row['split']}: {', '.join(names)}"] if names else []
    return [f"The baseline “{baseline}” scores better than the model ({'; '.join(wins)})."] if wins else []


def _beats(baseline: dict, model: dict, name: str) -> bool:
    higher, lower = (baseline, model) if name in HIGHER_IS_BETTER else (model, baseline)
    return bool(higher[name] > lower[name])
