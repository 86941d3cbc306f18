"""The candidates of every roll in order of what they are worth, the play that was made always among the deepest judged.

Axis legend: R rolls of a game.

The search thins out the candidates; a play that it had left out is judged again at full depth, so that a loss never
compares two depths. With rollouts, what the search has judged at full depth and the play that was made are rolled out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from backgammon.analysis.logged_rolls import GameRolls
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.outcome import equities
from backgammon.rules.board import Board
from backgammon.rules.decision import Decision
from backgammon.search import (
    Analysis,
    RankedCandidate,
    RolloutEstimate,
    Searcher,
    Workshop,
    rank_candidates,
    rank_rolled,
    roll_out_candidates,
)
from backgammon.tools.arrays import Int64s

BATCH = 64
"""Decisions that are searched together, so that progress can be shown."""

Progress = Callable[[int, int], None]
"""Called with the decisions judged so far and those to judge in all."""

Ranking = tuple[RankedCandidate, ...]


class PlayJudge:
    """Judges candidates by search, and by rollouts where a workshop is given."""

    def __init__(self, searcher: Searcher, workshop: Workshop | None = None) -> None:
        """Set up.

        Args:
            searcher: depth and filter; its evaluator alone judges where there is no choice.
            workshop: rolls out; None for the search alone.
        """
        self._searcher = searcher
        self._workshop = workshop

    @property
    def name(self) -> str:
        """The engine, its depth, and the rollouts."""
        return self._searcher.name + ("" if self._workshop is None else f", {self._workshop.settings.title}")

    @property
    def evaluator(self) -> Evaluator:
        """The engine without look-ahead."""
        return self._searcher.evaluator

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
        dice = np.array([decision.roll], dtype=np.int8)
        analysis = self._searcher.analyse(decision.position.board[None].copy(), dice)
        lists = [rank_candidates(analysis, 0)]
        if decision.chosen is not None:
            lists = self._deepen_chosen(analysis, lists, [decision.chosen])
        return _by_equity(lists[0]) if self._workshop is None else self._roll_out(analysis, lists, self._workshop)[0]

    def _rank_forced(self, game: GameRolls, rows: Int64s, found: list[Ranking]) -> None:
        """Rolls without a choice: the evaluator alone says what the position is worth."""
        _, outcomes = self.evaluator.play_best(game.decisions.boards[rows], game.decisions.dice[rows])
        values = equities(outcomes)
        for place, row in enumerate(rows.tolist()):
            found[row] = (RankedCandidate(0, float(values[place]), outcomes[place], ply=0, margin=0.0),)

    def _rank_open(self, game: GameRolls, rows: Int64s, found: list[Ranking]) -> None:
        """Rolls with a choice."""
        analysis = self._searcher.analyse(game.decisions.boards[rows], game.decisions.dice[rows])
        lists = [rank_candidates(analysis, place) for place in range(len(rows))]
        lists = self._deepen_chosen(analysis, lists, game.decisions.chosen_rows[rows].tolist())
        if self._workshop is None:
            ranked = [_by_equity(one) for one in lists]
        else:
            ranked = self._roll_out(analysis, lists, self._workshop)
        for one, row in zip(ranked, rows.tolist(), strict=True):
            found[row] = one

    def _deepen_chosen(
        self, analysis: Analysis, lists: list[list[RankedCandidate]], chosen_rows: list[int]
    ) -> list[list[RankedCandidate]]:
        """The lists with the plays that were made at full depth, whatever the filter thought of them."""
        chosen = [next(one for one in ranked if one.row == row) for ranked, row in zip(lists, chosen_rows, strict=True)]
        shallow = [place for place, one in enumerate(chosen) if one.ply < lists[place][0].ply]
        if not shallow:
            return lists
        outcomes = self._searcher.outcomes(np.stack([_after(analysis, place, chosen[place].row) for place in shallow]))
        values = equities(outcomes)
        for i, place in enumerate(shallow):
            ply = lists[place][0].ply
            deeper = replace(chosen[place], equity=float(values[i]), outcomes=outcomes[i], ply=ply)
            lists[place] = [deeper if one.row == deeper.row else one for one in lists[place]]
        return lists

    def _roll_out(self, analysis: Analysis, lists: list[list[RankedCandidate]], workshop: Workshop) -> list[Ranking]:
        """The lists with their deepest judged candidates rolled out."""
        deepest = [_by_equity([one for one in ranked if one.ply == ranked[0].ply]) for ranked in lists]
        boards = [
            np.stack([_after(analysis, place, one.row) for one in candidates])
            for place, candidates in enumerate(deepest)
        ]
        estimates = roll_out_candidates(boards, workshop)
        return [
            _by_rollout(ranked, candidates, found)
            for ranked, candidates, found in zip(lists, deepest, estimates, strict=True)
        ]


def _after(analysis: Analysis, place: int, row: int) -> Board:
    """int8[26] after a candidate of a decision."""
    after: Board = analysis.decisions.candidates[int(analysis.decisions.offsets[place]) + row]
    return after


def _by_equity(candidates: list[RankedCandidate]) -> Ranking:
    """The deepest judged first, then by equity, which is what a loss is counted in; a net's choice may differ."""
    ranked = sorted(candidates, key=lambda one: (-one.ply, -one.equity))
    return tuple(replace(one, margin=ranked[0].equity - one.equity) for one in ranked)


def _by_rollout(every: list[RankedCandidate], rolled: Ranking, estimates: list[RolloutEstimate]) -> Ranking:
    """Those rolled out first, then the others by equity."""
    rows = {one.row for one in rolled}
    others = _by_equity([one for one in every if one.row not in rows]) if len(rolled) < len(every) else ()
    return tuple(rank_rolled(rolled, estimates, others))


def _batches(rows: Int64s) -> list[Int64s]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
