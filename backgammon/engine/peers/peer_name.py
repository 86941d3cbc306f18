"""Names of the programs that judge, as every command takes them: "gnubg:2", "sage:2".

Plies count as everywhere here: 0-ply is a program's nets alone, which Open Sage itself calls 1-ply.
"""

from __future__ import annotations

from typing import NamedTuple


class Program(NamedTuple):
    """Another program.

    Attributes:
        title: what people call it.
        max_plies: the deepest that may be asked for.
        extra: of this package, which brings it.
    """

    title: str
    max_plies: int
    extra: str


PROGRAMS = {"gnubg": Program("GNU Backgammon", 3, "peers"), "sage": Program("Open Sage", 2, "sage")}


class PeerName(NamedTuple):
    """A program that judges, at a depth.

    Attributes:
        program: a key of `PROGRAMS`.
        plies: 0 to its `max_plies`.
    """

    program: str
    plies: int


PEER_JUDGES = {
    f"{program}:{plies}": PeerName(program, plies)
    for program, known in PROGRAMS.items()
    for plies in range(known.max_plies + 1)
}
"""All programs that judge at all their depths, by name."""


def is_peer_judge(text: str) -> bool:
    """True for a name that means a program that judges, at a depth that it has or not."""
    program, colon, _ = text.partition(":")
    return program in PROGRAMS and bool(colon)


def missing_package(name: str) -> str:
    """The line that says how to get the program of a name, "pubeval" among them."""
    found = PROGRAMS.get(name.partition(":")[0])
    extra = "peers" if found is None else found.extra
    return f"{name}: its package is not installed; get it with: pip install 'pairgammon[{extra}]'"
