"""Who is in a split: counts, means, and how far each split is from the training patients."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean, pvariance, stdev
from typing import Any

from monai_vq.data.manifest import ScanRecord

__all__ = ["UNKNOWN", "describe_differences", "describe_split", "first_values"]

UNKNOWN = "unknown"  # a missing diagnosis is a stratum of its own, never the healthy one
_COLUMNS = ("diagnosis", "sex", "age", "site", "field_strength")
_COUNTED = ("diagnosis", "sex")


def first_values(records: Sequence[ScanRecord]) -> dict[str, dict[str, Any]]:
    """Diagnosis, sex, age, site and field strength of each patient at the first session that knows them; by id."""
    patients: dict[str, dict[str, Any]] = {}
    for record in sorted(records, key=lambda record: (record.patient_id, record.session_id, record.scan_id)):
        values = patients.setdefault(record.patient_id, dict.fromkeys(_COLUMNS, ""))
        for column, value in values.items():
            if value in ("", None):
                values[column] = getattr(record, column)
    return patients


def describe_split(
    members: Sequence[str], records: Sequence[ScanRecord], patients: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Counts of a split's patients, scans and slices; age in years; counts of each diagnosis and sex, of patients."""
    patient_ids = set(members)
    scans = [record for record in records if record.patient_id in patient_ids]
    ages = _known_ages(members, patients)
    return {
        "n_patients": len(members),
        "n_scans": len(scans),
        "n_slices": sum(len(record.slice_indices) for record in scans),
        "age_mean": round(fmean(ages), 4) if ages else None,
        "age_sd": round(stdev(ages), 4) if len(ages) > 1 else None,
        **{column: dict(sorted(_count(members, patients, column).items())) for column in _COUNTED},
    }


def describe_differences(
    members: Sequence[str], reference: Sequence[str], patients: Mapping[str, Mapping[str, Any]]
) -> dict[str, float | None]:
    """Standardised mean differences of a split from the training patients (Austin 2009, eqs. 1 and 2).

    For age (mean - reference mean) / sqrt((variance + reference variance) / 2); for diagnosis and sex the largest, by
    size, of the same for the share of each value. Unlike a p-value it does not shrink with few patients; beyond 0.1
    in size a difference is usually called notable, which a split of ten patients can hardly avoid.

    Returns:
        By column; None where one of the two has no value, or no variance to divide by.
    """
    ages, reference_ages = _known_ages(members, patients), _known_ages(reference, patients)
    differences: dict[str, float | None] = {"age": None}
    if ages and reference_ages:
        moments = (fmean(ages), fmean(reference_ages), pvariance(ages), pvariance(reference_ages))
        differences["age"] = _standardise(*moments)
    for column in _COUNTED:
        differences[column] = _largest_share_difference(members, reference, patients, column)
    return differences


def _largest_share_difference(
    members: Sequence[str], reference: Sequence[str], patients: Mapping[str, Mapping[str, Any]], column: str
) -> float | None:
    if not members or not reference:
        return None
    counts, reference_counts = (_count(group, patients, column) for group in (members, reference))
    differences = []
    for value in sorted(counts.keys() | reference_counts.keys()):
        share, reference_share = counts[value] / len(members), reference_counts[value] / len(reference)
        variances = (share * (1 - share), reference_share * (1 - reference_share))
        differences.append(_standardise(share, reference_share, *variances))
    return max((one for one in differences if one is not None), key=abs, default=None)


def _standardise(mean: float, reference: float, variance: float, reference_variance: float) -> float | None:
    deviation = math.sqrt((variance + reference_variance) / 2)
    if deviation == 0:
        return 0.0 if mean == reference else None
    return round((mean - reference) / deviation, 4)


def _known_ages(members: Sequence[str], patients: Mapping[str, Mapping[str, Any]]) -> list[float]:
    return [float(patients[member]["age"]) for member in members if patients[member]["age"] not in ("", None)]


def _count(members: Sequence[str], patients: Mapping[str, Mapping[str, Any]], column: str) -> Counter[str]:
    return Counter(patients[member][column] or UNKNOWN for member in members)
