"""What the hops of a text can mean with a roll: single-die moves, and the candidate they lead to.

A reading is judged by its RESULT, so the order in which legs are written does not matter: a landing on a lone opponent
hits in any order, and a result that is a candidate has some legal order. Only the way through an unwritten point leaves
a choice (13/7 with 42 passes 9 or 11); there stars decide, and without a star the way that hits nobody.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from backgammon.notation.grammar import Hop
from backgammon.rules.board import Board
from backgammon.rules.decision import Decision, Move, Play, apply_move, single_moves
from backgammon.tools.errors import IllegalPlay

Step = tuple[int, int]
"""(source, target) of one checker by one die."""

Way = tuple[int, ...]
"""The unwritten points on which a hop lands before its target; empty when one die is enough."""


class Reading(NamedTuple):
    """One meaning of a text.

    Attributes:
        steps: the single-die moves.
        is_clean: every unwritten hit is asked for by a star, and every star is accounted for.
        false_star: a hop whose star marks a hit where nobody can be hit, or None.
    """

    steps: tuple[Step, ...]
    is_clean: bool
    false_star: Hop | None


@lru_cache(maxsize=1 << 14)
def ways_of_hop(source: int, target: int, high: int, low: int) -> tuple[Way, ...]:
    """Every way to make a hop with the dice (high >= low), empty when they do not fit; bearing off may waste pips."""
    distance = source - target
    if distance <= 0:
        return ()
    if high == low:
        num_dice = -(-distance // high)
        if num_dice > 4 or (target > 0 and distance % high):
            return ()
        return (tuple(source - high * i for i in range(1, num_dice)),)
    ways: list[Way] = []
    if distance in (high, low) or (target == 0 and distance < high):
        ways.append(())
    for first, second in ((high, low), (low, high)):
        rest = distance - first
        if rest == second or (target == 0 and 0 < rest < second):
            ways.append((source - first,))
    return tuple(ways)


def possible_readings(hops: tuple[Hop, ...], decision: Decision) -> list[Reading]:
    """Every reading that the dice allow; legality is not asked."""
    high, low = decision.roll
    board: list[int] = decision.position.board.tolist()
    choices = [ways_of_hop(hop.source, hop.target, high, low) for hop in hops]
    return [_make_reading(hops, ways, board) for ways in product(*choices)]


def _make_reading(hops: tuple[Hop, ...], ways: tuple[Way, ...], board: list[int]) -> Reading:
    written = {hop.target for hop in hops}
    steps: list[Step] = []
    is_clean = True
    false_star: Hop | None = None
    for hop, way in zip(hops, ways, strict=True):
        landings = (hop.source, *way, hop.target)
        steps += [(landings[i], landings[i + 1]) for i in range(len(landings) - 1)]
        is_marked = hop.is_starred and not _is_blot(board, hop.target)  # a star that can only mean an unwritten hit
        if is_marked and not any(_is_blot(board, point) for point in way):
            false_star = hop
        elif not is_marked and any(_is_blot(board, point) and point not in written for point in way):
            is_clean = False
    return Reading(tuple(steps), is_clean and false_star is None, false_star)


def _is_blot(board: list[int], point: int) -> bool:
    return point > 0 and board[point] == -1


def row_after(steps: tuple[Step, ...], decision: Decision) -> int | None:
    """Row of the candidate to which the steps lead; None when they land on a made point or lead to no candidate."""
    board: list[int] = decision.position.board.tolist()
    after = board.copy()
    hit: set[int] = set()
    for source, target in steps:  # in any order, so a point may be left before it is reached: no `move_in_place`
        after[source] -= 1
        if target == 0:
            continue
        if board[target] < -1:
            return None
        if board[target] == -1 and target not in hit:
            hit.add(target)
            after[target] += 1
            after[0] -= 1
        after[target] += 1
    try:
        return decision.row_of(np.array(after, dtype=np.int8))
    except IllegalPlay:
        return None


def make_play(steps: tuple[Step, ...], decision: Decision) -> Play:
    """The steps as moves, with the hits they make."""
    board = decision.position.board
    moves = []
    for source, target in steps:
        moves.append(Move(source, target, target > 0 and bool(board[target] == -1)))
        board = apply_move(board, moves[-1])
    return tuple(moves)


def legal_plays(decision: Decision) -> list[tuple[int, Play]]:
    """(row, play) for every distinct set of single moves that is a legal play; a candidate may be met several times."""
    rows = {candidate.tobytes(): row for row, candidate in enumerate(decision.candidates)}
    high, low = decision.roll
    orders = [(high,) * 4] if high == low else [(high, low), (low, high)]
    found: dict[tuple[Move, ...], tuple[int, Play]] = {}

    def walk(board: Board, dice: tuple[int, ...], made: Play) -> None:
        moves = single_moves(board, dice[0]) if dice else []
        row = None if moves else rows.get(board.tobytes())
        if row is not None:
            found.setdefault(tuple(sorted(made)), (row, made))
        for move in moves:
            # A double played from higher to lower sources reaches every set of moves once.
            if high == low and made and move.source > made[-1].source:
                continue
            walk(apply_move(board, move), dice[1:], (*made, move))

    for order in orders:
        walk(decision.position.board, order, ())
    return list(found.values())


def plays_with(hops: tuple[Hop, ...], decision: Decision) -> dict[int, Play]:
    """By row of its candidate, a legal play that contains the hops (whole, or with other moves)."""
    wanted = [Counter(reading.steps) for reading in possible_readings(hops, decision) if reading.false_star is None]
    fitting: dict[int, Play] = {}
    for row, play in legal_plays(decision):
        made = Counter((move.source, move.target) for move in play)
        if row not in fitting and any(steps <= made for steps in wanted):
            fitting[row] = play
    return fitting
