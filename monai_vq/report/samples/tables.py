"""The scores of samples as one long table: a row a score of a set of images."""

from __future__ import annotations

import pandas as pd

from monai_vq.metrics.diversity import Diversity
from monai_vq.report.samples.groups import SAMPLES
from monai_vq.report.samples.scores import HELDOUT, SampleScores

__all__ = ["SCORE_COLUMNS", "score_rows"]

SCORE_COLUMNS = ["score", "images", "reference", "condition", "group", "n", "value", "sd"]
TRAIN, TRAIN_HAT = "training slices", "training slices, reconstructed"


def score_rows(scores: SampleScores) -> pd.DataFrame:
    """Every number of the scores, with the columns of `SCORE_COLUMNS`.

    `n` counts images, or pairs of images for `ms_ssim`; `condition` and `group` are empty but for distances by
    condition; `sd` is empty where a score has none.
    """
    parts = [_distance_rows(scores.distances, TRAIN)]
    if scores.decoded_distances is not None:
        parts.append(_distance_rows(scores.decoded_distances, TRAIN_HAT))
    if scores.groups is not None and not scores.groups.table.empty:
        table = scores.groups.table
        parts.append(_distance_rows(table, TRAIN, scores.groups.condition, table["value"]))
    others = [*_memorisation_rows(scores)]
    others += [_diversity_row(SAMPLES, scores.sample_diversity), _diversity_row(HELDOUT, scores.real_diversity)]
    return pd.concat([*parts, pd.DataFrame(others)], ignore_index=True).reindex(columns=SCORE_COLUMNS)


def _distance_rows(
    table: pd.DataFrame, reference: str, condition: str = "", group: pd.Series | str = ""
) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "score": score,
                    "images": table["images"],
                    "reference": reference,
                    "condition": condition,
                    "group": group,
                    "n": table["n_images"],
                    "value": table[score],
                    "sd": table[f"{score}_sd"],
                }
            )
            for score in ("frechet", "mmd")
        ]
    )


def _memorisation_rows(scores: SampleScores) -> list[dict[str, object]]:
    test = scores.memorisation
    values = {
        "nearest_win_share": test.win_share,
        "memorisation_p": test.p,
        "memorisation_p_slices": test.p_slices,
        "share_above_heldout": test.share_above,
        "num_copies": test.num_copies,
    }
    whole = {"images": SAMPLES, "reference": TRAIN, "condition": "", "group": "", "n": test.num_samples}
    limit = whole | {"images": HELDOUT, "n": len(scores.heldout_similarity)}
    limits = {"similarity_threshold": test.threshold, "copy_threshold": test.copy_threshold}
    return [
        *({"score": name, "value": value} | whole for name, value in values.items()),
        *({"score": name, "value": value} | limit for name, value in limits.items()),
    ]


def _diversity_row(images: str, diversity: Diversity) -> dict[str, object]:
    row = {"score": "ms_ssim", "images": images, "reference": images, "condition": "", "group": ""}
    return row | {"n": diversity.num_pairs, "value": diversity.ms_ssim, "sd": diversity.sd}
