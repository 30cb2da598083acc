from pathlib import Path

import pytest
from jinja2 import UndefinedError

from monai_vq.report.template import page_environment


@pytest.fixture
def render(tmp_path: Path):
    def render(text: str, **values: object) -> str:
        (tmp_path / "own.html").write_text(text, encoding="utf-8")
        return page_environment(tmp_path).get_template("own.html").render(**values)

    return render


def test_what_is_shown_is_escaped(render):
    assert render("<p>{{ name }}</p>", name="</script><b>") == "<p>&lt;/script&gt;&lt;b&gt;</p>"


def test_a_name_that_is_not_given_raises(render):
    with pytest.raises(UndefinedError, match="missing"):
        render("{{ missing }}")


def test_numbers_are_formatted_and_nan_is_a_dash(render):
    assert render('{{ a | number(".2f") }} {{ b | number(".2f") }}', a=0.125, b=float("nan")) == "0.12 –"
    assert render('{{ 1 | number_of("slice") }}, {{ 2 | number_of("slice") }}') == "1 slice, 2 slices"


def test_a_folder_shares_the_style_and_its_own_template_comes_first(render, tmp_path):
    assert "table" in render('{% include "page.css" %}')
    (tmp_path / "page.css").write_text("own", encoding="utf-8")
    assert render('{% include "page.css" %}') == "own"
