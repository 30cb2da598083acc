"""Decides the split: seeded, stratified, by patient, and the same in whatever order the scans come."""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from monai_vq.data.manifest import ScanRecord
from monai_vq.data.splits import SPLIT_NAMES, Splits, prove_disjoint
from monai_vq.errors import InputError

__all__ = [
    "ALGORITHM",
    "STRATA_COLUMNS",
    "check_fractions",
    "check_patient_count",
    "choose_columns",
    "make_splits",
]

ALGORITHM = "sha256-order-within-strata-largest-deficit-v1"
STRATA_COLUMNS = ("diagnosis", "sex")
UNKNOWN = "unknown"  # a missing diagnosis is a stratum of its own, never the healthy one
ANY = "*"


def make_splits(
    records: Sequence[ScanRecord],
    *,
    fractions: tuple[float, float, float],
    stratify: Sequence[str] | None = None,
    seed: int = 0,
    exclusions: int = 0,
) -> Splits:
    """Assigns every patient to train, val or test.

    Patients are ordered by stratum, and within it by the SHA-256 of seed and id; each in turn goes to the split that
    lags most behind its share. So each split has its share of all patients (largest remainder, and at least one),
    nearly its share of every stratum, and nothing depends on the order of `records` or on a random generator's
    version.

    Args:
        records: all scans of the dataset.
        fractions: of (train, val, test), summing to 1; a split of fraction 0 stays empty.
        stratify: columns among `STRATA_COLUMNS`; by default those of them in which some patient has a value. A
            patient's value is that of the first session that has one.
        seed: changes the order within strata.
        exclusions: number of rejected volumes, recorded.

    Raises:
        InputError: the fractions are not shares of 1, a column is unknown or empty, or there are fewer patients than
            splits.
    """
    check_fractions(fractions)
    patients = _first_values(records)
    columns = choose_columns(patients.values(), stratify)
    targets = _split_sizes(len(patients), fractions)
    strata, merged = _merge_rare(
        {patient: tuple(values[column] or UNKNOWN for column in columns) for patient, values in patients.items()},
        smallest=sum(size > 0 for size in targets.values()),
    )
    order = sorted(patients, key=lambda patient: (strata[patient], _shuffle_key(seed, patient)))
    assigned = {name: sorted(members) for name, members in _deal(order, targets).items()}
    return Splits(
        seed=seed,
        algorithm=ALGORITHM,
        fractions=dict(zip(SPLIT_NAMES, fractions, strict=True)),
        stratified_by=list(columns),
        merged_strata=merged,
        splits=assigned,
        table={name: _describe(members, records, patients) for name, members in assigned.items()},
        disjoint=prove_disjoint(assigned, records),
        exclusions=exclusions,
    )


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
    """Columns to stratify by: those asked for, or all of `STRATA_COLUMNS` in which somebody has a value.

    Raises:
        InputError: a column is unknown, or nobody has a value in it.
    """
    known = [column for column in STRATA_COLUMNS if any(values[column] for values in people)]
    if stratify is None:
        return known
    for column in stratify:
        if column not in known:
            problem = "has no values in the tables" if column in STRATA_COLUMNS else "is unknown"
            raise InputError(
                f"the column {column!r} to stratify by {problem}; this source offers: {', '.join(known) or 'none'}"
            )
    return list(dict.fromkeys(stratify))


def _first_values(records: Sequence[ScanRecord]) -> dict[str, dict[str, Any]]:
    """Diagnosis, sex and age of each patient at the first session that knows them; sorted by id."""
    patients: dict[str, dict[str, Any]] = {}
    for record in sorted(records, key=lambda record: (record.patient_id, record.session_id, record.scan_id)):
        values = patients.setdefault(record.patient_id, {"diagnosis": "", "sex": "", "age": None})
        for column, value in values.items():
            if value in ("", None):
                values[column] = getattr(record, column)
    return patients


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


def _describe(
    members: Sequence[str], records: Sequence[ScanRecord], patients: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    patient_ids = set(members)
    scans = [record for record in records if record.patient_id in patient_ids]
    ages = [float(patients[member]["age"]) for member in members if patients[member]["age"] is not None]
    return {
        "n_patients": len(members),
        "n_scans": len(scans),
        "n_slices": sum(len(record.slice_indices) for record in scans),
        "age_mean": round(fmean(ages), 4) if ages else None,
        "age_sd": round(stdev(ages), 4) if len(ages) > 1 else None,
        **{
            column: dict(sorted(Counter(patients[member][column] or UNKNOWN for member in members).items()))
            for column in STRATA_COLUMNS
        },
    }
