"""`docs/README.md`: the model card of a handed-on model, in the order of the Model Zoo's template."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from monai_vq.engines.tracking import without_tracking
from monai_vq.export.card_words import CardWords
from monai_vq.export.commands import commands
from monai_vq.export.data_terms import DataTerms
from monai_vq.export.finished_run import FinishedRun
from monai_vq.export.metadata import describe_latent
from monai_vq.metrics.bootstrap import FEW_PATIENTS
from monai_vq.networks import VAE
from monai_vq.report.disclosure import MIN_PATIENTS

BOUND = "The bits per pixel of a variational autoencoder are a bound: no code is stored."
FILL_IN = "**Fill this in before you hand the model on:**"
_SETTINGS = {  # of `Preparation.to_record`
    **{"source": "source", "plane": "plane", "slice_range": "slice range", "num_slices": "slices a scan"},
    **{"window": "window", "window_unit": "unit of the window", "foreground": "foreground mask"},
    **{"row_mm": "pixel height, mm, least and most", "column_mm": "pixel width, mm, least and most"},
    "whole_heads": "share of whole heads",
}
_COLUMNS = {
    "ssim": ("SSIM", ".4f"),
    "ssim_foreground": ("SSIM, foreground", ".4f"),
    "psnr": ("PSNR, dB", ".2f"),
    "mse": ("MSE", ".3g"),
    "mae": ("MAE", ".3g"),
    "bits_per_pixel": ("bits/pixel", ".4g"),
    "codebook_usage": ("codes used", ".1%"),
}


def model_card(run: FinishedRun, name: str, terms: DataTerms | None, has_onnx: bool) -> str:
    """Returns the card as Markdown.

    Args:
        run: that is handed on.
        name: of the bundle.
        terms: of the data; None where they are not known.
        has_onnx: whether the bundle holds ``models/model.onnx``.
    """
    sections = [
        f"# {name}\n\n{describe_latent(run)}",
        f"## Intended use\n\n{run.words.intended_use}",
        _not_for(run.words),
        _data(run, terms),
        _split(run),
        _scores(run),
        _training(run),
        _limits(run),
        commands(name, run.image_size, has_onnx, run.words),
        _licences(terms),
    ]
    return "\n\n".join(sections) + "\n"


def _not_for(words: CardWords) -> str:
    return "## Not for\n\n" + "\n".join(f"- {line}" for line in words.not_for)


def _data(run: FinishedRun, terms: DataTerms | None) -> str:
    where = f"{terms.title}, {terms.url}." if terms else f"{FILL_IN} {run.words.whose}"
    known = {**run.preparation, **(run.preparation.get("slicing") or {})}
    shown = _SETTINGS if run.of_scans else {"source": _SETTINGS["source"]}  # pictures have no plane and no millimetres
    prepared = {title: known[name] for name, title in shown.items() if known.get(name) is not None}
    how = _bullets(prepared) if prepared else f"{FILL_IN} how they were prepared; the run does not know any more."
    return (
        f"## Data\n\n{where}\n\nPrepared by `python -m data_prep`, with these settings:\n\n{how}\n\n"
        "A dataset for this bundle is prepared with the same ones."
    )


def _split(run: FinishedRun) -> str:
    columns = [f"{run.unit}s"] + (["slices"] if run.of_scans else [])  # an image is its own only slice
    sizes = ["n_patients", "n_slices"][: len(columns)]
    counts = [[str(row["split"]), *(str(row[name]) for name in sizes)] for row in run.scores.to_dict("records")]
    return (
        f"## Split\n\nBy {run.unit}. {run.words.separation.get(run.unit, '')} SHA-256 of the split: "
        f"`{run.record.get('split_sha256', 'not recorded')}`.\n\n" + _table(["split", *columns], 1, counts)
    )


def _scores(run: FinishedRun) -> str:
    large = run.scores[run.scores["n_patients"] >= MIN_PATIENTS]
    small = [str(split) for split in run.scores["split"] if split not in set(large["split"])]
    names = [name for name in _COLUMNS if name in run.scores and run.scores[name].notna().any()]
    names = names if run.of_scans else [name for name in names if name != "ssim_foreground"]
    rows = [_score_row("model", row, names) for row in large.to_dict("records")]
    rows += [
        _score_row(str(row["reconstruction"]), row, names)
        for row in run.baselines.to_dict("records")
        if row["split"] == "test" and "test" not in small
    ]
    left_out = f" Left out, with fewer than {MIN_PATIENTS} {run.unit}s: {', '.join(small)}." if small else ""
    bound = f" {BOUND}" if isinstance(run.network, VAE) else ""
    return (
        "## Scores\n\n"
        f"Means over {run.unit}s with 95 % bootstrap intervals over {run.unit}s; weights of epoch {run.best_epoch}, "
        "the best on the validation split. SSIM as Wang et al. 2004 (Gaussian window, σ 1.5, data range 1). Read a "
        "score beside its bits per pixel, and beside the baselines, which know no model. The run's report has "
        f"more.{bound}{left_out}\n\n" + _table(["", "split", *(_COLUMNS[name][0] for name in names)], 2, rows)
    )


def _score_row(what: str, row: Mapping[Hashable, Any], names: Sequence[str]) -> list[str]:
    return [what, str(row["split"]), *(_score(row, name, _COLUMNS[name][1]) for name in names)]


def _score(row: Mapping[Hashable, Any], name: str, spec: str) -> str:
    value, low, high = (row.get(name + end, math.nan) for end in ("", "_low", "_high"))
    if pd.isna(value):
        return "-"
    return f"{value:{spec}}" if pd.isna(low) or low == high else f"{value:{spec}} [{low:{spec}}, {high:{spec}}]"


def _training(run: FinishedRun) -> str:
    settings = {
        name: value
        for name, value in without_tracking(run.config).items()
        if isinstance(value, (int, float, str)) and not isinstance(value, bool) and not str(value).startswith("$")
    }
    hidden = ("bundle_root", "dataset_dir", "output_dir")
    shown = {name: value for name, value in settings.items() if name not in hidden}
    machine = {name: value for name, value in run.environment.items() if value}
    return f"## Training\n\n{_bullets(shown)}\n\nVersions and machine:\n\n{_bullets(machine)}"


def _limits(run: FinishedRun) -> str:
    few = run.scores[run.scores["n_patients"] < FEW_PATIENTS]
    lines = [
        f"Only {int(row['n_patients'])} {run.unit}s in the {row['split']} split: the intervals are wide, and hold only "
        "if these are typical."
        for row in few.to_dict("records")
    ]
    lines += run.words.limits
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _licences(terms: DataTerms | None) -> str:
    if terms is None:
        data = (
            f"{FILL_IN} the licence of the data and what it forbids, here and in `docs/data_license.txt`. Until then "
            "nobody may assume that these weights can be passed on."
        )
    else:
        data = "\n\n".join(
            filter(None, (terms.licence, terms.caution, "\n".join(f"- {line}" for line in terms.conditions)))
        )
        data += "\n\nThe same is in `docs/data_license.txt`."
    return f"## Licences\n\nCode: Apache License 2.0, see `LICENSE`.\n\nData: {data}"


def _table(header: Sequence[str], n_words: int, rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its first columns words and the others numbers."""
    rule = ["---"] * n_words + ["---:"] * (len(header) - n_words)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def _bullets(values: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: `{_value(value)}`" for name, value in values.items())


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
