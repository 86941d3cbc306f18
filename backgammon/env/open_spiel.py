"""OpenSpiel's numbers for backgammon actions, both ways. OpenSpiel itself is not needed.

An OpenSpiel action is one checker for each of two dice (a double is played as two actions, two checkers each):

    action = first + 26 * second (+ 676 if the first checker moves by the smaller die)

first and second are the sources of the two moves in the order they are made: 0..23 a point, 24 the bar, 25 none.
OpenSpiel numbers points absolutely: player 0 (X) moves up from 0 to 23 and player 1 (O) down, so source p (1..24, as
everywhere here) is 24 - p for player 0 and p - 1 for player 1. After OpenSpiel 2.0, `games/backgammon`.
"""

from __future__ import annotations

from collections.abc import Sequence

from backgammon.rules.board import BAR, Board
from backgammon.rules.decision import Move, apply_move, single_moves
from backgammon.rules.dice import Roll
from backgammon.tools.errors import GameError, IllegalPlay

NUM_ACTIONS = 1352
_ORDER = 676
_BASE = 26
_BAR_DIGIT, _NO_MOVE = 24, 25


def decode(action: int, player: int, board: Board, roll: Roll) -> tuple[Move, ...]:
    """The moves of an action, at most two, in the order they are made.

    Args:
        action: 0..1351.
        player: OpenSpiel's number of the player on roll, 0 (X) or 1 (O).
        board: int8[26] of the player on roll, before the action.
        roll: larger die first.

    Raises:
        GameError: not an action, or not a player.
        IllegalPlay: a move of it cannot be made on that board.
    """
    _check_player(player)
    if not 0 <= action < NUM_ACTIONS:
        raise GameError(f"OpenSpiel action {action}: give 0 to {NUM_ACTIONS - 1}")
    is_low_first, rest = divmod(int(action), _ORDER)
    dice = (roll.low, roll.high) if is_low_first else (roll.high, roll.low)
    moves: list[Move] = []
    for digit, die in zip((rest % _BASE, rest // _BASE), dice, strict=True):
        if digit == _NO_MOVE:
            continue
        source = BAR if digit == _BAR_DIGIT else 24 - digit if player == 0 else digit + 1
        move = next((m for m in single_moves(board, die) if m.source == source), None)
        if move is None:
            raise IllegalPlay(f"OpenSpiel action {action}: no {die} can be played from {source}")
        moves.append(move)
        board = apply_move(board, move)
    return tuple(moves)


def encode(moves: Sequence[Move], player: int, roll: Roll, board: Board) -> int:
    """The number of an action, from at most two moves in the order they are made.

    Args:
        moves: a play, or half of a double.
        player: OpenSpiel's number of the player on roll, 0 (X) or 1 (O).
        roll: larger die first.
        board: int8[26] of the player on roll, before the moves; it tells which die bore a checker off.

    Raises:
        GameError: more than two moves, or not a player.
        IllegalPlay: these moves cannot be made with the roll in this order.
    """
    _check_player(player)
    if len(moves) > 2:
        raise GameError(f"{len(moves)} moves: an OpenSpiel action has two at most; halve a double")
    digits = [_NO_MOVE, _NO_MOVE]
    for k, move in enumerate(moves):
        digits[k] = _BAR_DIGIT if move.source == BAR else 24 - move.source if player == 0 else move.source - 1
    number = digits[0] + _BASE * digits[1]
    orders = [(roll.high, roll.low), (roll.low, roll.high)]
    if not moves:
        return number + _ORDER
    for is_low_first, dice in enumerate(orders):
        if _fits(moves, dice, board):
            return number + _ORDER * is_low_first
    raise IllegalPlay(f"{' '.join(f'{m.source}/{m.target}' for m in moves)} cannot be played with {roll}")


def _fits(moves: Sequence[Move], dice: Sequence[int], board: Board) -> bool:
    """True when the moves can be made with the first dice of `dice`, in this order."""
    for move, die in zip(moves, dice, strict=False):
        if move not in single_moves(board, die):
            return False
        board = apply_move(board, move)
    return True


def _check_player(player: int) -> None:
    if player not in (0, 1):
        raise GameError(f"OpenSpiel player {player!r}: give 0 (X) or 1 (O)")
