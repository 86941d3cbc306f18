"""Players: whatever chooses a candidate for every decision of a batch.

Axis legend: N decisions, M candidates of all N decisions together (rows offsets[i] to offsets[i + 1] are decision i).

A player answers with rows in the canonical order of `legal_candidates`. Chance is handed in as `noise`, one random
64-bit number for each decision, and not as one generator for the batch: so a choice depends on its own decision only,
and a game has the same course whether it is played alone or among ten thousand others.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from backgammon.rules import ragged
from backgammon.rules.board import NUM_CHECKERS, checkers_off, pip_counts
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Dice, Int64s, Uint64s
from backgammon.tools.errors import GameError

Noise = Uint64s
"""uint64[N]: one uniformly random number for each decision."""


class Player(Protocol):
    """Anything that chooses candidates."""

    @property
    def name(self) -> str:
        """What reports and records call the player."""

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:
        """The chosen row of each decision's candidates.

        Args:
            boards: int8[N, 26], the player on roll; games that are not over.
            dice: int8[N, 2], 1..6.
            noise: uint64[N], the player's only source of chance.

        Returns:
            int64[N], each at least 0 and below the number of candidates.
        """


def ask_player(player: Player, boards: Boards, dice: Dice, noise: Noise) -> Int64s:
    """The rows that a player chooses, int64[N]; whether they exist is not checked. Arguments as in `Player.choose`.

    Raises:
        GameError: not one whole number for each decision.
    """
    rows = np.asarray(player.choose(boards, dice, noise))
    if rows.shape != (len(boards),) or rows.dtype.kind not in "iu":
        raise GameError(f"player {player.name} must give {len(boards)} whole numbers, one row for each decision")
    return rows.astype(np.int64)


def check_rows(player: Player, rows: Int64s, counts: Int64s) -> None:
    """Refuse rows, int64[N], that are not below the number of candidates of their decisions, int64[N].

    Raises:
        GameError: a row that does not exist.
    """
    wrong = np.flatnonzero((rows < 0) | (rows >= counts))
    if len(wrong):
        at = wrong[0]
        raise GameError(f"player {player.name} chose candidate {rows[at]}: this roll has {counts[at]}, counted from 0")


class RandomPlayer:
    """Chooses every candidate with the same probability."""

    name = "random"

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:
        """See `Player.choose`."""
        _, offsets = legal_candidates(boards, dice)
        fractions = (noise >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return (fractions * np.diff(offsets)).astype(np.int64)


class PipCountPlayer:
    """Races and hits: the baseline of somebody who has learnt to count pips, and nothing else.

    In this order it maximises, after its play,
        1. the lead in pips (the opponent's minus its own): it hits whenever it can, the most advanced checker first;
        2. its checkers borne off;
        3. the number of its points (two or more checkers) minus the number of its blots.
    What is still equal is decided by the canonical order. It uses no noise.
    """

    name = "pipcount"

    def choose(self, boards: Boards, dice: Dice, noise: Noise) -> Int64s:  # noqa: ARG002 - part of the protocol
        """See `Player.choose`."""
        candidates, offsets = legal_candidates(boards, dice)
        own_pips, opponent_pips = pip_counts(candidates)
        shape = (candidates >= 2).sum(axis=1) - (candidates == 1).sum(axis=1)  # -15..7
        merit = (opponent_pips - own_pips) * (NUM_CHECKERS + 1) + checkers_off(candidates)[0]
        return ragged.best(merit * 32 + shape, offsets)
