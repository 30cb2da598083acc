"""One folder and one image a session of OASIS-1, which ships each session in many versions."""

from collections.abc import Sequence
from pathlib import Path

from data_prep.rejections import Rejection
from data_prep.sources.oasis1_images import IMAGE_KINDS, SEGMENTATION, SessionImage
from data_prep.sources.oasis_sessions import find_pair_problem
from data_prep.sources.scan import Found

__all__ = ["advise", "choose_folder", "choose_image", "choose_segmentation", "list_others"]

_NOTHING = "nothing is to do"


def choose_folder(folders: Sequence[Path], source: Path, found: Found) -> Path | None:
    """The folder of a session that was unpacked in several places.

    Args:
        folders: all of the session's.
        source: root of the download.
        found: receives the others; FreeSurfer's folders, of the same names, are left.

    Returns:
        The first that has images; None where FreeSurfer's is all there is.
    """
    surfaces = [folder for folder in folders if _is_freesurfer(folder)]
    shipped = [folder for folder in folders if folder not in surfaces]
    for folder in surfaces:
        reason = "a folder of the FreeSurfer archives, which are not read"
        if shipped:
            found.left.append(_reject(folder, source, reason, _NOTHING))
        else:
            remedy = "unpack the disc of its session, oasis_cross-sectional_disc*.tar.gz"
            found.rejections.append(_reject(folder, source, reason, remedy))
    for folder in shipped[1:]:
        reason = f"the session is also in {shipped[0].relative_to(source).as_posix()}, which is taken"
        found.rejections.append(_reject(folder, source, reason, "remove one of the two"))
    return shipped[0] if shipped else None


def choose_image(
    images: Sequence[SessionImage], folder: Path, source: Path, kind: str, found: Found
) -> SessionImage | None:
    """The wanted image of a session.

    Args:
        images: all of the session's.
        folder: the session's.
        source: root of the download.
        kind: key of `IMAGE_KINDS`.
        found: receives images of which a file is missing, and the folder where there is none of the kind.

    Returns:
        The first acquisition, or the average of most acquisitions; None where none is whole.
    """
    candidates = [image for image in images if image.kind == kind]
    if not candidates:
        wanted = IMAGE_KINDS[kind]
        remedy = "unpack the archive of its disc again, or choose another --image"
        found.rejections.append(_reject(folder, source, f"no {kind} image ({wanted.text}) in {wanted.folder}", remedy))
    whole = []
    for image in candidates:
        problem = find_pair_problem(image.stem)
        if problem:
            found.rejections.append(_reject(image.stem, source, *problem))
        else:
            whole.append(image)
    return min(whole, key=lambda image: image.number if kind == "raw" else -image.number, default=None)


def advise(images: Sequence[SessionImage], taken: SessionImage) -> str:
    """What a user can do where the image taken is damaged and the session has others; empty where it has none."""
    others = [image for image in images if image.kind in IMAGE_KINDS and image != taken]
    whole = [image for image in others if not find_pair_problem(image.stem)]
    for image in sorted(whole, key=lambda image: image.kind != taken.kind):
        if image.kind == taken.kind:
            return f"{image.stem.name} is there too: move the damaged pair out of the source to take that in its place"
        return f"{image.stem.name} is there too: --image {image.kind} takes such images, then of every session"
    return ""


def choose_segmentation(images: Sequence[SessionImage], taken: SessionImage | None) -> SessionImage | None:
    """The labels that go with the image taken: both are of the average of as many acquisitions."""
    for image in images:
        if taken and image.kind == SEGMENTATION and image.number == taken.number and not find_pair_problem(image.stem):
            return image
    return None


def list_others(
    images: Sequence[SessionImage], taken: Sequence[SessionImage | None], source: Path, found: Found
) -> None:
    """Lists what is left on purpose, and what bears no name of the study's.

    Args:
        images: all of the session's.
        taken: those that are read; the first is the scan.
        source: root of the download.
        found: receives the others that it has not yet.
    """
    listed = {rejection.source for rejection in found.rejections}
    for image in images:
        if not image.kind:
            reason = "the name is none that OASIS-1 has for this session and folder"
            remedy = "give it its original name, or move it elsewhere"
            found.rejections.append(_reject(image.stem, source, reason, remedy))
        elif image not in taken and image.stem.relative_to(source).as_posix() not in listed:
            found.left.append(_reject(image.stem, source, *_explain(image, taken[0])))


def _explain(image: SessionImage, taken: SessionImage | None) -> tuple[str, str]:
    if image.kind == SEGMENTATION:
        return "tissue labels, no image", "give --labels to take them along"
    if taken and image.kind == taken.kind:
        return f"another {image.kind} image of the session, of which {taken.stem.name} is taken", _NOTHING
    return f"another version of the scan ({IMAGE_KINDS[image.kind].text})", f"--image {image.kind} takes such images"


def _is_freesurfer(folder: Path) -> bool:
    return (folder / "mri").is_dir() and not any((folder / name).is_dir() for name in ("RAW", "PROCESSED"))


def _reject(path: Path, source: Path, reason: str, remedy: str) -> Rejection:
    return Rejection(path.relative_to(source).as_posix(), reason, remedy)
