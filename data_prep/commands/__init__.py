"""The commands of `python -m data_prep`: one per source, and those that work on a prepared dataset."""

from data_prep.commands.check_private import CHECK_PRIVATE
from data_prep.commands.command import Command
from data_prep.commands.crops import CROPS
from data_prep.commands.phantom import PHANTOM
from data_prep.commands.prepare import source_command
from data_prep.commands.split import SPLIT
from data_prep.commands.verify import VERIFY
from data_prep.sources import SOURCES

__all__ = ["COMMANDS", "Command"]

COMMANDS: dict[str, Command] = {
    **{name: source_command(name, source) for name, source in SOURCES.items()},
    "phantom": PHANTOM,
    "crops": CROPS,
    "split": SPLIT,
    "verify": VERIFY,
    "check_private": CHECK_PRIVATE,
}
