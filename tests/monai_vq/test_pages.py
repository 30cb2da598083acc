import json
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from monai_vq.pages import encode, number, number_of, page_environment


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


def test_a_page_fills_the_body_of_the_shared_one(render):
    text = render('{% extends "base.html" %}{% set title = "A & B" %}{% block body %}<p>own</p>{% endblock %}')
    assert text.startswith("<!DOCTYPE html>")
    assert text.count("A &amp; B") == 2  # title and heading
    assert text.index("max-width") < text.index("</style>") < text.index("<p>own</p>") < text.index("</body>")


@pytest.mark.parametrize("heavy", ["torch", "matplotlib", "pandas"])
def test_pages_load_nothing_that_only_training_needs(heavy):
    code = f"import sys, monai_vq.pages; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_words_of_numbers():
    assert (number_of(1, "patient"), number_of(0, "patient")) == ("1 patient", "0 patients")
    assert (number(float("nan"), ".2f"), number(1.005, ".1f")) == ("–", "1.0")


def test_json_within_a_page_cannot_end_its_script_and_stays_what_it_was():
    data = {"rows": [["</script><b>", "é", None, 0.25]]}
    text = encode(data)
    assert "<" not in text
    assert json.loads(text) == data
    with pytest.raises(ValueError, match="JSON compliant"):
        encode(float("nan"))
