"""The data set that a bundle is run on when its user has none at hand."""

from __future__ import annotations

from pathlib import Path

from data_prep.phantom import prepare_phantom
from monai_vq.data.manifest import MANIFEST_NAME
from monai_vq.errors import InputError

__all__ = ["DEFAULT", "provide"]

DEFAULT = "data/phantom"  # the bundles' default dataset_dir


def provide(dataset_dir: str) -> None:
    """Makes the phantom cohort where the default dataset is asked for and absent; any other folder must be there.

    A cohort that was not finished, because its making was killed, is finished.

    Args:
        dataset_dir: the bundle's knob. A missing folder other than the default is the next step's error, which says
            how to prepare one.

    Raises:
        SystemExit: with one line, if the default folder holds something else or cannot be written.
    """
    if dataset_dir != DEFAULT or (Path(dataset_dir) / MANIFEST_NAME).is_file():
        return
    state = "is not finished" if Path(dataset_dir).exists() else "does not exist"
    print(f"{dataset_dir} {state}: making the phantom cohort, simulated heads to try the tool on.", flush=True)
    try:
        prepare_phantom(dataset_dir)
    except InputError as error:
        raise SystemExit(f"error: {error}") from None
    except OSError as error:
        raise SystemExit(f"error: {dataset_dir} cannot be made ({error}); make room there, or write access.") from None
