from monai_vq.study.styles import FAMILY_COLOURS, LINES, MARKERS, TONES, assign_variant_styles
from monai_vq.study.variants import GROUPS, VARIANTS, choose_variants


def test_every_family_has_its_colour():
    firsts = {variant.family: variant for variant in reversed(VARIANTS.values())}
    colours = {family: assign_variant_styles([variant])[0].colour for family, variant in firsts.items()}
    assert colours == {family: colour.lower() for family, colour in FAMILY_COLOURS.items()}
    assert {VARIANTS[name].family for name in ("monai", "lucidrains_tuned")} == {"peer"}
    assert {VARIANTS[name].family for name in ("vq", "vq_ema", "vq_8192")} == {"vq"}


def test_points_and_lines_of_all_groups_are_told_apart():
    for group in GROUPS:
        styles = assign_variant_styles(choose_variants([group]))
        assert len({(style.colour, style.marker) for style in styles}) == len(styles)
        assert len({(style.colour, style.line) for style in styles}) == len(styles)


def test_a_family_larger_than_all_styles_begins_anew():
    styles = assign_variant_styles([VARIANTS["projected"]] * (len(LINES) * len(TONES) * len(MARKERS) + 1))
    assert styles[-1] == styles[0]
    assert len(set(styles[: len(LINES) * len(TONES)])) == len(LINES) * len(TONES)
