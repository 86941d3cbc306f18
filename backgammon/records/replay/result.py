"""Who won a logged game and how high, from the board, the cube, and what the writer says: in this order of trust."""

from __future__ import annotations

from dataclasses import dataclass

from backgammon.records.replay.execution import OVER, PLAYED, Execution
from backgammon.records.replay.script import GameScript
from backgammon.rules.board import points_won

BORNE_OFF, DROP, RESIGNED, UNKNOWN = "borne off", "drop", "resigned", "unknown"
"""How a game ended."""


@dataclass(frozen=True)
class Outcome:
    """The end of a logged game.

    Attributes:
        winner: seat, None when nothing is known.
        size: 1 single, 2 gammon, 3 backgammon; 0 when a double was dropped or nothing is known.
        ending: BORNE_OFF, DROP, RESIGNED or UNKNOWN.
        oddity: what does not fit, "" when all does.
    """

    winner: int | None
    size: int
    ending: str
    oddity: str = ""


def judge(script: GameScript, chain: Execution, before: tuple[int, int], after: tuple[int, int] | None) -> Outcome:
    """The result of a game.

    Args:
        script: its entries in order.
        chain: its positions.
        before: scores by seat before the game.
        after: scores before the next game, None for the last one.
    """
    written = _written_winner(script)
    by_board = _judge_board(script, chain)
    if by_board is not None:
        winner, size = by_board
        return Outcome(winner, size, BORNE_OFF, _contradiction(winner, written))
    if script.dropped_by is not None:
        winner = 1 - script.dropped_by
        return Outcome(winner, 0, DROP, _contradiction(winner, written))
    scorer, gained = _gain(before, after)
    if written is None and (scorer is None or script.broken is not None):
        return Outcome(scorer, 0, UNKNOWN)  # behind a break the cube is not known, so no size
    if written is None:
        assert scorer is not None
        return _resigned(scorer, gained, script.cube)
    points = _written_points(script) or (gained if scorer == written else 0)
    return _resigned(written, points, script.cube)


def _judge_board(script: GameScript, chain: Execution) -> tuple[int, int] | None:
    """(winner, size) when a player has borne off the last checker."""
    if not len(chain.statuses) or chain.statuses[-1] not in (PLAYED, OVER):
        return None
    last = len(chain.statuses) - 1 - int(chain.statuses[-1] == OVER)
    size = points_won(chain.afters[last])
    return (script.rolls[last].seat, size) if size else None


def _written_winner(script: GameScript) -> int | None:
    if script.result is not None:
        return script.result.seat
    return 1 - script.resigned.seat if script.resigned is not None else None


def _written_points(script: GameScript) -> int:
    """Points with the cube as written, 0 without."""
    entries = (script.result, script.resigned)
    return next((entry.points for entry in entries if entry is not None and entry.points), 0)


def _contradiction(winner: int, written: int | None) -> str:
    return "" if written in (None, winner) else "the loser is written down as the winner"


def _gain(before: tuple[int, int], after: tuple[int, int] | None) -> tuple[int | None, int]:
    """(the seat whose score has grown, by how much); (None, 0) unless exactly one has."""
    gains = [0, 0] if after is None else [after[0] - before[0], after[1] - before[1]]
    grown = [seat for seat in (0, 1) if gains[seat] > 0]
    return (grown[0], gains[grown[0]]) if len(grown) == 1 else (None, 0)


def _resigned(winner: int, points: int, cube: int) -> Outcome:
    """A game given up for `points`, the cube included.

    Points may be capped to what the match needs, so up to the cube means single, up to twice the cube gammon, and above
    it backgammon (as GNU Backgammon reads them); more than three cubes cannot be and tells nothing.
    """
    if points > 3 * cube:
        return Outcome(winner, 0, RESIGNED, f"{points} points with the cube at {cube} cannot be won")
    return Outcome(winner, -(-points // cube), RESIGNED)
