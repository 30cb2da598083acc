"""The runs of a comparison: the stored content of each, under a name that no other has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from monai_vq.errors import InputError
from monai_vq.report.comparison.checks import check_comparable
from monai_vq.report.content import ReportContent
from monai_vq.report.scores import ScoreTables
from monai_vq.report.stored import read_content
from monai_vq.report.tables import SPLITS

__all__ = ["ComparedRun", "Comparison", "read_comparison", "run_names"]


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """A run and its scores.

    Attributes:
        name: given, or of its folder, with folders above it where another run has the same.
        public_name: given, or its number: a folder may be named after a site or a person.
        content: of its report.
    """

    name: str
    public_name: str
    content: ReportContent

    @cached_property
    def tables(self) -> ScoreTables:
        """Its three score tables."""
        return ScoreTables.of_model(self.content.scores)

    def split_rows(self, split: str) -> dict:
        """Its row of the split table."""
        return self.tables.splits.set_index("split").loc[split].to_dict()


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs that were scored on the same slices.

    Attributes:
        runs: in the order in which they were given.
        reference: the one of them that the others are compared with.
    """

    runs: Sequence[ComparedRun]
    reference: ComparedRun

    @property
    def others(self) -> list[ComparedRun]:
        """All but the reference."""
        return [run for run in self.runs if run is not self.reference]

    @property
    def unit(self) -> str:
        """What a `patient_id` stands for, in every run."""
        return self.reference.content.unit

    @cached_property
    def splits(self) -> list[str]:
        """The splits that were scored, the test split first."""
        scored = set(self.reference.tables.splits["split"])
        return [split for split in reversed(SPLITS) if split in scored]

    @property
    def compared_split(self) -> str:
        """The split whose patients are compared one by one: test, where there is one."""
        return self.splits[0]

    @cached_property
    def baselines(self) -> dict[str, ScoreTables]:
        """The reference's baselines, which know nothing of a model and are the same for all runs."""
        return ScoreTables.of_baselines(self.reference.content.scores)

    @property
    def has_bound(self) -> bool:
        """Whether the rate of some run is a bound."""
        return any(run.content.scores.latent.is_bound for run in self.runs)


def read_comparison(
    run_dirs: Sequence[Path], reference: Path | None = None, names: Sequence[str] | None = None
) -> Comparison:
    """Reads the stored content of runs.

    Args:
        run_dirs: folders of two runs or more.
        reference: one of them; None is the first.
        names: what the runs are called, in a public page too; None calls them by their folders, or there by numbers.

    Raises:
        InputError: a folder is no run or is given twice, the reference is not among them, names are too few, too many
            or not different, a run has no stored content, or the runs cannot be compared (`check_comparable`).
    """
    folders = [_run_folder(run_dir) for run_dir in run_dirs]
    twice = sorted({str(folder) for folder in folders if folders.count(folder) > 1})
    if twice:
        raise InputError(f"{twice[0]} was given twice; a run is compared with other runs.")
    if len(folders) < 2:
        raise InputError(f"{len(folders)} runs to compare; expected two or more.")
    at = 0 if reference is None else _place_of(reference, folders)
    if names is not None:
        _check_names(names, len(folders))
    public_names = names or [f"run {number}" for number in range(1, len(folders) + 1)]
    contents = [read_content(folder) for folder in folders]
    names = names or run_names(folders)
    check_comparable(dict(zip(names, contents, strict=True)))
    runs = [ComparedRun(*words) for words in zip(names, public_names, contents, strict=True)]
    return Comparison(runs, runs[at])


def run_names(folders: Sequence[Path]) -> list[str]:
    """The name of each folder, preceded by as many of the folders above it as it takes to tell it from the others.

    Example:
        >>> run_names([Path("/one/vq"), Path("/two/vq"), Path("/two/vae")])
        ['one/vq', 'two/vq', 'vae']
    """
    depths = [1] * len(folders)
    while True:
        names = ["/".join(folder.parts[-depth:]) for folder, depth in zip(folders, depths, strict=True)]
        longer = [
            depth + (names.count(name) > 1 and depth < len(folder.parts))
            for name, depth, folder in zip(names, depths, folders, strict=True)
        ]
        if longer == depths:
            return names
        depths = longer


def _run_folder(run_dir: Path) -> Path:
    if not run_dir.is_dir():
        raise InputError(f"{run_dir} is no folder; give the folder of a run, output_dir of its bundle.")
    return run_dir.resolve()


def _check_names(names: Sequence[str], number: int) -> None:
    if len(names) != number or len(set(names)) < number or not all(names):
        raise InputError(f"--names {' '.join(names)}: expected {number} different names, one for each run in order.")


def _place_of(reference: Path, folders: Sequence[Path]) -> int:
    if reference.resolve() not in folders:
        given = ", ".join(str(folder) for folder in folders)
        raise InputError(f"--reference {reference} is none of the runs; expected one of {given}.")
    return folders.index(reference.resolve())
