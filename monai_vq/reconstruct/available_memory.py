"""Memory that can be had: what the machine has free, or, in a container or a cluster's job, what its limit leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["available_memory"]

_MEMINFO = Path("/proc/meminfo")
_OWN_GROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class _Version:
    """Names of a version of Linux's control groups; `controllers` is what `/proc/self/cgroup` calls memory's."""

    controllers: str
    mount: str
    limit: str
    usage: str
    reclaimable: str


_VERSIONS = (
    _Version("memory", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    _Version("", "", "memory.max", "memory.current", "inactive_file"),
)


def available_memory() -> int | None:
    """Bytes that can be had without swapping and without being killed; None on systems other than Linux.

    A job of SLURM, a container and the like have limits of their own, of which the machine's numbers say nothing; the
    closest of the limits counts (control groups of both versions, the group's own and those of all that it lies in).
    """
    free = _read_number(_MEMINFO, r"^MemAvailable:\s+(\d+) kB$")
    if free is None:
        return None
    return max(0, min([free * 1024, *(room for version in _VERSIONS for room in _rooms(version))]))


def _rooms(version: _Version) -> Iterator[int]:
    """What each limit of this version leaves, from the innermost group to the root."""
    path = _own_path(version)
    if path is None:
        return
    root = _MOUNT / version.mount
    group = root / path.lstrip("/")
    if not group.is_dir():  # inside a container, whose own group is mounted as the root
        group = root
    for folder in (group, *group.parents):
        if not folder.is_relative_to(root):
            return
        limit, usage = (_read_number(folder / name, r"^(\d+)$") for name in (version.limit, version.usage))
        if limit is not None and usage is not None:  # "max" is no limit
            reclaimable = _read_number(folder / "memory.stat", rf"^{version.reclaimable} (\d+)$")
            yield limit - usage + (reclaimable or 0)


def _own_path(version: _Version) -> str | None:
    """Where this process stands among the groups; None where this version does not look after memory."""
    try:
        lines = _OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if version.controllers in controllers.split(","):
            return path
    return None


def _read_number(path: Path, pattern: str) -> int | None:
    try:
        found = re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return None
    return None if found is None else int(found[1])
