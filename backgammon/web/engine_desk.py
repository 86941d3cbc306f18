"""Who plays against the person, and who judges: engines by level and depth, each built once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backgammon.analysis.difference import describe_difference
from backgammon.analysis.ranking import PlayJudge, Ranking
from backgammon.analysis.scales import XG_MARKS, find_mark
from backgammon.evaluation.player import Player
from backgammon.rules.board import Position
from backgammon.rules.decision import Decision
from backgammon.search import Searcher
from backgammon.web.wire import candidate_view

MAX_PLIES = 3
SHOWN_CANDIDATES = 12
"""Of a hint; what is behind them is of no interest."""

LEAST_LOSS = 0.02
"""Equity from which on the tutor speaks up, where the person has not said otherwise: XG's threshold of an error."""

PlayerMaker = Callable[[str, int, int], Player]
"""Gives a player for a level, plies and a seed."""
SearcherMaker = Callable[[int], Searcher]
"""Gives the search that looks so many plies ahead."""


@dataclass(frozen=True)
class Verdict:
    """What the tutor says about a play.

    Attributes:
        loss: equity that it gives up, 0 or more.
        ranked: every candidate, best first.
        decision: with the play that was chosen.
    """

    loss: float
    ranked: Ranking
    decision: Decision

    def as_dict(self) -> dict[str, Any]:
        """For the page: the loss, its mark, the best play and the one that was made, and what differs."""
        best = self.ranked[0]
        chosen = next(one for one in self.ranked if one.row == self.decision.chosen)
        mark = find_mark(self.loss, XG_MARKS)
        assert self.decision.chosen is not None, "a verdict is about a play"
        return {
            "loss": round(self.loss, 5),
            "mark": mark.name if mark else None,
            "best": candidate_view(self.decision, best),
            "played": candidate_view(self.decision, chosen),
            "difference": describe_difference(self.decision, best.row, chosen.row) if self.loss > 0 else "",
        }


class EngineDesk:
    """Engines, built when they are first asked for; for one thread at a time."""

    def __init__(self, make_player: PlayerMaker, make_searcher: SearcherMaker) -> None:
        """Keep the two makers."""
        self._make_player = make_player
        self._make_searcher = make_searcher
        self._players: dict[tuple[str, int, int], Player] = {}
        self._judges: dict[int, PlayJudge] = {}

    def player(self, level: str, plies: int, seed: int) -> Player:
        """Who plays at a level (`full` looks `plies` ahead)."""
        key = (level, plies, 0 if level == "full" else seed)
        if key not in self._players:
            self._players[key] = self._make_player(*key)
        return self._players[key]

    def judge(self, plies: int) -> PlayJudge:
        """Who judges at a depth."""
        if plies not in self._judges:
            self._judges[plies] = PlayJudge(self._make_searcher(plies))
        return self._judges[plies]

    def rank(self, decision: Decision, plies: int) -> Ranking:
        """The candidates of a decision, best first."""
        return self.judge(plies).rank_decision(decision)

    def judge_play(self, decision: Decision, row: int, plies: int) -> Verdict:
        """What a play gives up."""
        chosen = decision.choose(row)
        ranked = self.rank(chosen, plies)
        equity = next(one.equity for one in ranked if one.row == row)
        return Verdict(max(0.0, float(ranked[0].equity - equity)), ranked, chosen)

    def warm_up(self) -> None:
        """One question, so that kernels are compiled before somebody waits for them."""
        decision = Decision.make(Position.start(), (3, 1))
        self.judge_play(decision, 0, 1)
