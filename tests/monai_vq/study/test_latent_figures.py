import base64

import numpy as np
import pytest

from monai_vq.report import PatientPicture
from monai_vq.report.styles import Style
from monai_vq.study.latent_figures import draw_codebooks, draw_gains, draw_reconstructions, draw_usage
from monai_vq.study.latents import Latent
from monai_vq.study.styles import FAMILY_COLOURS

STYLES = {name: Style(colour, "o", "-") for name, colour in zip("abc", FAMILY_COLOURS.values(), strict=False)}


def latent(group: str, error: float = 0.1, K: int = 32, colour: bool = False) -> Latent:
    rng = np.random.default_rng(0)
    x = rng.uniform(0.2, 0.7, (24, 20, 3) if colour else (24, 20))
    pictures = [PatientPicture(rank, "test", rank, "s", 0, 0.5, x, x + error) for rank in ("best", "median", "worst")]
    if K == 0:
        return Latent(group, pictures, None, None, None)
    counts = np.where(np.arange(K) < K // 2, np.arange(K) + 1, 0)
    return Latent(group, pictures, counts, rng.normal(size=(K, 4)), rng.normal(size=500))


def size_of(source: str, mime: str) -> int:
    assert source.startswith(f"data:{mime};base64,")
    return len(base64.b64decode(source.partition(",")[2]))


@pytest.mark.parametrize("colour", [False, True])
def test_errors_are_on_one_scale_up_to_the_largest_of_all(colour):
    figure, top = draw_reconstructions([latent("a", 0.01, colour=colour), latent("b", 0.2, colour=colour)])
    assert top == pytest.approx(0.2)
    assert size_of(figure, "image/png") > 1000


def test_the_picture_changes_with_a_reconstruction():
    assert draw_reconstructions([latent("a", 0.01), latent("b", 0.2)]) != draw_reconstructions(
        [latent("a", 0.02), latent("b", 0.2)]
    )


def test_codebooks_and_gains_are_drawn_where_there_are_any():
    with_codes, without = latent("a"), latent("b", K=0)
    assert size_of(draw_usage([with_codes, without], STYLES), "image/svg+xml") > 1000
    assert size_of(draw_codebooks([with_codes, without]), "image/png") > 1000
    assert size_of(draw_gains([with_codes, without]), "image/svg+xml") > 1000
    assert draw_usage([without], STYLES) is draw_codebooks([without]) is draw_gains([without]) is None
    assert draw_codebooks([with_codes, without]) == draw_codebooks([with_codes])
