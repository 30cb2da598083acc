from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from monai_vq.report.disclosure import MIN_PATIENTS, PRIME, PublishedSums


def rank(rows):
    """The rank of rows of fractions, by elimination over the rationals: nothing is shared with what is tested."""
    rows, found = [[Fraction(value) for value in row] for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in rows if row[column]), None)
        if pivot is not None:
            found += 1
            rows = [[a - b * row[column] / pivot[column] for a, b in zip(row, pivot, strict=True)] for row in rows]
    return found


def smallest_support(rows, owners, most=MIN_PATIENTS - 1):
    """The fewest patients whom some combination of rows is of alone, trying every set of them; None beyond `most`."""
    whole, people = rank(rows), sorted(set(owners))
    for number in range(1, most + 1):
        for few in combinations(people, number):
            others = [at for at, owner in enumerate(owners) if owner not in few]
            if rank([[row[at] for at in others] for row in rows]) < whole:
                return number
    return None


def sums(rows, owners=None):
    owners = range(len(rows[0])) if owners is None else owners
    return PublishedSums(np.array(rows, dtype=np.int64) % PRIME, np.array(list(owners)))


def indicator(members, number):
    return [int(at in members) for at in range(number)]


# [what is published of twelve patients, whether somebody is given away]
KNOWN = [
    ([range(12)], False),
    ([range(4)], True),
    ([range(12), range(5)], False),
    ([range(12), range(8)], True),  # the other four
    ([range(12), range(7), range(5)], True),  # two are in one and not in the other
    ([range(12), range(6), range(5, 12)], True),  # their sum has the sixth patient twice
    ([range(12), range(6), range(6, 12)], False),
    ([range(12), range(6), [0, 1, 2, 6, 7, 8]], False),
    (
        [range(12), range(6), [0, 1, 2, 6, 7, 8], [0, 1, 2, 9, 10, 11]],
        True,
    ),  # the other six, and 0–2 twice
    ([range(6), [*range(3), *range(6, 9)], range(3, 10)], True),  # half of three sums leaves one patient
]


@pytest.mark.parametrize(("published", "expected"), KNOWN)
def test_known_systems(published, expected):
    rows = [indicator(members, 12) for members in published]
    assert sums(rows).give_away_few(list(range(len(rows)))) is expected
    assert (smallest_support(rows, range(12)) is not None) is expected


@pytest.mark.parametrize("seed", range(60))
def test_agrees_with_trying_every_set_of_patients(seed):
    rng = np.random.default_rng(seed)
    people, groups = rng.integers(6, 12), rng.integers(1, 5)
    rows = [[1] * people, *(rng.random((groups, people)) < rng.uniform(0.4, 0.9)).astype(int).tolist()]
    found = sums(rows).give_away_few(list(range(len(rows))))
    assert found is (smallest_support(rows, range(people)) is not None)


@pytest.mark.parametrize("seed", range(40))
def test_agrees_where_patients_are_alike_and_have_several_values(seed):
    """Of some patients the sums have fractions of two values; several patients have the same columns."""
    rng = np.random.default_rng(seed)
    rows, owners = [], []
    kinds = [rng.integers(0, 3, size=(3, rng.integers(1, 3))) for _ in range(4)]
    for person, kind in enumerate(rng.integers(0, 4, size=rng.integers(6, 10))):
        rows += kinds[kind].T.tolist()
        owners += [person] * kinds[kind].shape[1]
    table = np.array(rows).T
    system = PublishedSums(table.astype(np.int64), np.array(owners))
    assert system.give_away_few([0, 1, 2]) is (smallest_support(table.tolist(), owners) is not None)


def test_only_what_is_published_counts():
    rows = [indicator(range(12), 12), indicator(range(8), 12), indicator(range(6), 12)]
    assert sums(rows).give_away_few([0, 1])
    assert not sums(rows).give_away_few([0, 2])
    assert not sums(rows).give_away_few([])


def test_a_search_that_is_given_up_counts_as_found(monkeypatch):
    rows = [indicator(range(12), 12), indicator(range(6), 12)]
    assert not sums(rows).give_away_few([0, 1])
    monkeypatch.setattr("monai_vq.report.disclosure.MOST_STEPS", 0)
    assert sums(rows).give_away_few([0, 1])
