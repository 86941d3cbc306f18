r"""The syntax of SGF: game trees of nodes of properties. What they mean is the business of `sgf`.

    Collection = GameTree { GameTree } ; GameTree = '(' Node { Node } { GameTree } ')' ; Node = ';' { Property }
    Property = Name Value { Value } ; Value = '[' text with a backslash before ']' and backslash ']'

Of variations only the first is read, the game itself. The time is linear in the length of the text. Source:
red-bean.com/sgf, FF[4].
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from backgammon.tools.quoting import printable

MAX_NODES = 20_000
"""Nodes of a game; the longest games ever seen have some 300."""

MAX_DEPTH = 1_000
"""Trees within trees."""

_TOKEN = re.compile(r"\s*+(?:(?P<mark>[();])|(?P<name>[A-Za-z]{1,32}+)|\[(?P<value>(?:[^\]\\]++|\\.)*)\])", re.DOTALL)
_BEGIN = re.compile(r"\(\s*+;")
_UNCLOSED = re.compile(r"\s*+\[")
_END = re.compile(r"\s*+\Z")
_ESCAPE = re.compile(r"\\(?:\r\n|\n\r|\n|\r|(.))", re.DOTALL)  # an escaped line break is none at all
_NEEDS_ESCAPE = re.compile(r"([\\\]:])")


class Node(NamedTuple):
    """The properties of a node, each with its values as written, and the line where it begins."""

    line: int
    properties: dict[str, list[str]]

    def text(self, name: str) -> str:
        """First value of a property as plain text, "" without one."""
        values = self.properties.get(name)
        return unescape(values[0]) if values else ""


class GameTree(NamedTuple):
    """The nodes of a game in order; `damage` says what is wrong behind them, "" when nothing is."""

    nodes: list[Node]
    damage: str


def unescape(value: str) -> str:
    """A value without its escapes."""
    return _ESCAPE.sub(lambda found: found[1] or "", value) if "\\" in value else value


def escape(text: str) -> str:
    """A text as a value between brackets."""
    return _NEEDS_ESCAPE.sub(r"\\\1", printable(text))


def find_tree(text: str, position: int = 0) -> int:
    """Where the next game tree begins, -1 without one."""
    found = _BEGIN.search(text, position)
    return found.start() if found else -1


def parse_trees(text: str) -> Iterator[GameTree]:
    """Every game tree of a text; what stands between them, and behind damage, is passed over."""
    position = find_tree(text)
    line, counted = 1, 0
    while position >= 0:
        line += text.count("\n", counted, position)
        counted = position
        tree, position = _parse_tree(text, position, line)
        if tree.nodes:
            yield tree
        position = find_tree(text, position)


def _parse_tree(text: str, position: int, line: int) -> tuple[GameTree, int]:
    """The tree that begins at `position`, and where to go on."""
    nodes: list[Node] = []
    depth = 0
    shown_depth = 0  # of the main line; what closes goes back, and what opens then is a variation
    has_closed = False
    name = ""
    counted = position
    while True:
        token = _TOKEN.match(text, position)
        if token is None:
            if _UNCLOSED.match(text, position):
                # All that follows is inside of this value. Looking for trees there again and again could take for ever.
                return GameTree(nodes, "a bracket is never closed"), len(text)
            is_cut = _END.match(text, position) is not None
            return GameTree(nodes, "the file is cut off here" if is_cut else "this is not SGF"), position
        line += text.count("\n", counted, token.start(token.lastgroup or 0))
        counted = token.start(token.lastgroup or 0)
        position = token.end()
        if mark := token["mark"]:
            name = ""
            if mark == "(":
                depth += 1
                if depth > MAX_DEPTH:
                    return GameTree(nodes, f"more than {MAX_DEPTH:,} trees within trees"), position
                if not has_closed:
                    shown_depth = depth
            elif mark == ")":
                depth -= 1
                has_closed = True
                if depth == 0:
                    return GameTree(nodes, ""), position
            elif depth == shown_depth and not has_closed:
                if len(nodes) >= MAX_NODES:
                    return GameTree(nodes, f"more than {MAX_NODES:,} nodes in a game"), position
                nodes.append(Node(line, {}))
        elif has_closed:
            continue
        elif nodes and (word := token["name"]):
            name = word
            nodes[-1].properties.setdefault(name, [])
        elif nodes and name:
            nodes[-1].properties[name].append(token["value"])
