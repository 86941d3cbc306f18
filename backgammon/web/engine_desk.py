"""Who plays against the person, and who judges: engines by level and depth, each built once.

The tutor judges at the score and cube of the game (`engine.at_stakes`), cubeful, and so does the engine at full
strength. A weaker level errs in its plays only; its cube is the engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from backgammon.analysis.difference import describe_difference
from backgammon.analysis.ranking import PlayJudge
from backgammon.analysis.scales import XG_MARKS, find_mark
from backgammon.analysis.stakes_table import verdict_fields
from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.stakes import Stakes
from backgammon.engine.at_stakes import PlayAtStakes, StakesEngine
from backgammon.evaluation.player import Player
from backgammon.rules.board import Position
from backgammon.rules.decision import Decision
from backgammon.search import Searcher
from backgammon.table.session import Session
from backgammon.web.wire import candidate_view

MAX_PLIES = 3
FULL = "full"
"""The level without errors of its own."""

LEAST_LOSS = 0.02
"""Equity from which on the tutor speaks up, where the person has not said otherwise: XG's threshold of an error."""


@dataclass(frozen=True)
class Makers:
    """Where engines come from.

    Attributes:
        player: for a level and a seed.
        searcher: for so many plies; judges what was played.
        at_stakes: the same with score and cube; plays, hints and teaches.
    """

    player: Callable[[str, int], Player]
    searcher: Callable[[int], Searcher]
    at_stakes: Callable[[int], StakesEngine]


@dataclass(frozen=True)
class PlayVerdict:
    """What the tutor says about a play.

    Attributes:
        loss: equity that it gives up, 0 or more.
        ranked: every candidate, best first.
        decision: with the play that was chosen.
    """

    loss: float
    ranked: Sequence[PlayAtStakes]
    decision: Decision

    def as_dict(self) -> dict[str, Any]:
        """For the page: the loss, its mark, the best play and the one that was made, and what differs."""
        best = self.ranked[0]
        chosen = next(one for one in self.ranked if one.row == self.decision.chosen)
        return {
            "kind": "play",
            "loss": round(self.loss, 5),
            "mark": mark_of(self.loss),
            "row": chosen.row,
            "best": candidate_view(self.decision, best),
            "played": candidate_view(self.decision, chosen),
            "difference": describe_difference(self.decision, best.row, chosen.row) if self.loss > 0 else "",
        }


def mark_of(loss: float) -> str | None:
    """XG's word for a loss, None below all of them."""
    mark = find_mark(loss, XG_MARKS)
    return mark.name if mark else None


class EngineDesk:
    """Engines, built when they are first asked for; for one thread at a time."""

    def __init__(self, makers: Makers) -> None:
        """Keep the makers."""
        self._makers = makers
        self._players: dict[tuple[str, int], Player] = {}
        self._judges: dict[int, PlayJudge] = {}
        self._at_stakes: dict[int, StakesEngine] = {}

    def player(self, level: str, seed: int) -> Player:
        """Who plays, cubeless, at a level."""
        key = level, (0 if level == FULL else seed)
        if key not in self._players:
            self._players[key] = self._makers.player(*key)
        return self._players[key]

    def judge(self, plies: int) -> PlayJudge:
        """Who judges matches at a depth."""
        if plies not in self._judges:
            self._judges[plies] = PlayJudge(self._makers.searcher(plies))
        return self._judges[plies]

    def at_stakes(self, plies: int) -> StakesEngine:
        """Who judges decisions of a game in play at a depth."""
        if plies not in self._at_stakes:
            self._at_stakes[plies] = self._makers.at_stakes(plies)
        return self._at_stakes[plies]

    # What the engine does

    def choose_play(self, session: Session, level: str, plies: int) -> int:
        """The row that the engine plays."""
        if level != FULL:
            return session.ask(self.player(level, session.seed))
        decision = session.decision()
        return 0 if decision.is_forced else self.at_stakes(plies).rank_plays(decision, session.stakes)[0].row

    def judge_cube(self, session: Session, plies: int) -> CubeVerdict:
        """The cube decision before the roll, or the double that waits for an answer."""
        return self.at_stakes(plies).decide_cube(session.state.position.board, session.stakes)

    # What the tutor says

    def rank(self, decision: Decision, stakes: Stakes, plies: int) -> list[PlayAtStakes]:
        """The candidates of a decision, best first."""
        return self.at_stakes(plies).rank_plays(decision, stakes)

    def judge_play(self, decision: Decision, row: int, stakes: Stakes, plies: int) -> PlayVerdict:
        """What a play gives up."""
        chosen = decision.choose(row)
        ranked = self.rank(chosen, stakes, plies)
        margin = next(one.margin for one in ranked if one.row == row)
        return PlayVerdict(max(0.0, margin), ranked, chosen)

    def cube_fields(self, verdict: CubeVerdict, plies: int) -> dict[str, Any]:
        """A cube decision for the page."""
        return verdict_fields(verdict, self.at_stakes(plies).valuation(verdict.stakes))

    def warm_up(self) -> None:
        """One question of each kind, so that kernels are compiled before somebody waits for them."""
        decision = Decision.make(Position.start(), (3, 1))
        self.judge_play(decision, 0, Stakes(), 1)
        self.at_stakes(1).decide_cube(decision.position.board, Stakes())
