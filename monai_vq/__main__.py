"""`python -m monai_vq`: every tool with one line, in the words of the tools themselves."""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from monai_vq import __version__

BUNDLES = "bundles"
PACKAGES = ("data_prep", "monai_vq")  # in the order of a user's way
_COMMAND = re.compile(r"`python -m ([\w.]+)[^`]*`:?\s*")
_PART = "common"  # bundles' shared parts are no bundles


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the list."""
    parser = argparse.ArgumentParser(prog="python -m monai_vq", description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"monai_vq {__version__}")
    parser.parse_args(arguments)
    print("\n".join(tool_list()))
    return 0


def tool_list() -> list[str]:
    """Returns the lines of the list."""
    modules = dict(modules_with_commands())
    width = max(map(len, modules))
    lines = ["Modules, python -m NAME --help:", *(f"  {name:{width}}  {what}" for name, what in modules.items())]
    folder = bundle_folder()
    if folder is None:
        where = f"in the folder {BUNDLES} of the project's repository, which an installed package does not hold"
        return [*lines, "", f"Bundles, python -m monai.bundle run --config_file {BUNDLES}/NAME.json: {where}."]
    bundles = dict(bundles_in(folder))
    width = max(map(len, bundles))
    heading = f"Bundles, python -m monai.bundle run --config_file {BUNDLES}/NAME.json, from {folder.parent}:"
    return [*lines, "", heading, *(f"  {name:{width}}  {what}" for name, what in bundles.items())]


def modules_with_commands() -> Iterator[tuple[str, str]]:
    """Yields each module that is run by ``python -m``, and the line that its docstring says of it."""
    for package in PACKAGES:
        spec = find_spec(package)
        for root in spec.submodule_search_locations or () if spec else ():
            for path in sorted([*Path(root).glob("__main__.py"), *Path(root).glob("*/__main__.py")]):
                name = ".".join((package, *path.parent.relative_to(root).parts))
                if name != "monai_vq":
                    yield name, _first_line(path)


def bundle_folder() -> Path | None:
    """Returns the repository's bundles, beside the package or in the current folder; None if there are none."""
    for root in (Path(__file__).parents[1], Path.cwd()):
        if (root / BUNDLES / f"{_PART}.json").is_file():
            return root / BUNDLES
    return None


def bundles_in(folder: Path) -> Iterator[tuple[str, str]]:
    """Yields each bundle's name and what its description begins with."""
    for path in sorted(folder.glob("*.json")):
        config = json.loads(path.read_text(encoding="utf-8"))
        if not path.stem.startswith(_PART) and "run" in config:
            yield path.stem, config.get("_desc_", "no description").partition(". ")[0].partition("; ")[0].rstrip(".")


def _first_line(path: Path) -> str:
    """The docstring's first sentence without the command itself; nothing of the module is run."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "no description"
    sentence = _COMMAND.sub("", docstring.partition("\n\n")[0].replace("\n", " "))
    return sentence.rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
