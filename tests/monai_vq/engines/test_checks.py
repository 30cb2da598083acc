import logging
import shutil
from dataclasses import replace

import pytest
from monai.bundle import ConfigParser

from monai_vq.data import dataset, manifest, read_manifest, read_splits, splits, write_manifest, write_splits
from monai_vq.engines import check_data, check_network, checks, or_exit
from monai_vq.engines.checks import check_processes, check_resumable
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import write_checkpoint


@pytest.mark.parametrize("error", [InputError("mend it"), FloatingPointError("mend it")])
def test_what_a_user_can_mend_is_a_line_and_no_traceback(error):
    def step():
        raise error

    with pytest.raises(SystemExit) as stopped:
        or_exit(step)
    assert stopped.value.code == "error: mend it"
    assert stopped.value.__suppress_context__


def test_a_bug_is_not_hidden():
    with pytest.raises(KeyError):
        or_exit(lambda: {}["bug"])
    assert or_exit(lambda: 3) == 3


def test_checked_settings_are_what_the_rest_of_a_bundle_reads():
    config = {
        "imports": ["$import monai_vq.engines as engines"],
        "initialize": ["$engines.check_settings()"],
        "resume": "false",
        "run": ["$not @resume"],
    }
    parser = ConfigParser(config)
    parser.get_parsed_content("initialize#0")
    parser.ref_resolver.remove_resolved_content("initialize::0")  # as MONAI's workflow does
    assert parser.get_parsed_content("run#0") is True


def test_one_process_passes_and_one_of_several_does_not(monkeypatch):
    for number in (None, "", "1"):
        monkeypatch.delenv("WORLD_SIZE", raising=False)
        if number is not None:
            monkeypatch.setenv("WORLD_SIZE", number)
        check_processes()
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match=r"WORLD_SIZE is 2: .* trains in one process; run it without torchrun"):
        check_processes()


def test_good_data_pass_and_a_tight_image_size_does_not(tiny_dataset, caplog):
    with caplog.at_level(logging.WARNING):
        check_data(str(tiny_dataset), [32, 32], 1, None, "cpu", "bf16")
        check_data(str(tiny_dataset), [12, 12], 1, [16.0, 16.0], "cpu", "fp32")
    assert caplog.text == ""
    with pytest.raises(SystemExit, match="crop foreground"):
        check_data(str(tiny_dataset), [12, 12], 1, None, "cpu", "fp32")


def test_a_dataset_is_read_once_to_be_checked(tiny_dataset, monkeypatch):
    reads = []

    def counted(module, name):
        real = getattr(module, name)
        monkeypatch.setattr(checks, name, lambda path: (reads.append(name), real(path))[1])

    counted(manifest, "read_manifest")
    counted(splits, "read_splits")
    monkeypatch.setattr(dataset, "slice_items", lambda *args: pytest.fail("no item is needed"))
    check_data(str(tiny_dataset), [32, 32], 1, None, "cpu", "fp32")
    assert reads == ["read_manifest", "read_splits"]


@pytest.fixture
def own_dataset(tiny_dataset, tmp_path):
    """A copy of the tiny dataset, to be changed."""
    return shutil.copytree(tiny_dataset, tmp_path / "data")


def test_images_of_other_channels_than_the_networks_are_refused_with_the_remedy(own_dataset):
    with pytest.raises(SystemExit, match=r"--in_channels 3: the images of sub-P0 in .* are grey; use --in_channels 1"):
        check_data(str(own_dataset), [32, 32], 3, None, "cpu", "fp32")
    *others, last = read_manifest(own_dataset)
    colour = replace(last, shape=(4, 24, 20, 3), axes="", spacing=(), affine=())
    write_manifest(own_dataset / "manifest.csv", [*others, colour])
    with pytest.raises(SystemExit, match=r"--in_channels 1: the images of sub-P5 .* colour; use --in_channels 3"):
        check_data(str(own_dataset), [32, 32], 1, None, "cpu", "fp32")


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_split_without_slices_is_refused_with_the_remedy(own_dataset, split):
    body = read_splits(own_dataset)
    write_splits(own_dataset / "splits.json", replace(body, splits=body.splits | {split: []}))
    with pytest.raises(SystemExit, match=rf"the {split} split .* again with --fractions 0\.7 0\.15 0\.15"):
        check_data(str(own_dataset), [32, 32], 1, None, "cpu", "fp32")


def test_pixels_of_several_sizes_are_told_unless_they_are_resampled(own_dataset, caplog):
    first, second, *others = read_manifest(own_dataset)
    changed = [replace(first, slice_spacing=(7.5, 8.0)), replace(second, slice_spacing=(8.001, 8.0)), *others]
    write_manifest(own_dataset / "manifest.csv", changed)
    with caplog.at_level(logging.WARNING):
        check_data(str(own_dataset), [32, 32], 1, [8.0, 8.0], "cpu", "fp32")
        assert caplog.text == ""
        check_data(str(own_dataset), [32, 32], 1, None, "cpu", "fp32")
    assert "pixel sizes from 7.5 x 8 to 8 x 8 mm" in caplog.text
    assert "--spacing" in caplog.text


def test_an_image_size_that_does_not_come_back_is_refused(make_network, tmp_path):
    check_network(make_network(), [32, 36], 1, str(tmp_path), "nowhere", False)
    with pytest.raises(SystemExit, match=r"\[32, 34\] .* factor 4; use --image_size \[32, 36\]"):
        check_network(make_network(), [32, 34], 1, str(tmp_path), "nowhere", False)


def test_a_checkpoint_that_does_not_say_from_which_split_it_learned_is_not_resumed(
    make_network, tiny_dataset, tmp_path
):
    path = tmp_path / "last.pt"
    write_checkpoint(path, {"network": make_network().state_dict(), "record": {}})
    with pytest.raises(InputError, match="learned from another split"):
        check_resumable(make_network(), path, str(tiny_dataset))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"splits": ["tset"]}, "--split 'tset': expected one of train, val, test"),
        ({"in_channels": 3}, "use --in_channels 1"),
        ({"image_size": [8, 8]}, "would crop foreground"),
        ({"device": "npu"}, "--device"),
        ({"dataset_dir": "nowhere"}, "no prepared dataset at nowhere"),
    ],
)
def test_what_cannot_be_reconstructed_is_one_line(tiny_dataset, settings, message):
    good = {"dataset_dir": str(tiny_dataset), "image_size": [32, 32], "in_channels": 1, "spacing": None}
    with pytest.raises(SystemExit, match=message):
        check_data(**(good | {"device": "cpu", "precision": "fp32", "splits": ["test"]} | settings))
