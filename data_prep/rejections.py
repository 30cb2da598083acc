"""`rejected.csv`: what was left out, why, and what would help."""

import csv
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from monai_vq.data import VolumeError

__all__ = ["REJECTED_NAME", "Rejection", "describe_rejections", "write_rejections"]

REJECTED_NAME = "rejected.csv"
_N_DESCRIBED = 3  # an error stays readable in a terminal


@dataclass(frozen=True, order=True)
class Rejection:
    """A volume that is not in the dataset, or a folder whose name keeps its volumes out of it.

    Attributes:
        source: path relative to the source's root.
        reason: what was found, and what was expected.
        remedy: what the user can do.
    """

    source: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}; {self.remedy}"

    @classmethod
    def from_error(cls, source: str, error: Exception) -> "Rejection":
        """Lists a known fault by its reason, and any other exception as what it is: a bug to report.

        The message of another exception is left out, as it may quote the file or name a folder of this machine.
        """
        if isinstance(error, VolumeError):
            return cls(source, error.reason, error.remedy)
        if isinstance(error, OSError):
            cause = error.strerror or type(error).__name__
            return cls(source, f"cannot be read: {cause}", "check the file and its permissions")
        return cls(source, f"unexpected {type(error).__name__}{_describe_place(error)}", "report it as a bug")


def _describe_place(error: Exception) -> str:
    """The line of the program that raised, which says as much as the message to whom it is reported."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def describe_rejections(rejections: Sequence[Rejection]) -> str:
    """How many there are, and the first with reason and remedy; for an error after which no file is left."""
    described = "; ".join(str(rejection) for rejection in rejections[:_N_DESCRIBED])
    return f"{len(rejections)} were rejected, mend them first: {described}{'; …' * (len(rejections) > _N_DESCRIBED)}"


def write_rejections(path: Path, rejections: Iterable[Rejection]) -> None:
    """Writes one row a volume, sorted; the header alone where nothing was rejected."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Rejection)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(rejection) for rejection in sorted(rejections))
