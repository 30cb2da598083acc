from monai_vq.report.comparison.settings import common_settings, comparison_settings, different_settings


def test_every_setting_is_either_common_or_different(make_content, compare):
    comparison = compare(
        a=make_content(knobs={"gain_bits": 4, "output_dir": "a"}), b=make_content(seed=2, knobs={"output_dir": "b"})
    )
    different, common = different_settings(comparison), common_settings(comparison)
    assert different == {"settings": {"seed": ["1", "2"], "gain_bits": ["4", "–"]}}
    assert common["Run"]["split_sha256"] == comparison.reference.content.settings["split_sha256"]
    assert common["settings"] == {"image_size": "[32, 24]", "spacing": "None"}
    assert common["environment"] == {"monai_vq": "0.1.0"}


def test_runs_of_one_configuration_differ_in_nothing(make_content, compare):
    assert different_settings(compare(a=make_content(), b=make_content())) == {}


def test_the_method_names_the_reference_the_split_and_the_unit(comparison):
    words = " ".join(comparison_settings(comparison).values())
    assert "every patient of the test split: its score in a run minus its score in first" in words
