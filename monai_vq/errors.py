"""The one exception for what a user gave and can mend."""

__all__ = ["InputError"]


class InputError(ValueError):
    """A value, file or setting that a user gave is wrong.

    The message says the value, what was expected and the remedy, so that a command line can print it alone.
    """
