"""The slow twin of `engine.stakes_rollout.play_out`: one game after the other, one decision after the other."""

from __future__ import annotations

import numpy as np

from backgammon.cube.stakes import Stakes
from backgammon.engine.at_stakes import StakesEngine
from backgammon.rules.board import Board, Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.dice import ROLL_PROBABILITIES, ROLLS, make_roll
from backgammon.search.rollout import GameDice, RolloutSettings


def play_one(
    player: StakesEngine, after: Board, stakes: Stakes, game: int, settings: RolloutSettings, may_double: bool
) -> float:
    """Native value of the player who rolls next, per unit of the cube at the start in money play."""
    board, turn, luck = swap(after), 0, 0.0
    start = stakes.cube
    while True:
        if stakes.may_double and (turn or may_double):
            verdict = player.decide_cube(board, stakes)
            if verdict.is_double and verdict.is_beaver:
                stakes = stakes.beavered()
            elif verdict.is_double and verdict.is_take:
                stakes = stakes.doubled()
            elif verdict.is_double:
                return _seen(player.valuation(stakes).won_and_lost[0], stakes, start, turn) - luck
        roll = make_roll(*GameDice(settings.seed).throw(np.array([game]), turn)[0].tolist())
        if settings.luck_turns is None or turn < settings.luck_turns:
            values = [_best(player, board, one, stakes)[1] for one in ROLLS]
            average = float(np.dot(ROLL_PROBABILITIES, values))
            gained = values[ROLLS.index(roll)] - average
            sign = 1 if turn % 2 == 0 else -1
            luck += sign * gained * (1.0 if stakes.is_match else stakes.cube / start)
        chosen, value = _best(player, board, roll, stakes)
        turn += 1
        if Position(chosen).points_won:
            outcomes = np.zeros((1, 6), dtype=np.float32)
            outcomes[0, Position(chosen).points_won - 1] = 1
            value = float(player.valuation(stakes).cubeless(outcomes)[0])
        elif turn != settings.horizon:
            board, stakes = swap(chosen), stakes.swapped()
            continue
        return _seen(value, stakes, start, turn - 1) - luck


def _best(player: StakesEngine, board: Board, roll: tuple[int, int], stakes: Stakes) -> tuple[Board, float]:
    """The position after the best play and its native value."""
    decision = Decision.make(Position(board), make_roll(*roll))
    best = player.rank_plays(decision, stakes)[0]
    return decision.candidates[best.row], float(player.valuation(stakes).native(best.equity))


def _seen(value: float, stakes: Stakes, start: int, turn: int) -> float:
    """A native value of the player on roll at a turn as the first roller sees it."""
    if stakes.is_match:
        return value if turn % 2 == 0 else 1 - value
    return (1 if turn % 2 == 0 else -1) * value * stakes.cube / start
