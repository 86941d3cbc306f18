"""Where this process and those that it has started listen, as Linux shows it."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

_LISTEN = "0A"


def listening_addresses() -> set[str]:
    """The addresses of all TCP sockets of the family that wait for connections."""
    own = {inode for pid in _family() for inode in _sockets_of(pid)}
    return {address for table in ("tcp", "tcp6") for address, inode in _listening(table) if inode in own}


def _family() -> set[int]:
    """This process and its descendants."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family, found = {os.getpid()}, 0
    while len(family) > found:
        found = len(family)
        family |= {pid for pid, parent in parents.items() if parent in family}
    return family


def _sockets_of(pid: int) -> set[str]:
    """Inodes of the sockets that a process has open."""
    found = set()
    for path in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            target = str(path.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[len("socket:[") : -1])
    return found


def _listening(table: str) -> list[tuple[str, str]]:
    """(address, inode) of the sockets of a table of the kernel that listen."""
    rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return [(_address(row[1].partition(":")[0]), row[9]) for row in rows if row[3] == _LISTEN]


def _address(text: str) -> str:
    """An address out of the kernel's words of four bytes, each in the order of the processor."""
    words = [bytes.fromhex(text[i : i + 8])[::-1] for i in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(words)))
