"""What a gate may know of a board: its phase, its finer plan, and a few cheap numbers; a function of the board alone.

M positions, C gate features. Boards are CANDIDATES, as they stand in a decision: seen by the player who has just
moved, who is "own" here. So `phase.phase_code` is asked about the candidate itself, unswapped; nothing is read from the
position before the play, and a candidate has the same code whatever its rivals are.

The plans split the phase "other", which holds most decisions and most of the loss, after what each side is doing:
attack, back game, prime, holding game. Codes 0..5 are those of `phase.PHASES`; first match counts among the others.
"""

from __future__ import annotations

import numpy as np

from backgammon.learner.inputs.head_names import HEAD_NAMES
from backgammon.rules.board import Board
from backgammon.rules.phase import OTHER, PHASES, phase_code
from backgammon.tools.arrays import Boards, Float32s, Int64s
from backgammon.tools.jit import kernel
from comparison_net.network_config import BY_PAIR, MERGED, SPLIT, SPLIT_GATE, NetworkConfig

PLANS: tuple[str, ...] = (
    *PHASES,
    "attack",
    "attacked",
    "back game",
    "opponent back game",
    "prime",
    "opponent prime",
    "holding",
    "opponent holding",
)
"""Names by code: an opponent's checker on the bar; an own one; two anchors or more in the other home board; four
blocked points in a row in front of a checker; one anchor on the other side of the board while no checker of the other
side is left in one's own home board. "other" is what remains: both sides still have checkers back."""

SPLITS: dict[str, tuple[str, ...]] = {"phase": PHASES, "plan": PLANS}

GATE_FEATURES: tuple[str, ...] = (
    *PLANS,
    "own pips",
    "opponent pips",
    "pip lead",
    "contact",
    "own checkers back",
    "opponent checkers back",
    "own checkers home",
    "opponent checkers home",
    "own checkers off",
    "opponent checkers off",
    "own bar",
    "opponent bar",
    "own home points",
    "opponent home points",
)
"""Inputs of a learned gate: the plan as fourteen units, then numbers between about -1 and 1."""

_ATTACK, _ATTACKED, _BACK_GAME, _OPPONENT_BACK_GAME, _PRIME, _OPPONENT_PRIME, _HOLDING, _OPPONENT_HOLDING = range(6, 14)


@kernel
def plan_code(board: Board) -> int:
    """Code (index into PLANS) of one candidate, int8[26]."""
    phase = phase_code(board)
    if phase != OTHER:
        return phase
    if board[0] < 0:
        return _ATTACK
    if board[25] > 0:
        return _ATTACKED
    own_anchors = opponent_anchors = 0
    for i in range(1, 7):
        own_anchors += board[25 - i] >= 2
        opponent_anchors += board[i] <= -2
    if own_anchors >= 2:
        return _BACK_GAME
    if opponent_anchors >= 2:
        return _OPPONENT_BACK_GAME
    opponent_rear = 0
    while board[opponent_rear] >= 0:
        opponent_rear += 1
    own_rear = 25
    while board[own_rear] <= 0:
        own_rear -= 1
    own_run = opponent_run = 0
    is_prime = is_opponent_prime = False
    for i in range(1, 25):
        own_run = own_run + 1 if board[i] >= 2 else 0
        opponent_run = opponent_run + 1 if board[25 - i] <= -2 else 0
        # the fourth point in a row, with a checker behind all four of them
        is_prime = is_prime or (own_run >= 4 and opponent_rear < i - 3)
        is_opponent_prime = is_opponent_prime or (opponent_run >= 4 and own_rear > 25 - i + 3)
    if is_prime:
        return _PRIME
    if is_opponent_prime:
        return _OPPONENT_PRIME
    has_anchor = has_opponent_anchor = False
    for i in range(1, 8):
        has_anchor = has_anchor or board[25 - i] >= 2
        has_opponent_anchor = has_opponent_anchor or board[i] <= -2
    if has_anchor and opponent_rear > 6:
        return _HOLDING
    if has_opponent_anchor and own_rear < 19:
        return _OPPONENT_HOLDING
    return OTHER


@kernel
def _fill_codes(boards: Boards, is_plan: bool, codes: Int64s) -> None:
    for m in range(boards.shape[0]):
        codes[m] = plan_code(boards[m]) if is_plan else phase_code(boards[m])


@kernel
def _fill_features(boards: Boards, features: Float32s) -> None:
    for m in range(boards.shape[0]):
        board = boards[m]
        row = features[m]
        row[:] = np.float32(0.0)
        row[plan_code(board)] = np.float32(1.0)
        for side in range(2):
            pips = back = home = left = points = rear = 0
            for distance in range(1, 26):
                count = int(board[distance]) if side == 0 else -int(board[25 - distance])
                if count > 0:
                    pips += count * distance
                    left += count
                    rear = distance
                    if distance <= 6:
                        home += count
                        points += count >= 2
                    if distance >= 19:
                        back += count
            row[14 + side] = pips / 167.0
            row[16] += (1 - 2 * side) * pips / 167.0
            row[17] += rear / 25.0
            row[18 + side] = back / 5.0
            row[20 + side] = home / 15.0
            row[22 + side] = (15 - left) / 15.0
            row[24 + side] = (board[25] if side == 0 else -board[0]) / 2.0
            row[26 + side] = points / 6.0
        row[17] -= 1.0


def expert_codes(boards: Boards, split: str) -> Int64s:
    """Codes int64[M] of candidates int8[M, 26], indices into SPLITS[split].

    >>> from backgammon.rules.board import START
    >>> expert_codes(START[None], "plan").tolist()
    [4]
    """
    codes = np.empty(len(boards), dtype=np.int64)
    _fill_codes(np.require(boards, np.int8, ["C", "W"]), split == "plan", codes)
    return codes


def gate_features(boards: Boards) -> Float32s:
    """Gate features float32[M, C] of candidates int8[M, 26], named by GATE_FEATURES."""
    features = np.empty((len(boards), len(GATE_FEATURES)), dtype=np.float32)
    _fill_features(np.require(boards, np.int8, ["C", "W"]), features)
    return features


def expert_names(config: NetworkConfig) -> tuple[str, ...]:
    """What reports call the experts of a net."""
    if config.head in (HEAD_NAMES[SPLIT], HEAD_NAMES[SPLIT_GATE], HEAD_NAMES[MERGED]):
        parts = SPLITS[config.split]
        if config.route_by == BY_PAIR:
            return tuple(f"{before} to {after}" for before in parts for after in parts)
        return parts
    return tuple(f"expert {number + 1}" for number in range(1 if config.head == "dense" else config.experts))
