"""The page of a study: one HTML file that needs nothing but itself."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from monai_vq.metrics.bootstrap import FEW_PATIENTS
from monai_vq.metrics.paired import least_p
from monai_vq.pages import page_environment
from monai_vq.report.settings import interval_settings, metric_settings
from monai_vq.report.tables import write_whole
from monai_vq.study.figures import draw_frequent, draw_grid, draw_losses, draw_rate_distortion, group_styles
from monai_vq.study.latent_figures import draw_codebooks, draw_gains, draw_reconstructions, draw_usage
from monai_vq.study.latents import read_latents
from monai_vq.study.results import FinishedRun, Results
from monai_vq.study.state import planned_config

SIGNIFICANT = 0.05  # what a p must fall below to be called so by most
SPIKE = 3.0  # a step's loss over the running median, from which on it counts as a spike
COLUMNS = {"ssim": ".4f", "ssim_foreground": ".4f", "psnr": ".2f", "mse": "#.3g", "usage": ".1%", "perplexity": ".0f"}


def write_study_page(
    results: Results, output_dir: Path, unit: str = "patient", failed: Mapping[str, str] | None = None
) -> Path:
    """Writes index.html, whole or not at all, of the runs that are complete; it says which are missing.

    Args:
        results: with one complete run at least.
        output_dir: folder of the study.
        unit: what a ``patient_id`` stands for: ``patient``, or ``scan`` or ``image``.
        failed: the last line of each run that failed just now.

    Returns:
        The path of the page.
    """
    latents = read_latents(results)
    text = (
        page_environment(Path(__file__).parent)
        .get_template("page.html")
        .render(
            unit=unit,
            dataset=results.finished[0].run.dataset_dir.name,
            reference=results.reference,
            cautions=_cautions(results, unit, failed or {}),
            facts=_facts(results),
            rows=_rows(results),
            summaries={members[0].run.group: members[0].run.variant.summary for members in results.groups.values()},
            rate_figure=draw_rate_distortion(results),
            loss_figure=draw_losses(results),
            frequent_figure=draw_frequent(results),
            grid_figures={knob: draw_grid(results, knob) for knob in results.knobs},
            pictures=latents[0].pictures,
            picture_figure=draw_reconstructions(latents),
            usage_figure=draw_usage(latents, group_styles(results)),
            codebook_figure=draw_codebooks(latents),
            gain_figure=draw_gains(latents),
            stability=[_stability(group, members) for group, members in results.groups.items()],
            spike=SPIKE,
            method={
                "Comparison": _comparison_settings(),
                "Scores": metric_settings(),
                "Intervals": interval_settings(),
            },
            commands={members[0].run.group: _command(members[0]) for members in results.groups.values()},
        )
    )
    path = output_dir / "index.html"
    write_whole(path, text)
    return path


def _cautions(results: Results, unit: str, failed: Mapping[str, str]) -> list[str]:
    """Sentences for the top of the page, none where nothing is wrong."""
    cautions = []
    if results.missing:
        cautions.append(f"Not complete, hence left out: {', '.join(results.missing)}.")
    cautions += [f"Failed: {name}: {line}" for name, line in failed.items()]
    table = results.variants
    if (table["seeds"] < 2).any():
        single = table.loc[table["seeds"] < 2, "variant"].unique()
        cautions.append(f"One seed only, so no spread over seeds: {', '.join(single)}.")
    if table["patients"].min() < FEW_PATIENTS:
        number = table["patients"].min()
        cautions.append(
            f"Only {number} {unit}s in the test split: the intervals are wide, and hold only if these {unit}s are "
            "typical."
        )
    if least_p(table["patients"].min(), len(table) - 1) > SIGNIFICANT:
        cautions.append(
            f"With so few {unit}s and {len(table) - 1} comparisons no corrected p can fall below {SIGNIFICANT}, "
            "whatever the difference: read the intervals and the seeds."
        )
    if unit != "patient":
        cautions.append(
            f"The scores are by {unit}, not by patient: {unit}s that were cut from one picture or show one person are "
            "not independent, so intervals are too narrow and p values too small."
        )
    if table["steps"].nunique() > 1:
        cautions.append("The numbers of steps differ, as epochs have more steps with a smaller batch; see study.csv.")
    precisions = {_precision(one) for one in results.finished}
    if len(precisions) > 1:
        cautions.append(f"The runs were trained in different precisions: {', '.join(sorted(precisions))}.")
    inactive = [group for group, members in results.groups.items() if _is_warming_up(members[0])]
    if inactive:
        cautions.append(f"Trained no longer than warmup_epochs, hence with all codes frequent: {', '.join(inactive)}.")
    if results.reference not in set(table["variant"]):
        cautions.append(f"The reference {results.reference} has no complete run: nothing is compared.")
    return cautions


def _precision(one: FinishedRun) -> str:
    config = json.loads((one.run.run_dir / "config.json").read_text(encoding="utf-8"))
    return str(config["precision"])


def _is_warming_up(one: FinishedRun) -> bool:
    config = planned_config(one.run)
    return "num_frequent" in config and one.history["epoch"].max() <= config["warmup_epochs"]


def _facts(results: Results) -> dict[str, Any]:
    """What was run, in numbers."""
    first = results.finished[0]
    sizes = first.splits.set_index("split")[["n_patients", "n_slices"]].astype(int)
    history = pd.concat([one.history.tail(1) for one in results.finished])
    return {
        "runs": len(results.finished),
        "planned": len(results.finished) + len(results.missing),
        "groups": len(results.groups),
        "seeds": sorted({one.run.seed for one in results.finished}),
        "epochs": sorted(set(history["epoch"].astype(int))),
        "steps": sorted(set(history["iteration"].astype(int))),
        "minutes": float(history["minutes"].sum()),
        "sizes": sizes.to_dict("index"),
    }


def _rows(results: Results) -> list[dict[str, Any]]:
    """The lines of the large table, as text."""
    return [
        {
            "group": group,
            "seeds": row["seeds"],
            "rate": format(row["bits_per_pixel"], ".4g"),
            "is_bound": results.groups[group][0].run.variant.family == "vae",
            "entropy": "" if pd.isna(row["bits_per_pixel_entropy"]) else format(row["bits_per_pixel_entropy"], ".4g"),
            "cells": [_mean_and_sd(row, name, spec) for name, spec in COLUMNS.items()],
            "compared": None if pd.isna(row["mse_ratio"]) else row,
            "parameters": row["parameters"],
            "minutes": row["minutes"],
        }
        for group, row in zip(results.groups, results.variants.to_dict("records"), strict=True)
    ]


def _mean_and_sd(row: Mapping[Any, Any], name: str, spec: str) -> tuple[str, str]:
    mean, deviation = row[name], row[f"{name}_sd"]
    if pd.isna(mean):
        return "–", ""
    return format(mean, spec), "" if pd.isna(deviation) else f"± {deviation:.2g}"


def _stability(group: str, members: list[FinishedRun]) -> dict[str, Any]:
    ratios = [one.spike_ratio for one in members]
    worst = max(ratios, default=float("nan"))
    return {"group": group, "ratios": ratios, "worst": worst, "verdict": "yes" if worst > SPIKE else "no"}


def _comparison_settings() -> dict[str, str]:
    return {
        "order of the data": "the same for all variants of a seed; it depends on the seed and the epoch alone",
        "initial weights": "drawn with the seed: equal encoders for all variants but the VAE, equal decoders for those "
        "whose quantizers draw equally many random numbers before them",
        "checkpoint": "of the epoch with the best SSIM on the validation split, of each run",
        "MSE ratio": "geometric mean over patients of reference MSE / MSE, a patient's log ratio averaged over the "
        "seeds that both have; above 1 the variant's error is smaller",
        "p": "Wilcoxon signed-rank test, two-sided, of the patients' log ratios, corrected after Holm for the number "
        "of variants in the table; interval and p are over patients, for the seeds that were trained",
        "± ": "standard deviation over seeds",
        "entropy bits per pixel": "log2 K replaced by the cross-entropy of the test split's codes under the training "
        "split's histogram",
        "spike ratio": "largest reconstruction loss of a training step over the median of the 200 steps before, "
        "after the first epoch",
        "parameters": "numbers that the network learns, codewords included",
    }


def _command(one: FinishedRun) -> str:
    """The command of a run with folders cut to their last name: the rest of a path may name people or sites."""
    words = ["python", *one.run.command(resume=False)[1:]]
    for path in (one.run.run_dir, one.run.dataset_dir):
        words = [word.replace(str(path), path.name) for word in words]
    return shlex.join(words)
