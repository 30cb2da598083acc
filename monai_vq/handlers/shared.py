"""One handler in two places of a config."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def shared(handler: T) -> T:
    """Returns the handler it is given.

    A handler that other parts of a config need as well has an id of its own and would stand in ``train#handlers`` as
    ``"@budget"``; but MONAI's ``check_properties`` reads ``h["_target_"]`` of each element ``h`` of that list.
    ``{"_target_": "monai_vq.handlers.shared", "handler": "@budget"}`` is the same object, and has one.
    """
    return handler
