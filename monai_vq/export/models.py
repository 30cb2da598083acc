"""`models/`: the weights as a state dict, as TorchScript and as ONNX."""

from __future__ import annotations

import logging
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import torch
from monai.bundle import ckpt_export

from monai_vq.atomic import atomic_path
from monai_vq.export.finished_run import FinishedRun
from monai_vq.export.reconstructor import as_reconstructor

_PLACES = ".debug_pkl"  # of a TorchScript file: by which errors name lines of the source
ONNX_PACKAGES = ("onnx", "onnxscript")


def write_weights(path: Path, run: FinishedRun) -> None:
    """Writes the bare state dict, which ``torch.load(weights_only=True)`` reads."""
    torch.save(run.weights, path)


def write_torchscript(bundle_dir: Path) -> None:
    """Lets MONAI's own ``ckpt_export`` write ``models/model.ts`` of the inference config and the state dict."""
    path = bundle_dir / "models/model.ts"
    with _quiet():
        ckpt_export(
            net_id="network_def",
            filepath=str(path),
            ckpt_file=str(bundle_dir / "models/model.pt"),
            meta_file=str(bundle_dir / "configs/metadata.json"),
            config_file=str(bundle_dir / "configs/inference.json"),
            bundle_root=str(bundle_dir),
        )
    drop_source_places(path)


def drop_source_places(path: Path) -> None:
    """Takes out of a TorchScript file where its source lay: in folders of this machine, which may name a person."""
    with atomic_path(path) as part, zipfile.ZipFile(path) as written, zipfile.ZipFile(part, "w") as kept:
        for entry in written.infolist():
            if not entry.filename.endswith(_PLACES):
                kept.writestr(entry, written.read(entry))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps to themselves the arguments, deprecations and absent packages that the exporters tell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def missing_for_onnx() -> list[str]:
    """Returns the packages that ONNX export needs and this environment lacks."""
    return [package for package in ONNX_PACKAGES if find_spec(package) is None]


def write_onnx(path: Path, run: FinishedRun) -> None:
    """Writes the reconstruction, x → x_hat, for images of the run's size in batches of any number.

    As in TorchScript, where the source lay is taken out.
    """
    images = torch.rand(2, run.in_channels, *run.image_size)
    with _quiet():
        program = torch.onnx.export(
            as_reconstructor(run.network).eval(),
            (images,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=["image"],
            output_names=["pred"],
            verbose=False,
        )
        if program is None:  # torch.onnx.export's older way, which dynamo=True is not
            raise RuntimeError("torch.onnx.export gave no program.")
        for part in (program.model.graph, *program.model.functions.values()):
            for node in part.all_nodes():  # type: ignore[attr-defined]  # a graph of onnx_ir, whose type says less
                node.metadata_props.clear()  # lines of the source with their folders
        program.save(path, external_data=False)


def large_files(folder: Path, limit: int = 25 * 2**20) -> Sequence[Path]:
    """Returns the files above the Model Zoo's limit, which it wants as links in ``large_files.yml``."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size > limit]
