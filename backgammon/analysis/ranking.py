"""The candidates of every roll in order of what they are worth, the play that was made always among the deepest judged.

Axis legend: R rolls of a game.

A loss never compares two depths: `Ranker` judges the play that was made as deeply as the best. With rollouts, what the
search has judged at full depth and the play that was made are rolled out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from backgammon.analysis.logged_rolls import GameRolls
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import equities
from backgammon.rules.decision import Decision
from backgammon.search import RankedCandidate, Ranker
from backgammon.tools.arrays import Int64s

BATCH = 64
"""Decisions that are searched together, so that progress can be shown."""

Progress = Callable[[int, int], None]
"""Called with the decisions judged so far and those to judge in all."""

Ranking = tuple[RankedCandidate, ...]


class PlayJudge:
    """Judges what was played in whole games."""

    def __init__(self, ranker: Ranker) -> None:
        """Hand in who ranks candidates; its evaluator alone judges where there is no choice."""
        self._ranker = ranker

    @property
    def name(self) -> str:
        """The engine, its depth, and the rollouts."""
        rollout = self._ranker.rollout
        return self._ranker.searcher.name + ("" if rollout is None else f", {rollout.title}")

    @property
    def evaluator(self) -> Evaluator:
        """The engine without look-ahead."""
        return self._ranker.evaluator

    def rank(self, games: Sequence[GameRolls], progress: Progress | None = None) -> list[list[Ranking]]:
        """For each game the candidates of each roll, best first.

        Args:
            games: rolls.
            progress: see `Progress`.
        """
        is_open = [~game.decisions.is_forced for game in games]
        total = int(sum(mask.sum() for mask in is_open))
        ranked: list[list[Ranking]] = []
        done = 0
        for game, mask in zip(games, is_open, strict=True):
            found: list[Ranking] = [()] * len(game)
            for rows in _batches(np.flatnonzero(~mask)):
                self._rank_forced(game, rows, found)
            for rows in _batches(np.flatnonzero(mask)):
                self._rank_open(game, rows, found)
                done += len(rows)
                if progress is not None:
                    progress(done, total)
            ranked.append(found)
        return ranked

    def rank_decision(self, decision: Decision) -> Ranking:
        """The candidates of one decision, best first; the chosen one, where there is one, at full depth."""
        return tuple(self._ranker.rank_one(decision, by_equity=True))

    def _rank_forced(self, game: GameRolls, rows: Int64s, found: list[Ranking]) -> None:
        """Rolls without a choice: the evaluator alone says what the position is worth."""
        _, outcomes = self.evaluator.play_best(game.decisions.boards[rows], game.decisions.dice[rows])
        values = equities(outcomes)
        for place, row in enumerate(rows.tolist()):
            found[row] = (RankedCandidate(0, float(values[place]), outcomes[place], ply=0, margin=0.0),)

    def _rank_open(self, game: GameRolls, rows: Int64s, found: list[Ranking]) -> None:
        """Rolls with a choice."""
        ranked = self._ranker.rank(game.decisions.take(rows), by_equity=True)
        for one, row in zip(ranked, rows.tolist(), strict=True):
            found[row] = tuple(one)


def _batches(rows: Int64s) -> list[Int64s]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
