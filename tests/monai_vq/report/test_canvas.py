import base64

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from monai_vq.report.canvas import figure_style, plain, to_png, to_svg


def draw(encode):
    with figure_style():
        figure = Figure()
        figure.subplots().plot([1, 2], label="a line")
        return encode(figure)


@pytest.mark.parametrize(
    ("encode", "prefix", "magic"),
    [(to_svg, "data:image/svg+xml;base64,", b"<?xml"), (to_png, "data:image/png;base64,", b"\x89PNG")],
)
def test_equal_figures_are_equal_data_uris(encode, prefix, magic):
    uri = draw(encode)
    assert uri.startswith(prefix)
    assert base64.b64decode(uri.removeprefix(prefix)).startswith(magic)
    assert draw(encode) == uri


def test_the_users_style_is_left_as_it_was():
    before = dict(mpl.rcParams)
    draw(to_svg)
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", ["a$b", r"$\frac$", "_hidden", "$x$ and $y$"])
def test_a_name_is_a_label_to_the_letter(name):
    with figure_style():
        figure = Figure()
        axes = figure.subplots()
        axes.plot([1, 2], label=plain(name))
        axes.legend()
        uri = to_svg(figure)  # no formula is looked for, or this fails
    text = base64.b64decode(uri.split(",")[1]).decode()
    assert axes.get_legend_handles_labels()[1] == [plain(name)]
    assert f"<!-- {' ' if name[0] == '_' else ''}{name} -->" in text
