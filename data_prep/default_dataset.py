"""The data set that a bundle is run on when its user has none at hand."""

from __future__ import annotations

from pathlib import Path

from data_prep.phantom import prepare_phantom

__all__ = ["DEFAULT", "provide"]

DEFAULT = "data/phantom"  # the bundles' default dataset_dir


def provide(dataset_dir: str) -> None:
    """Makes the phantom cohort where the default dataset is asked for and absent; any other folder must be there.

    Args:
        dataset_dir: the bundle's knob. A missing folder other than the default is the next step's error, which says
            how to prepare one.
    """
    if dataset_dir == DEFAULT and not Path(dataset_dir).exists():
        print(f"{dataset_dir} does not exist: making the phantom cohort, simulated heads to try the tool on.")
        prepare_phantom(dataset_dir)
