"""Ages that single a person out are capped."""

__all__ = ["MAX_PUBLIC_AGE", "cap_age"]

MAX_PUBLIC_AGE = 89.0  # years; HIPAA's Safe Harbor, 45 CFR 164.514(b)(2)(i)(C), takes all above as one


def cap_age(age: float | None) -> float | None:
    """An age as it may be written down: so few people are over 89 that the number helps to find out who one is.

    The cap counts as the age in the tables of a split, whose means are thereby a little low, as BIDS asks for too.

    Args:
        age: years, or None where it is unknown.

    >>> cap_age(93.5), cap_age(89.0), cap_age(54.2), cap_age(None)
    (89.0, 89.0, 54.2, None)
    """
    return None if age is None else min(age, MAX_PUBLIC_AGE)
