from dataclasses import replace

from monai_vq.report.samples.settings import sample_settings


def test_states_what_each_number_was_computed_with(scores):
    settings = sample_settings(scores)
    distances = settings["Distances"]
    assert f"first {len(scores.features.components)} principal components" in distances["reduction"]
    assert f"{scores.features.explained:.1%}" in distances["reduction"]
    assert f"{len(scores.features.mean)} numbers" in distances["features"]
    assert "at most 0.05 apart" in settings["Diversity"]["pairs"]
    assert (
        "any slice position"
        in sample_settings(replace(scores, positions=replace(scores.positions, is_matched=False)))["Diversity"]["pairs"]
    )
