from dataclasses import replace
from datetime import date

import pytest

from data_prep.sources.adni_choice import advise, check_preference, choose_images
from data_prep.sources.adni_names import LEVELS, Series
from data_prep.sources.adni_tree import Image
from monai_vq.errors import InputError

SCALED = Image((), "a.nii", "002_S_0295", date(2006, 11, 2), Series("scaled"), "I10")


def other(source: str, label: str = "I11", **changes) -> Image:
    return replace(SCALED, source=source, label=label, series=Series(**{"level": "scaled"} | changes))


# [what lies beside the scaled image of a visit, why it is left]
LEFT = [
    [other("b.nii", level="n3"), "a scan with the preprocessing n3; of this visit a.nii is taken"],
    [other("b.nii", level="original"), "a scan with the preprocessing original"],
    [other("b.nii", repeat=True), "a repeated scan"],
    [other("b.nii", accelerated=True), "an accelerated scan"],
    [other("b.nii", uncorrected=True), "a scan without distortion correction"],
    [other("b.nii", label="I9"), "an older version of the scan"],
    [other("b.nii", label="I10"), "a copy"],
]


@pytest.mark.parametrize(("beside", "reason"), LEFT)
@pytest.mark.parametrize("turn", [1, -1])
def test_one_image_of_a_visit_is_taken_in_whatever_order(beside, reason, turn):
    taken, (left,) = choose_images([SCALED, beside][::turn], LEVELS)
    assert taken == [SCALED]
    assert left.source == "b.nii"
    assert left.reason.startswith(reason)


def test_the_first_scan_comes_before_any_processing_of_the_repeat():
    first, repeat = other("b.nii", level="original"), other("c.nii", repeat=True)
    assert choose_images([repeat, first], LEVELS)[0] == [first]
    assert choose_images([repeat], LEVELS)[0] == [repeat]


def test_the_next_image_of_the_visit_is_named_with_the_option_that_takes_it():
    n3, repeat = other("n3.nii", level="n3"), other("repeat.nii", repeat=True)
    later = replace(SCALED, source="later.nii", acquired=date(2007, 5, 1))
    images = [repeat, later, n3, SCALED]
    advice = advise(images, choose_images(images, LEVELS)[0], LEVELS)
    assert list(advice) == ["a.nii"]
    assert advice["a.nii"].startswith("of the visit n3.nii (n3) is there too: move the damaged image out")
    assert advice["a.nii"].endswith("or give --preference n3 to take that preprocessing of every visit")
    alone = ["scaled"]
    assert advise(images, [SCALED], alone)["a.nii"].startswith("of the visit repeat.nii (scaled) is there too")
    assert "--preference" not in advise(images, [SCALED], alone)["a.nii"]


def test_each_day_is_a_visit():
    later = replace(SCALED, source="b.nii", acquired=date(2007, 5, 1))
    taken, left = choose_images([later, SCALED], LEVELS)
    assert taken == [SCALED, later]
    assert not left


def test_the_preference_turns_the_choice_and_leaves_the_levels_it_lacks():
    n3, original = other("n3.nii", level="n3"), other("original.nii", level="original")
    taken, left = choose_images([SCALED, n3, original], ["original", "n3"])
    assert taken == [original]
    assert [one.source for one in left] == ["a.nii", "n3.nii"]
    assert left[0].reason == "its preprocessing, scaled, is not among --preference"


@pytest.mark.parametrize("preference", [[], ["best"], ["n3", "n3"]])
def test_impossible_preferences(preference):
    with pytest.raises(InputError, match="expected some of scaled n3m n3 b1 gradwarp original"):
        check_preference(preference)
