import base64
import html
import re

import pytest

from monai_vq.report.comparison.differences import difference_table
from monai_vq.report.comparison.figures import draw_differences, draw_histories, draw_rates


def shapes(uri: str) -> int:
    """How many points and other repeated shapes an SVG draws."""
    assert uri.startswith("data:image/svg+xml;base64,")
    return len(re.findall(r"<use ", base64.b64decode(uri.split(",")[1]).decode()))


@pytest.fixture
def differences(comparison):
    return difference_table(comparison)


def test_every_patient_is_a_point_and_in_public_none_is(comparison, differences):
    private, public = draw_differences(comparison, differences), draw_differences(comparison, differences, public=True)
    assert shapes(private) - shapes(public) == 2 * 2 * 6  # scores, compared runs, patients


def test_equal_comparisons_give_equal_figures(comparison, differences):
    assert draw_differences(comparison, differences) == draw_differences(comparison, differences)
    assert draw_rates(comparison) == draw_rates(comparison)
    assert draw_histories(comparison) == draw_histories(comparison)


def test_without_any_history_there_are_no_curves(make_content, compare):
    assert draw_histories(compare(a=make_content(history=None), b=make_content(history=None))) is None
    assert draw_histories(compare(a=make_content(), b=make_content(history=None))) is not None


def test_rates_of_zero_and_rates_far_apart_are_drawn(make_content, compare):
    for rates in ((0.0, 1.0), (0.5, 128.0), (0.5, 0.5)):
        assert shapes(draw_rates(compare(a=make_content(rate=rates[0]), b=make_content(rate=rates[1])))) > 0


def test_names_of_folders_are_no_formulas_and_all_are_in_the_legend(make_content, compare):
    names = [r"a$\frac$", "_b", "</c>"]
    comparison = compare(**{name: make_content(seed=seed) for seed, name in enumerate(names)})
    for figure in (draw_rates(comparison), draw_histories(comparison)):
        text = base64.b64decode(figure.split(",")[1]).decode()
        assert all(f"<!-- {' ' if name[0] == '_' else ''}{html.escape(name)} -->" in text for name in names)
    assert draw_differences(comparison, difference_table(comparison))
