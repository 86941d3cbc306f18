"""Who plays against the person, and who judges: engines by level and depth, each built once.

A weaker level errs in its plays only; its cube is the engine's, and so is the tutor's judgement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backgammon.analysis.ranking import MatchJudge, PlayJudge, StakesJudge
from backgammon.analysis.tutor import Tutor
from backgammon.cube.stakes import Stakes
from backgammon.engine.at_stakes import StakesEngine
from backgammon.evaluation.player import Player
from backgammon.evaluation.strengths import FULL
from backgammon.rules.board import START, Position
from backgammon.rules.decision import Decision
from backgammon.search import Ranker
from backgammon.table.cube_seat import CubeSeat


@dataclass(frozen=True)
class Makers:
    """Where engines come from.

    Attributes:
        player: for a level, plies and a seed.
        ranker: for so many plies; judges what was played without a cube.
        at_stakes: the same with score and cube; turns the cube, plays matches, hints and teaches.
    """

    player: Callable[[str, int, int], Player]
    ranker: Callable[[int], Ranker]
    at_stakes: Callable[[int], StakesEngine]


class EngineDesk:
    """Engines, built when they are first asked for; for one thread at a time."""

    def __init__(self, makers: Makers) -> None:
        """Keep the makers."""
        self._makers = makers
        self._players: dict[tuple[str, int, int], Player] = {}
        self._judges: dict[int, MatchJudge] = {}
        self._at_stakes: dict[int, StakesEngine] = {}

    def seat(self, level: str, plies: int, seed: int) -> CubeSeat:
        """Who sits opposite the person; the seed tells one player of a level from another."""
        key = level, plies, (0 if level == FULL else seed)
        if key not in self._players:
            self._players[key] = self._makers.player(*key)
        engine = self.at_stakes(plies)
        return CubeSeat(self._players[key], engine, engine if level == FULL else None)

    def judge(self, plies: int) -> MatchJudge:
        """Who judges matches at a depth."""
        if plies not in self._judges:
            self._judges[plies] = StakesJudge(self.at_stakes(plies), PlayJudge(self._makers.ranker(plies)))
        return self._judges[plies]

    def at_stakes(self, plies: int) -> StakesEngine:
        """Who judges decisions of a game in play at a depth."""
        if plies not in self._at_stakes:
            self._at_stakes[plies] = self._makers.at_stakes(plies)
        return self._at_stakes[plies]

    def tutor(self, plies: int) -> Tutor:
        """Who looks over the person's shoulder."""
        return Tutor(self.at_stakes(plies))

    def warm_up(self) -> None:
        """One question of each kind, so that kernels are compiled before somebody waits for them."""
        engine = self.at_stakes(1)
        engine.rank_plays(Decision.make(Position.start(), (3, 1)), Stakes())
        engine.decide_cube(START, Stakes())
