"""What the finished runs of a study say, as its two tables: a row a run and split, a row a variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from monai_vq.engines.load_run import make_network
from monai_vq.metrics.paired import holm
from monai_vq.networks import VQVAE
from monai_vq.report.tables import write_whole
from monai_vq.study.plan import Run, group_name
from monai_vq.study.state import RunState, state_of
from monai_vq.study.statistics import Comparison, compare

SCORES = ["ssim", "ssim_foreground", "psnr", "mse", "mae"]
RATES = ["bits_per_pixel", "bits_per_pixel_entropy"]
CODES = {"codebook_usage": "usage", "codebook_perplexity": "perplexity"}
TRAINING = ["spike_ratio", "steps", "minutes", "parameters"]
COMPARED_SPLIT = "test"


@dataclass(frozen=True)
class FinishedRun:
    """A complete run.

    Attributes:
        run: as planned.
        splits: its ssim_splits.csv.
        patients: its ssim_patients.csv.
        history: its metrics.csv.
        parameters: numbers that its network learns, codewords included.
        num_embeddings: K.
    """

    run: Run
    splits: pd.DataFrame
    patients: pd.DataFrame
    history: pd.DataFrame
    parameters: int
    num_embeddings: int

    @property
    def spike_ratio(self) -> float:
        """Largest loss of a step over the running median after the first epoch; NaN where there was no second."""
        return float(self.history.loc[self.history["epoch"] > 1, "train_spike_ratio"].max())

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Its rows of study.csv."""
        scores = self.splits[["split", "n_patients", *SCORES, *RATES, *CODES]]
        scores = scores.rename(columns={"n_patients": "patients", **CODES})
        last = self.history.iloc[-1]
        values = [self.spike_ratio, int(last["iteration"]), last["minutes"], self.parameters]
        first: dict[str, Any] = {"variant": self.run.variant.name, "seed": self.run.seed, **self.run.point}
        return pd.DataFrame(first, index=scores.index).join(scores).assign(**dict(zip(TRAINING, values, strict=True)))


@dataclass(frozen=True)
class Results:
    """The complete runs of a study.

    Attributes:
        finished: in the plan's order.
        missing: names of the runs that are planned and not complete.
        knobs: of the grid.
        reference: name of the variant that the others are compared with.
    """

    finished: Sequence[FinishedRun]
    missing: Sequence[str]
    knobs: Sequence[str]
    reference: str

    @cached_property
    def runs(self) -> pd.DataFrame:
        """study.csv: a row a run and split; a knob of the grid is empty where the variant does not read it."""
        rows = pd.concat([one.rows for one in self.finished], ignore_index=True)
        first = ["variant", "seed", *self.knobs]
        return rows.reindex(columns=[*first, *rows.columns.drop(first, errors="ignore")])

    @cached_property
    def groups(self) -> dict[str, list[FinishedRun]]:
        """The seeds of each variant and grid point, by its name."""
        groups: dict[str, list[FinishedRun]] = {}
        for one in self.finished:
            groups.setdefault(one.run.group, []).append(one)
        return groups

    @cached_property
    def variants(self) -> pd.DataFrame:
        """study_variants.csv: a row a variant and grid point, means and sd over seeds on the test split, comparison."""
        rows = [_summary(members, self.knobs) for members in self.groups.values()]
        comparisons = [self._compare(members) for members in self.groups.values()]
        table = pd.DataFrame(rows).join(pd.DataFrame([{} if one is None else asdict(one) for one in comparisons]))
        table = table.reindex(columns=[*rows[0], *Comparison.__dataclass_fields__])
        return table.assign(holm_p=holm(table["p"].astype(float).tolist()))

    def reference_of(self, run: Run) -> str:
        """Name of the group that a run's is compared with: the reference at the same values of what it reads."""
        points = [members[0].run for members in self.groups.values() if members[0].run.variant.name == self.reference]
        same = [one for one in points if all(run.point.get(name) == value for name, value in one.point.items())]
        return same[0].group if same else group_name(self.reference, run.point)

    def _compare(self, members: Sequence[FinishedRun]) -> Comparison | None:
        reference = self.reference_of(members[0].run)
        if reference == members[0].run.group or reference not in self.groups:
            return None
        return compare(patients_of(members), patients_of(self.groups[reference]))


def collect(runs: Sequence[Run], knobs: Sequence[str], reference: str) -> Results:
    """Reads what is complete of the runs."""
    states = {run.name: state_of(run) for run in runs}
    finished = [read_run(run) for run in runs if states[run.name] is RunState.COMPLETE]
    missing = [run.name for run in runs if states[run.name] is not RunState.COMPLETE]
    return Results(finished, missing, knobs, reference)


def read_run(run: Run) -> FinishedRun:
    """Reads a complete run's tables."""
    report = run.run_dir / "report"
    splits, patients = (pd.read_csv(report / f"ssim_{level}.csv") for level in ("splits", "patients"))
    history = pd.read_csv(run.run_dir / "metrics.csv")
    network = make_network(run.run_dir)
    return FinishedRun(run, splits, patients, history, count_parameters(network), network.num_embeddings)


def count_parameters(network: VQVAE) -> int:
    """Returns how many numbers a network learns, codewords included that moving averages teach."""
    total = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    if network.num_embeddings == 1:  # no codewords
        return total
    taught = sum(parameter.numel() for parameter in network.quantizer.parameters() if parameter.requires_grad)
    return total - taught + max(taught, network.num_embeddings * network.embedding_dim)


def patients_of(members: Sequence[FinishedRun], split: str = COMPARED_SPLIT) -> pd.DataFrame:
    """Returns a row a patient and seed of a group: ``seed, patient_id, ssim, mse``."""
    rows = [one.patients[one.patients["split"] == split].assign(seed=one.run.seed) for one in members]
    return pd.concat(rows)[["seed", "patient_id", "ssim", "mse"]]


def write_results(results: Results, output_dir: Path) -> None:
    """Writes study.csv and study_variants.csv, each whole or not at all."""
    for name, table in (("study", results.runs), ("study_variants", results.variants)):
        write_whole(output_dir / f"{name}.csv", table.to_csv(index=False, float_format="%.9g", lineterminator="\n"))


def _summary(members: Sequence[FinishedRun], knobs: Sequence[str]) -> dict[str, Any]:
    run, rows = members[0].run, pd.concat([one.rows for one in members])
    test = rows[rows["split"] == COMPARED_SPLIT]
    averaged = [*SCORES, *RATES, *CODES.values()]
    scores: dict[str, float] = {}
    for name in averaged:
        scores |= {name: test[name].mean(), f"{name}_sd": test[name].std(ddof=1)}
    return {
        "variant": run.variant.name,
        **{name: run.point.get(name) for name in knobs},
        "split": COMPARED_SPLIT,
        "patients": int(test["patients"].iloc[0]),
        "seeds": len(members),
        **scores,
        "spike_ratio": test["spike_ratio"].max(),
        "steps": int(test["steps"].max()),
        "minutes": test["minutes"].mean(),
        "parameters": int(test["parameters"].iloc[0]),
    }
