"""Decides the split: seeded, stratified, by patient, and the same in whatever order the scans come."""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monai_vq.data.demographics import UNKNOWN, describe_differences, describe_split, first_values
from monai_vq.data.manifest import ScanRecord
from monai_vq.data.splits import SPLIT_NAMES, Splits, list_scans, prove_disjoint
from monai_vq.errors import InputError

__all__ = [
    "ALGORITHM",
    "DEFAULT_STRATA",
    "SHIPPED",
    "STRATA_COLUMNS",
    "Cohort",
    "check_fractions",
    "check_patient_count",
    "choose_columns",
    "make_splits",
]

ALGORITHM = "sha256-order-within-strata-largest-deficit-v1"
SHIPPED = "shipped-with-the-source"
DEFAULT_STRATA = ("diagnosis", "sex")
STRATA_COLUMNS = (*DEFAULT_STRATA, "age", "site", "field_strength")
ANY = "*"
_AGE_BIN = 10  # years; finer bins would leave strata of one


@dataclass(frozen=True)
class Cohort:
    """Where the scans of a split come from; recorded with it.

    Attributes:
        source: name of the source.
        id_rule: where the patient id comes from.
        unit: what one id stands for: `patient`, `scan` or `image`.
        sessions: `all` or `first`.
        exclusions: number of rejected volumes.
        shipped: split of each patient, where the source ships one that is kept.
    """

    source: str
    id_rule: str
    unit: str = "patient"
    sessions: str = "all"
    exclusions: int = 0
    shipped: Mapping[str, str] | None = None


def make_splits(
    records: Sequence[ScanRecord],
    cohort: Cohort,
    *,
    fractions: tuple[float, float, float],
    stratify: Sequence[str] | None = None,
    seed: int = 0,
) -> Splits:
    """Assigns every patient to train, val or test.

    Patients are ordered by stratum, and within it by the SHA-256 of seed and id; each in turn goes to the split that
    lags most behind its share. So each split has its share of all patients (largest remainder, and at least one),
    nearly its share of every stratum, and nothing depends on the order of `records` or on a random generator's
    version. A split that ships with the source is taken as it is.

    Args:
        records: all scans of the dataset.
        cohort: where they come from.
        fractions: of (train, val, test), summing to 1; a split of fraction 0 stays empty.
        stratify: columns among `STRATA_COLUMNS`; by default those of `DEFAULT_STRATA` in which some patient has a
            value. A patient's value is that of the first session that has one; ages count by decade.
        seed: changes the order within strata.

    Raises:
        InputError: the fractions are not shares of 1, a column is unknown or empty, or there are fewer patients than
            splits.
    """
    check_fractions(fractions)
    patients = first_values(records)
    columns: list[str] = []
    merged: dict[str, str] = {}
    if cohort.shipped is not None:
        assigned = _take_shipped(patients, cohort.shipped)
    else:
        columns = choose_columns(patients.values(), stratify)
        assigned, merged = _divide(patients, columns, fractions, seed)
    table = {name: describe_split(members, records, patients) for name, members in assigned.items()}
    for name, members in assigned.items():
        table[name]["smd"] = describe_differences(members, assigned[SPLIT_NAMES[0]], patients)
    return Splits(
        source=cohort.source,
        unit=cohort.unit,
        id_rule=cohort.id_rule,
        sessions=cohort.sessions,
        seed=seed,
        algorithm=ALGORITHM if cohort.shipped is None else SHIPPED,
        fractions=dict(zip(SPLIT_NAMES, fractions, strict=True)),
        stratified_by=list(columns),
        merged_strata=merged,
        splits=assigned,
        scans=list_scans(records),
        table=table,
        disjoint=prove_disjoint(assigned, records),
        exclusions=cohort.exclusions,
    )


def _divide(
    patients: Mapping[str, Mapping[str, Any]], columns: Sequence[str], fractions: Sequence[float], seed: int
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The sorted members of each split, and which strata were merged into which."""
    targets = _split_sizes(len(patients), fractions)
    strata, merged = _merge_rare(
        {patient: tuple(_stratum(name, values[name]) for name in columns) for patient, values in patients.items()},
        smallest=sum(size > 0 for size in targets.values()),
    )
    order = sorted(patients, key=lambda patient: (strata[patient], _shuffle_key(seed, patient)))
    return {name: sorted(members) for name, members in _deal(order, targets).items()}, merged


def _take_shipped(patients: Collection[str], shipped: Mapping[str, str]) -> dict[str, list[str]]:
    assigned: dict[str, list[str]] = {name: [] for name in SPLIT_NAMES}
    for patient in sorted(patients):
        assigned[shipped[patient]].append(patient)
    empty = [name for name, members in assigned.items() if not members]
    if empty:
        raise InputError(f"the source ships nothing usable for {', '.join(empty)}; mend what rejected.csv lists")
    return assigned


def _stratum(column: str, value: Any) -> str:
    if column == "age" and value is not None:
        decade = int(value // _AGE_BIN * _AGE_BIN)
        return f"{decade}-{decade + _AGE_BIN - 1} years"
    return str(value or UNKNOWN)


def check_fractions(fractions: Sequence[float]) -> None:
    """Checks shares before any volume is read.

    Raises:
        InputError: they are not three shares of 1, or train has none.
    """
    if len(fractions) != len(SPLIT_NAMES) or min(fractions) < 0 or not math.isclose(sum(fractions), 1, abs_tol=1e-6):
        raise InputError(
            f"fractions {tuple(fractions)}: expected three of at least 0 that sum to 1, as in 0.7 0.15 0.15"
        )
    if fractions[0] == 0:
        raise InputError("the fraction of train is 0; give it a share, as in 0.7 0.15 0.15")


def check_patient_count(n_patients: int, fractions: Sequence[float]) -> None:
    """Checks that no wanted split stays empty.

    Raises:
        InputError: there are fewer patients than splits.
    """
    wanted = sum(fraction > 0 for fraction in fractions)
    if n_patients < wanted:
        raise InputError(
            f"{n_patients} patient(s) for {wanted} splits; "
            f"add patients, as training needs at least one in each of {', '.join(SPLIT_NAMES)}"
        )


def choose_columns(people: Collection[Mapping[str, Any]], stratify: Sequence[str] | None) -> list[str]:
    """Columns to stratify by: those asked for, or all of `DEFAULT_STRATA` in which somebody has a value.

    Raises:
        InputError: a column is unknown, or nobody has a value in it.
    """
    known = [column for column in STRATA_COLUMNS if any(values[column] for values in people)]
    if stratify is None:
        return [column for column in DEFAULT_STRATA if column in known]
    for column in stratify:
        if column not in known:
            problem = "has no values in the tables" if column in STRATA_COLUMNS else "is unknown"
            raise InputError(
                f"the column {column!r} to stratify by {problem}; this source offers: {', '.join(known) or 'none'}"
            )
    return list(dict.fromkeys(stratify))


def _split_sizes(n_patients: int, fractions: Sequence[float]) -> dict[str, int]:
    """Largest remainder, then at least one patient wherever the fraction is not 0."""
    check_patient_count(n_patients, fractions)
    quotas = [fraction * n_patients for fraction in fractions]
    sizes = [math.floor(quota + 1e-9) for quota in quotas]  # 0.15 * 20 is a little below 3 in binary
    by_remainder = sorted(range(len(sizes)), key=lambda index: sizes[index] - quotas[index])
    for index in by_remainder[: n_patients - sum(sizes)]:
        sizes[index] += 1
    for index, fraction in enumerate(fractions):
        if fraction > 0 and sizes[index] == 0:
            sizes[sizes.index(max(sizes))] -= 1
            sizes[index] = 1
    return dict(zip(SPLIT_NAMES, sizes, strict=True))


def _merge_rare(strata: dict[str, tuple[str, ...]], smallest: int) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Drops the last column of a stratum with fewer patients than splits, until it is large enough or has none left."""
    current, merged = dict(strata), {}
    depth = len(next(iter(strata.values())))
    for kept in range(depth - 1, -1, -1):
        counts = Counter(current.values())
        rare = {stratum for stratum, count in counts.items() if count < smallest}
        current = {p: s[:kept] + (ANY,) * (depth - kept) if s in rare else s for p, s in current.items()}
    for patient, stratum in sorted(strata.items()):
        if current[patient] != stratum:
            merged[", ".join(stratum)] = ", ".join(current[patient])
    return current, dict(sorted(merged.items()))


def _shuffle_key(seed: int, patient_id: str) -> str:
    return hashlib.sha256(f"{seed}:{patient_id}".encode()).hexdigest()


def _deal(order: Sequence[str], targets: dict[str, int]) -> dict[str, list[str]]:
    dealt: dict[str, list[str]] = {name: [] for name in targets}
    for turn, patient in enumerate(order, start=1):
        open_splits = [name for name in targets if len(dealt[name]) < targets[name]]
        lag = {name: targets[name] * turn / len(order) - len(dealt[name]) for name in open_splits}
        dealt[max(open_splits, key=lambda name: lag[name])].append(patient)
    return dealt
