import pytest
from matplotlib.figure import Figure

from monai_vq.report.styles import add_legend, assign_styles


def test_no_two_runs_look_alike_in_points_or_in_lines():
    styles = assign_styles([f"run {i}" for i in range(28)]).values()
    assert len({(style.colour, style.marker) for style in styles}) == 28
    assert len({(style.colour, str(style.line)) for style in styles}) == 28


@pytest.mark.parametrize(("names", "columns"), [(["a", "b"], 2), (["a" * 60, "b"], 2), (["a" * 140, "b"], 1)])
def test_a_legend_names_each_run_once_and_fits(names, columns):
    figure = Figure()
    for axes in figure.subplots(1, 2):
        for name in names:
            axes.plot([0, 1], label=name)
    add_legend(figure)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == names
    assert legend._ncols == columns
