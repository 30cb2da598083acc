"""The page of a set of samples: one HTML file that needs nothing but itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Template

from monai_vq.metrics.memorisation import PERCENTILE
from monai_vq.pages import page_environment
from monai_vq.report.samples.figures import draw_contact_sheet, draw_pair, draw_similarities
from monai_vq.report.samples.groups import SAMPLES
from monai_vq.report.samples.scores import SampleScores
from monai_vq.report.samples.settings import sample_settings
from monai_vq.report.samples.slice_set import SLICE_IDS, SliceSet, SliceStream
from monai_vq.report.samples.words import comparison_words, find_sample_cautions, format_p, place_words, verdict
from monai_vq.report.settings import settings_sections
from monai_vq.report.tables import write_whole

__all__ = ["write_samples_page"]

SHOWN = 24  # samples and real slices side by side
MAX_PAIRS_SHOWN = 48  # samples with their neighbours; 1,000 would be 20 MB


def write_samples_page(
    output_dir: str | os.PathLike[str],
    scores: SampleScores,
    samples: SliceSet,
    train: SliceSet,
    heldout: SliceSet,
    *,
    searched: SliceStream | None = None,
    settings: Mapping[str, Any] | None = None,
    title: str = "Samples",
    unit: str = "patient",
    seed: int = 0,
) -> Path:
    """Writes output_dir/index.html, whole or not at all.

    Args:
        output_dir: made where it does not exist.
        scores: of exactly these sets.
        samples: as judged.
        train: as judged.
        heldout: as judged.
        searched: all training slices among which the nearest were sought, as judged; None takes `train`.
        settings: provenance: knobs, versions, the split's sha256; a nested mapping becomes a section of its own.
        title: heading of the page.
        unit: what a `patient_id` stands for: `patient`, or `scan` or `image`.
        seed: of the choice of what is shown.

    Returns:
        The path of the page. Equal arguments give an equal file.
    """
    rng = np.random.default_rng(seed)
    beside = heldout.take(scores.positions.heldout)
    text = _template().render(
        title=title,
        unit=unit,
        sizes={"samples": len(samples), "training slices": len(train), "held-out slices": len(heldout)},
        scores=scores,
        samples_name=SAMPLES,
        compared=comparison_words(scores),
        place=place_words(scores),
        verdict=verdict(scores.memorisation),
        cautions=find_sample_cautions(scores, unit),
        percentile=PERCENTILE,
        sample_sheet=draw_contact_sheet(samples.images[_choose(len(samples), rng)]),
        real_sheet=draw_contact_sheet(beside.images[_one_each(beside, rng)]),
        similarity_figure=draw_similarities(scores),
        pairs=_pairs(scores, samples, searched or train.stream()),
        group_rows=_group_rows(scores),
        method=sample_settings(scores),
        provenance=settings_sections(settings or {}),
    )
    path = Path(output_dir) / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return path


def _template() -> Template:
    environment = page_environment(Path(__file__).parent)
    environment.filters["p"] = format_p
    return environment.get_template("samples.html")


def _choose(number: int, rng: np.random.Generator) -> np.ndarray:
    return np.sort(rng.permutation(number)[:SHOWN])


def _one_each(heldout: SliceSet, rng: np.random.Generator) -> np.ndarray:
    """Places of slices to show, of as many patients as there are: one of each, then a second of each, and so on."""
    order = rng.permutation(len(heldout))
    turn = heldout.rows["patient_id"].iloc[order].groupby(heldout.rows["patient_id"]).cumcount().to_numpy()
    return np.sort(order[np.argsort(turn, kind="stable")][:SHOWN])


def _pairs(scores: SampleScores, samples: SliceSet, searched: SliceStream) -> list[dict[str, Any]]:
    """The samples closest to a training slice, closest first, with their pictures."""
    ordered = scores.neighbours.sort_values(["similarity", "sample"], ascending=[False, True]).head(MAX_PAIRS_SHOWN)
    return [
        {
            "sample": row["sample"],
            "slice": f"{row['nearest_scan_id']}, slice {row['nearest_slice_index']}",
            "similarity": row["similarity"],
            "is_above": row["above_heldout"],
            "conditions": _condition_words(row, samples),
            "picture": draw_pair(samples.images[row["sample"]], searched.load([int(scores.nearest[row["sample"]])])[0]),
        }
        for row in ordered.to_dict("records")
    ]


def _condition_words(row: Mapping[Any, Any], samples: SliceSet) -> str:
    named = {name: row[name] for name in samples.rows.columns if name not in ("sample", *SLICE_IDS)}
    return ", ".join(f"{name} {_short(value)}" for name, value in named.items() if not pd.isna(value))


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _group_rows(scores: SampleScores) -> list[dict[str, Any]]:
    """The lines of the table by condition, each group's first with the number of its lines."""
    if scores.groups is None or scores.groups.table.empty:
        return []
    table = scores.groups.table
    lines = table.groupby("value")["images"].transform("size").where(~table["value"].duplicated(), 0)
    return [{str(name): value for name, value in row.items()} for row in table.assign(lines=lines).to_dict("records")]
