import pytest
from monai.bundle import ConfigParser

from monai_vq.engines import default_gain_bits, read_stage1
from monai_vq.engines.priors.checks import check_gain_bits
from monai_vq.errors import InputError
from monai_vq.quantizers import Codebook, ProjectedQuantizer, VectorQuantizer


@pytest.fixture
def stage1_with(tiny_stage1):
    """A stage 1 whose latent is another's."""

    def make(quantizer):
        stage1 = read_stage1(tiny_stage1)
        stage1.network.quantizer = quantizer
        return stage1

    return make


def projected(bits):
    return ProjectedQuantizer(Codebook(8, 8, choice="direction"), gain_bits=bits)


@pytest.mark.parametrize(("own", "default"), [(None, 4), (2, 2)])
def test_the_default_is_stage_1s_own_or_four(stage1_with, own, default):
    stage1 = stage1_with(projected(own))
    assert default_gain_bits(stage1) == default
    check_gain_bits(stage1, default)


def test_a_latent_without_gains_has_no_bits(stage1_with):
    stage1 = stage1_with(VectorQuantizer(Codebook(8, 8)))
    assert default_gain_bits(stage1) is None
    check_gain_bits(stage1, None)
    with pytest.raises(InputError, match=r"--gain_bits 4: the latents of .* have no gains; leave it out"):
        check_gain_bits(stage1, 4)


def test_other_bits_than_stage_1s_own_and_none_at_all_are_refused(stage1_with):
    with pytest.raises(InputError, match=r"--gain_bits 3: .* rounds its gains to 2 bits; leave it out"):
        check_gain_bits(stage1_with(projected(2)), 3)
    with pytest.raises(InputError, match=r"--gain_bits none: the gains of .* are not rounded, .*give 1 to 8"):
        check_gain_bits(stage1_with(projected(None)), None)
    check_gain_bits(stage1_with(projected(None)), 7)


def test_what_a_default_came_to_is_in_the_config_that_is_recorded():
    parser = ConfigParser(
        {
            "imports": ["$import monai_vq.engines as engines"],
            "gain_bits": "$2 * 2",
            "run": "$engines.settle(gain_bits=@gain_bits)",
        }
    )
    parser.get_parsed_content("run")
    assert parser.config["gain_bits"] == 4
