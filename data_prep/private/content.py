"""Bytes of a file, or of something packed within it."""

from dataclasses import dataclass

__all__ = ["Content"]


@dataclass(frozen=True)
class Content:
    """One run of bytes of one kind.

    Attributes:
        place: where in the file, from outside inwards; empty for the file itself.
        data: the bytes.
        name: file name, whose suffix says how a text is written; empty where there is none.
        is_array: whether these are voxels, pixels or weights, in which chance writes anything: only words that are
            known to be private are looked for.
        problem: why there is more that cannot be searched; empty where there is not.
    """

    place: str
    data: bytes
    name: str = ""
    is_array: bool = False
    problem: str = ""

    def within(self, outer: "Content") -> "Content":
        """The same bytes, placed in what held them."""
        place = ", ".join(filter(None, (outer.place, self.place)))
        return Content(place, self.data, self.name, self.is_array, self.problem)
