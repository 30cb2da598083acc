"""What differs between the runs' settings, what they share, and how they were compared."""

from __future__ import annotations

from collections.abc import Mapping

from monai_vq.metrics.bootstrap import LEVEL
from monai_vq.report.comparison.runs import ComparedRun, Comparison
from monai_vq.report.settings import settings_sections

__all__ = ["common_settings", "comparison_settings", "different_settings"]

NONE = "–"  # a run that has no such setting
_NOT_A_SETTING = ("output_dir",)  # every run has its own


def different_settings(comparison: Comparison) -> dict[str, dict[str, list[str]]]:
    """The settings in which runs differ.

    Returns:
        For each section, and each setting of it, the value of every run in the order of the runs.
    """
    by_run = [_sections(run) for run in comparison.runs]
    different: dict[str, dict[str, list[str]]] = {}
    for section, name in _names(by_run):
        values = [sections.get(section, {}).get(name, NONE) for sections in by_run]
        if len(set(values)) > 1:
            different.setdefault(section, {})[name] = values
    return different


def common_settings(comparison: Comparison) -> dict[str, dict[str, str]]:
    """The settings that are equal in all runs, by section."""
    by_run = [_sections(run) for run in comparison.runs]
    common: dict[str, dict[str, str]] = {}
    for section, name in _names(by_run):
        values = {sections.get(section, {}).get(name, NONE) for sections in by_run}
        if len(values) == 1:
            common.setdefault(section, {})[name] = values.pop()
    return common


def comparison_settings(comparison: Comparison) -> dict[str, str]:
    """How runs are compared."""
    unit, split, reference = comparison.unit, comparison.compared_split, comparison.reference.name
    return {
        "pairs": f"every {unit} of the {split} split: its score in a run minus its score in {reference}",
        "difference": f"mean over {unit}s, with its {LEVEL:.0%} interval over {unit}s",
        "p": "Wilcoxon's signed-rank test of the differences, two-sided; exact for up to 50 different ones, the normal "
        "approximation beyond",
        "p (Holm)": "corrected for the number of runs that are compared with the reference (Holm 1979), within each "
        "score. The scores are not independent, and SSIM is the one to judge by",
        "better, worse": f"{unit}s whose score is better (higher SSIM and PSNR, lower MSE and MAE) or worse",
        "what it covers": f"whether these trained networks differ on further {unit}s. Whether a method does, when "
        "trained again, needs several seeds: python -m monai_vq.study",
        "choice": "whoever picks the best of many runs by this table picks luck, too: choose on the validation split, "
        "report on the test split",
    }


def _sections(run: ComparedRun) -> Mapping[str, Mapping[str, str]]:
    sections = settings_sections(run.content.settings)
    return {
        section: {name: value for name, value in rows.items() if name not in _NOT_A_SETTING}
        for section, rows in sections.items()
    }


def _names(by_run: list[Mapping[str, Mapping[str, str]]]) -> list[tuple[str, str]]:
    """Every section and setting that some run has, in the order in which they are first met."""
    met: dict[str, dict[str, None]] = {}
    for sections in by_run:
        for section, rows in sections.items():
            met.setdefault(section, {}).update(dict.fromkeys(rows))
    return [(section, name) for section, names in met.items() for name in names]
