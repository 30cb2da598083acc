import math

import pytest
from monai.bundle import ConfigParser

from monai_vq.engines.knobs import KNOBS
from monai_vq.errors import InputError
from monai_vq.networks import VQVAE
from monai_vq.study.variants import GROUPS, REFERENCE, VARIANTS, choose_variants, describe_variants

K, D = 64, 32


def make(name: str, num_embeddings: int = K) -> VQVAE:
    """The variant's network, of its bundle."""
    variant = VARIANTS[name]
    bundle = ConfigParser.load_config_file(f"bundles/{variant.bundle}.json")
    parser = ConfigParser(
        bundle | {key: value for key, value in (("num_embeddings", K), ("embedding_dim", D)) if key in bundle}
    )
    parser.update(variant.settings_at(num_embeddings))
    return parser.get_parsed_content("network_def")


@pytest.mark.parametrize("name", VARIANTS)
def test_every_setting_is_a_knob_or_a_place_of_its_bundle(name):
    bundle = ConfigParser(ConfigParser.load_config_file(f"bundles/{VARIANTS[name].bundle}.json"))
    for setting in VARIANTS[name].settings_at(K):
        assert setting in bundle
        assert setting in KNOBS or "#" in setting


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_a_network_of_the_same_encoder_and_decoder(name):
    network, reference = make(name), make(REFERENCE)
    assert isinstance(network, VQVAE)
    if name != "vae":
        for part in ("encoder", "decoder"):
            shapes = [{k: v.shape for k, v in getattr(n, part).state_dict().items()} for n in (network, reference)]
            assert shapes[0] == shapes[1]


def test_the_names_say_what_the_settings_are():
    for name in VARIANTS:
        quantizer = make(name).quantizer
        if name.endswith("_4bit"):
            assert quantizer.gain_bits == 4
        if "_g" in name:
            assert quantizer.side_channels == int(name.split("_g")[1].split("_")[0])
        if name.endswith(("_rotation", "_published")):
            assert quantizer.estimator == name.rsplit("_", 1)[1]
    assert make("vq").quantizer.codebook.update == "gradient"
    assert make("projected_published").quantizer.codebook.choice == "nearest"
    assert make("projected_published").quantizer.projection_cost == 1.0


@pytest.mark.parametrize(("num_embeddings", "expected"), [(512, 412), (64, 52), (1024, 824)])
def test_the_share_of_frequent_codes_stays_the_same_at_other_sizes(num_embeddings, expected):
    for name in ("frequency_412", "hybrid_412"):
        assert VARIANTS[name].settings_at(num_embeddings)["num_frequent"] == expected


def test_the_partner_of_equal_rate_has_the_bits_of_code_and_gain():
    bits = math.log2(make("vq_8192").num_embeddings)
    projected = make("projected_4bit").quantizer
    assert bits == math.log2(projected.num_embeddings) + projected.side_channels * projected.gain_bits


def test_every_group_can_be_compared_and_names_variants():
    for members in GROUPS.values():
        assert REFERENCE in members
        assert set(members) <= set(VARIANTS)
    assert set(VARIANTS) == {name for members in GROUPS.values() for name in members}


def test_names_and_groups_are_chosen_once_in_the_order_of_the_table():
    assert [v.name for v in choose_variants(["none", "rate", "vq_ema"])] == [
        "vq_ema",
        "projected_4bit",
        "vq_8192",
        "none",
    ]


def test_an_unknown_name_is_an_error_that_names_the_nearest():
    with pytest.raises(InputError, match=r"no variant or group 'projectd'; did you mean projected\? .*--list"):
        choose_variants(["projectd"])


def test_the_list_has_a_line_for_each():
    lines = describe_variants().splitlines()
    for name, variant in VARIANTS.items():
        assert f"{name} {variant.summary}" in [" ".join(line.split()) for line in lines]
    for name in GROUPS:
        assert any(line.startswith(f"{name} ") for line in lines)
