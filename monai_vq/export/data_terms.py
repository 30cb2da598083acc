"""What the terms of known datasets ask of a model that learned from them. A summary, not the terms themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monai_vq.errors import InputError

_NOT_IDENTIFY = "Nobody may try to identify a participant."


@dataclass(frozen=True)
class DataTerms:
    """One dataset's terms.

    Attributes:
        title: its name, as it is cited.
        url: where its terms are read and access is asked for.
        licence: in one line.
        conditions: what is asked and forbidden, a sentence each.
        sources: of ``python -m data_prep SOURCE``, that read nothing else; the phantom cohort is read as BIDS.
        verbatim: the licence itself, where the user gave it.
    """

    title: str
    url: str
    licence: str
    conditions: tuple[str, ...]
    sources: tuple[str, ...] = ()
    verbatim: str | None = None

    @property
    def caution(self) -> str:
        """What the summary is not; nothing where the licence is given word for word, or there is nothing to read."""
        if self.verbatim is not None or not self.url.startswith("http"):
            return ""
        return (
            "What follows is a summary by the makers of monai_vq, who do not speak for the provider. It may be "
            f"incomplete or out of date: read the terms at {self.url}. They, in the version that you agreed to, are "
            "what counts."
        )

    def as_text(self) -> str:
        """Returns the text of ``docs/data_license.txt``."""
        if self.verbatim is not None:
            return self.verbatim
        lines = [self.title, self.url, "", f"Licence: {self.licence}", ""]
        lines += [self.caution, ""] if self.caution else []
        return "\n".join([*lines, *(f"- {condition}" for condition in self.conditions)]) + "\n"


TERMS: dict[str, DataTerms] = {
    "adni": DataTerms(
        "Alzheimer's Disease Neuroimaging Initiative (ADNI)",
        "https://adni.loni.usc.edu",
        "ADNI Data Use Agreement; each user applies for access.",
        (
            "No redistribution of participant-level data in any manner, raw or derived: no slice, no reconstruction, "
            "no sample that may be a copy, no table by person, no participant id. Summaries of groups may be.",
            "Data may not be given to AI services that are not contained; derived data sets go back through ADNI.",
            _NOT_IDENTIFY,
            "Publications follow ADNI's rules of acknowledgement. Whether weights may be passed on is ADNI's to say: "
            "treat them as data that may be memorised, and ask before this bundle leaves your institution.",
        ),
        ("adni", "ad_nc"),
    ),
    "cifar10": DataTerms(
        "CIFAR-10 (Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images)",
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        "None is known to us: the provider asks to be cited.",
        (
            "Publications cite the technical report.",
            "The pictures were collected from the web, and whose they are is not recorded.",
        ),
        ("cifar10",),
    ),
    "ixi": DataTerms(
        "IXI Dataset (Information eXtraction from Images, EPSRC GR/S21533/02)",
        "https://brain-development.org/ixi-dataset/",
        "Creative Commons CC BY-SA 3.0",
        (
            "Name the source: IXI, brain-development.org.",
            "What is adapted from the data and passed on is passed on under the same licence. Whether weights are "
            "adapted from the data is not settled.",
            _NOT_IDENTIFY,
        ),
    ),
    "oasis": DataTerms(
        "Open Access Series of Imaging Studies (OASIS)",
        "https://sites.wustl.edu/oasisbrains/",
        "OASIS data use agreement; each user agrees to it.",
        (
            "Participant-level data (images, slices, reconstructions, tables by person) are not passed on; whoever "
            "needs them asks OASIS.",
            _NOT_IDENTIFY,
            "Publications acknowledge OASIS and its grants, and cite the paper of the release that was used.",
        ),
        ("oasis1", "oasis2", "oasis3", "neurite_oasis", "png_slices"),
    ),
    "phantom": DataTerms(
        "The simulated heads of monai_vq",
        "made by `python -m data_prep phantom`",
        "CC0: no rights reserved; there is no person behind them.",
        ("A model that learned from them is for trying the tool. It has seen no brain.",),
    ),
}


_OWN = DataTerms("The data that docs/data_license.txt is the licence of", "see there", "docs/data_license.txt", ())


def find_terms(dataset: str | None, license_file: Path | None, preparation: Mapping[str, Any]) -> DataTerms | None:
    """Returns the terms of a dataset by its name, else by the source it was prepared from; None if that says nothing.

    A BIDS folder or DICOM files can be anybody's: their source names no terms.

    Args:
        dataset: one of `TERMS`; None asks the source.
        license_file: the licence itself, which then is the text.
        preparation: the settings that the slices were prepared with.

    Raises:
        InputError: if the name is not one of `TERMS`, or the source has other terms than it; if the file cannot be
            read.
    """
    if dataset is not None and dataset not in TERMS:
        raise InputError(f"--dataset {dataset}: expected one of {', '.join(TERMS)}, or --data_license FILE.")
    source = preparation.get("source")
    by_source = next((terms for terms in TERMS.values() if source in terms.sources), None)
    if dataset is not None and by_source not in (None, TERMS[dataset]):
        raise InputError(
            f"--dataset {dataset}: the run's slices were prepared by `python -m data_prep {source}`, which reads "
            f"nothing but {by_source.title}; leave --dataset out."
        )
    terms = by_source if dataset is None else TERMS[dataset]
    return terms if license_file is None else replace(terms or _OWN, verbatim=_read(license_file))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--data_license {path} cannot be read ({error}); give a text file.") from error
