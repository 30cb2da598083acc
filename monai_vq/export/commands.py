"""The commands of a handed-on model, each good from any folder."""

from __future__ import annotations

from collections.abc import Sequence

from monai_vq.export.card_words import CardWords

_DOCUMENTED = """## Commands

In an environment with the packages that `configs/metadata.json` requires, from any folder; `BUNDLE` is the path of this
one. The configs find it by themselves; `--bundle_root DIR` says another.

Reconstruct and score a split of a prepared dataset (`python -m data_prep` makes one of your OWN):

```bash
python -m monai.bundle run --config_file "BUNDLE/configs/inference.json" --dataset_dir DATASET --output_dir OUT
```

OUT gets PLACES. `--split train` and `--split val`
take another split.

Train again, on one GPU or the CPU, and on two GPUs:

```bash
python -m monai.bundle run --config_file "BUNDLE/configs/train.json" --dataset_dir DATASET --output_dir RUN
torchrun --standalone --nnodes=1 --nproc_per_node=2 -m monai.bundle run \\
    --config_file "['BUNDLE/configs/train.json','BUNDLE/configs/multi_gpu_train.json']" \\
    --dataset_dir DATASET --output_dir RUN
```

Check the bundle, and export it again:

```bash
python -m monai.bundle verify_metadata --meta_file "BUNDLE/configs/metadata.json" --filepath schema.json
python -m monai.bundle verify_net_in_out network_def \\
    --meta_file "BUNDLE/configs/metadata.json" --config_file "BUNDLE/configs/inference.json"
python -m monai.bundle ckpt_export network_def --filepath model.ts --ckpt_file "BUNDLE/models/model.pt" \\
    --meta_file "BUNDLE/configs/metadata.json" --config_file "BUNDLE/configs/inference.json"
python -m monai.bundle onnx_export network_def --filepath model.onnx --ckpt_file "BUNDLE/models/model.pt" \\
    --meta_file "BUNDLE/configs/metadata.json" --config_file "BUNDLE/configs/inference.json"
```
"""
_FILES = """
`models/model.ts` is TorchScript, x [B, {shape}] → x_hat, float32 in and out; run it without autocast.{onnx}"""


def commands(name: str, image_size: Sequence[int], has_onnx: bool, words: CardWords) -> str:
    """Returns the card's section of commands."""
    documented = _DOCUMENTED.replace("BUNDLE", name).replace("OWN", words.own).replace("PLACES", words.places)
    shape = ", ".join(["C", *map(str, image_size)])
    onnx = " `models/model.onnx` is the same, for any B." if has_onnx else " `onnx_export` needs monai_vq[export]."
    return documented + _FILES.format(shape=shape, onnx=onnx)
