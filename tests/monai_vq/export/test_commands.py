import re

from monai_vq.export.card_words import SCANS
from monai_vq.export.commands import commands


def test_every_config_that_is_named_is_exported(exported):
    folder, _ = exported
    text = commands("tiny", [32, 32], has_onnx=False, words=SCANS)
    named = set(re.findall(r"tiny/((?:configs|models)/[\w.]+)", text))
    assert named >= {"configs/train.json", "configs/inference.json", "configs/multi_gpu_train.json"}
    assert all((folder / path).is_file() for path in named)


def test_onnx_is_spoken_of_where_it_is():
    assert "`models/model.onnx` is the same" in commands("tiny", [32, 32], has_onnx=True, words=SCANS)
    assert "monai_vq[export]" in commands("tiny", [32, 32], has_onnx=False, words=SCANS)
