import base64
from dataclasses import replace

import pytest

from monai_vq.study.figures import draw_frequent, draw_grid, draw_losses, draw_rate_distortion, group_styles
from monai_vq.study.results import Results

PNG = "data:image/png;base64,"
SVG = "data:image/svg+xml;base64,"


def text_of(source: str) -> str:
    assert source.startswith(SVG)
    return base64.b64decode(source.removeprefix(SVG)).decode()


@pytest.fixture
def results(make_finished) -> Results:
    names = ("vq_ema", "projected", "none")
    return Results([make_finished(n, [0.01, 0.02], seed) for seed in (0, 1) for n in names], [], [], "vq_ema")


def comments(svg: str) -> list[str]:
    """The texts of a figure, which matplotlib names in comments where it draws them as outlines."""
    return [line.strip()[5:-4] for line in svg.splitlines() if line.strip().startswith("<!-- ")]


def test_rate_and_distortion_names_every_variant(results):
    texts = comments(text_of(draw_rate_distortion(results)))
    assert {"vq_ema", "projected", "none", "SSIM", "PSNR (dB)", "bits per pixel"} <= set(texts)


def test_losses_are_drawn_of_the_columns_that_are_there(results):
    texts = set(comments(text_of(draw_losses(results))))
    assert {"reconstruction, train", "quantisation, train", "reconstruction, held out (val)"} <= texts
    assert "quantisation, held out (val)" not in texts
    bare = [replace(one, history=one.history[["epoch", "iteration"]]) for one in results.finished]
    assert draw_losses(replace(results, finished=bare)) is None


def test_the_curve_of_S_needs_two_of_them(make_finished):  # noqa: N802
    one = [make_finished(name, [0.01, 0.02]) for name in ("vq_ema", "frequency_412")]
    assert draw_frequent(Results(one, [], [], "vq_ema")) is None
    more = [*one, make_finished("frequency_0", [0.005, 0.01]), make_finished("projected", [0.008, 0.01])]
    texts = set(comments(text_of(draw_frequent(Results(more, [], [], "vq_ema")))))
    assert {"frequency", "vq_ema", "projected", "SSIM", "MSE", "bits per pixel"} <= texts


def test_the_curve_of_S_of_a_grid_is_one_a_point(make_finished):  # noqa: N802
    names = ("vq_ema", "hybrid_412", "hybrid_0")
    finished = [make_finished(name, [0.01, 0.02], batch_size=size) for name in names for size in (16, 64)]
    texts = set(comments(text_of(draw_frequent(Results(finished, [], ["batch_size"], "vq_ema")))))
    assert {"hybrid, batch_size=16", "hybrid, batch_size=64", "vq_ema, batch_size=16"} <= texts


def test_a_grid_has_a_line_for_each_variant_that_reads_the_knob(make_finished):
    points = [(size, cost) for size in (16, 64, 256) for cost in (0.0, 1.0)]
    finished = [make_finished("projected", [0.01, 0.02], batch_size=s, projection_cost=c) for s, c in points]
    finished += [make_finished("vq_ema", [0.02, 0.03], batch_size=s) for s in (16, 64, 256)]
    results = Results(finished, [], ["batch_size", "projection_cost"], "vq_ema")
    sizes = set(comments(text_of(draw_grid(results, "batch_size"))))
    assert {"projected, projection_cost=0.0", "projected, projection_cost=1.0", "vq_ema", "64", "perplexity"} <= sizes
    costs = set(comments(text_of(draw_grid(results, "projection_cost"))))
    assert {"projected, batch_size=16", "projected, batch_size=256"} <= costs
    assert "vq_ema" not in costs
    assert draw_grid(Results(finished[:1], [], ["batch_size"], "vq_ema"), "batch_size") is None


def test_equal_results_give_equal_figures(results):
    assert draw_rate_distortion(results) == draw_rate_distortion(results)
    assert draw_losses(results) == draw_losses(results)


def test_no_two_groups_look_the_same(make_finished):
    names = ("vq", "vq_ema", "vq_ema_rotation", "projected", "projected_4bit", "hybrid_412", "monai", "lucidrains")
    styles = group_styles(Results([make_finished(name, [0.1]) for name in names], [], [], "vq_ema"))
    assert list(styles) == list(names)
    assert len(set(styles.values())) == len(names)
