"""The legal moves of a roll as a graph, checker by checker: what a board needs to let a person move freely and undo.

A node is a position with the dice that are still to be played; an edge is one checker moved by one die with which some
legal play of the whole roll goes on (`arena.micro` decides). A node without an edge is a complete play and knows its
row among the candidates. Whoever shows a board needs no rules: it walks the graph and hands in the row where it ends.
Of 600 decisions the median has 21 nodes; the widest known has 631.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backgammon.rules.board import Board
from backgammon.rules.decision import Decision, Move
from backgammon.table.arena.micro import NO_OP, NUM_ACTIONS, decode_action, fill_mask, move_checker

_State = tuple[bytes, int, int]
"""Board, and how often the larger and the smaller die are still to be played."""


class Step(NamedTuple):
    """An edge.

    Attributes:
        move: one checker by one die.
        die: 1..6; bearing off may take more than the pips that are left.
        target: index of the node that it leads to.
    """

    move: Move
    die: int
    target: int


class MoveNode(NamedTuple):
    """A node.

    Attributes:
        row: of the decision's candidates where the play is complete, else None.
        steps: the moves that go on; none exactly where the play is complete.
    """

    row: int | None
    steps: tuple[Step, ...]


def build_move_graph(decision: Decision) -> tuple[MoveNode, ...]:
    """The nodes reachable from the position before the first move, which is node 0.

    >>> from backgammon.rules.board import Position
    >>> graph = build_move_graph(Decision.make(Position.start(), (3, 1)))
    >>> len(graph), sorted({step.move.source for step in graph[0].steps if step.die == 3})
    (24, [6, 8, 13, 24])
    """
    high, low = decision.roll
    first = (decision.position.key, 4 if high == low else 1, 0 if high == low else 1)
    places: dict[_State, int] = {first: 0}
    found: list[MoveNode] = []
    waiting = [first]
    while len(found) < len(waiting):
        found.append(_expand(decision, waiting[len(found)], places, waiting))
    return tuple(found)


def _expand(decision: Decision, state: _State, places: dict[_State, int], waiting: list[_State]) -> MoveNode:
    """The node of a state; states that are met for the first time are put in line."""
    key, num_high, num_low = state
    high, low = decision.roll
    board: Board = np.frombuffer(key, dtype=np.int8)
    steps = []
    for action in _legal_actions(board, high, low, num_high, num_low):
        decoded = decode_action(action)
        assert decoded is not None, "the no-op is no move"
        source, die = decoded
        after = board.copy()
        move_checker(after, action)
        is_high = die == high and num_high > 0
        following = (after.tobytes(), num_high - is_high, num_low - (not is_high))
        if following not in places:
            places[following] = len(places)
            waiting.append(following)
        target = max(0, source - die)
        steps.append(Step(Move(source, target, bool(target and board[target] == -1)), die, places[following]))
    return MoveNode(None if steps else decision.row_of(board), tuple(steps))


def _legal_actions(board: Board, high: int, low: int, num_high: int, num_low: int) -> list[int]:
    """Moves that may be made now; none when the play is complete or a dance."""
    if not num_high + num_low or not (board > 0).any():
        return []
    mask = np.zeros(NUM_ACTIONS, dtype=np.int8)
    fill_mask(board.copy(), high, low, num_high, num_low, mask)
    return [action for action in np.flatnonzero(mask).tolist() if action != NO_OP]
