"""What a reader must know before believing that one run is better than another."""

from __future__ import annotations

from collections.abc import Sequence

from monai_vq.metrics.bootstrap import FEW_PATIENTS
from monai_vq.metrics.paired import least_p
from monai_vq.pages import number_of
from monai_vq.report.comparison.runs import ComparedRun, Comparison
from monai_vq.report.scores import ScoreTables

__all__ = ["find_comparison_cautions"]

SIGNIFICANT = 0.05  # what a p must fall below to be called so by most
SAME_RATE = 1.01  # largest over smallest rate that is still called equal
SAME_BASELINE = 1e-4  # of a mean score in [0, 1]; scores of one image differ by less between machines
SEEN_BY = ["ssim", "ssim_foreground"]  # of a baseline: the images, and their masks
LENGTHS = {"epoch": "epochs", "iteration": "steps"}


def find_comparison_cautions(comparison: Comparison) -> list[str]:
    """Sentences for the top of the page, none where nothing is wrong."""
    return [
        *_unequal_rates(comparison),
        *_unequal_lengths(comparison.runs),
        *_other_images(comparison),
        *_not_tested(comparison),
        *_few_patients(comparison),
        *_no_patients(comparison.unit),
        *_other_versions(comparison.runs),
    ]


def _unequal_rates(comparison: Comparison) -> list[str]:
    split = comparison.compared_split
    rates = {run.name: run.split_rows(split)["bits_per_pixel"] for run in comparison.runs}
    least, most = min(rates, key=rates.__getitem__), max(rates, key=rates.__getitem__)
    if rates[most] <= SAME_RATE * rates[least]:
        return []
    return [
        f"The rates differ, from {rates[least]:.4g} bits per pixel ({least}) to {rates[most]:.4g} ({most}): more bits "
        "give a better score to any model. Compare runs of equal rate, or read scores and rates together in the figure."
    ]


def _unequal_lengths(runs: Sequence[ComparedRun]) -> list[str]:
    lengths = {run.name: _length(run) for run in runs}
    if len(set(lengths.values())) == 1:
        return []
    listed = "; ".join(f"{name} {length}" for name, length in lengths.items())
    return [f"The runs were not trained equally long, and the longer ones may lead for that alone: {listed}."]


def _length(run: ComparedRun) -> str:
    history = run.content.history
    if history is None or history.empty:
        return "not known"
    last = history.iloc[-1]
    return ", ".join(f"{last[name]:.0f} {word}" for name, word in LENGTHS.items() if name in history) or "not known"


def _other_images(comparison: Comparison) -> list[str]:
    """The baselines are made from the data alone: where they differ, the data did."""
    others = {run.name: ScoreTables.of_baselines(run.content.scores) for run in comparison.others}
    different = [name for name, baselines in others.items() if _differ(comparison.baselines, baselines)]
    if not different:
        return []
    return [
        f"The baselines, which know nothing of any model, score differently in {', '.join(different)} than in "
        f"{comparison.reference.name}: these runs saw other images, as after another intensity window, and scores of "
        "other images are no comparison."
    ]


def _differ(first: dict[str, ScoreTables], second: dict[str, ScoreTables]) -> bool:
    for name in first.keys() & second.keys():
        means = [tables[name].splits.set_index("split")[SEEN_BY] for tables in (first, second)]
        if (means[0] - means[1]).abs().max().max() > SAME_BASELINE:
            return True
    return False


def _not_tested(comparison: Comparison) -> list[str]:
    if comparison.compared_split == "test":
        return []
    return [
        f"Compared on the {comparison.compared_split} split, as there is no test split to show: these "
        f"{comparison.unit}s had a part in training or in the choice of the checkpoint."
    ]


def _few_patients(comparison: Comparison) -> list[str]:
    number = int(comparison.reference.split_rows(comparison.compared_split)["n_patients"])
    comparisons, unit, cautions = len(comparison.others), comparison.unit, []
    if number < FEW_PATIENTS:
        cautions.append(f"Compared: only {number_of(number, unit)}. The intervals rest on them being typical.")
    if comparisons and least_p(number, comparisons) > SIGNIFICANT:
        cautions.append(
            f"With so few {unit}s and {number_of(comparisons, 'comparison')} no corrected p can fall below "
            f"{SIGNIFICANT}, whatever the difference: read the intervals."
        )
    return cautions


def _no_patients(unit: str) -> list[str]:
    if unit == "patient":
        return []
    return [
        f"The split is by {unit}, not by patient: {unit}s that show one person are not independent, so intervals may "
        "be too narrow and p values too small."
    ]


def _other_versions(runs: Sequence[ComparedRun]) -> list[str]:
    versions = {run.name: str(run.content.settings.get("environment", {}).get("monai_vq", "unknown")) for run in runs}
    if len(set(versions.values())) == 1:
        return []
    listed = "; ".join(f"{name} {version}" for name, version in versions.items())
    return [f"The runs were scored by different versions of monai_vq, whose scores may differ: {listed}."]
