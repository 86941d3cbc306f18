"""What every roll and every play of a match was worth, by an engine.

Axis legend: R rolls of a game.

Equities are cubeless money points of the player who moves. A loss compares the play with the best one at the same
depth, see `ranking`; after a rollout it counts only what is beyond its interval, see `RankedCandidate.loss`. Luck is
that of `search.luck`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backgammon.analysis.logged_rolls import CubeEvent, GameRolls, collect_rolls
from backgammon.analysis.ranking import PlayJudge, Progress
from backgammon.evaluation.evaluator import Evaluator
from backgammon.notation.identifier import IdentifiedPosition
from backgammon.notation.match_id import MatchId
from backgammon.records.record.annotation import Notes
from backgammon.records.record.record import GameRecord, MatchRecord, ResultAction
from backgammon.records.replay.replay import ReplayedGame, ReplayedMatch
from backgammon.rules.decision import Decision
from backgammon.rules.match import MatchScore
from backgammon.search import RankedCandidate
from backgammon.search.luck import roll_luck
from backgammon.tools.arrays import Float64s


@dataclass(frozen=True, eq=False)
class JudgedRoll:
    """A roll, what was played, and what it was worth.

    Attributes:
        game: counted from 1 in the match.
        roll: rolls of the game before this one.
        seat: who rolled.
        decision: with the row that was played.
        ranked: every candidate, best first.
        loss: equity given up by the play, 0 or more; 0 where there was no choice.
        luck: equity that the roll was worth more than the average one.
        cube: its value, by which points are multiplied.
        identifier: position with dice, cube and score.
        notes: what another program wrote about the roll in the file that was read.
    """

    game: int
    roll: int
    seat: int
    decision: Decision
    ranked: tuple[RankedCandidate, ...]
    loss: float
    luck: float
    cube: int
    identifier: IdentifiedPosition
    notes: Notes | None = None

    @property
    def is_counted(self) -> bool:
        """True when there was a choice."""
        return not self.decision.is_forced

    @property
    def chosen(self) -> RankedCandidate:
        """The candidate that was played."""
        return next(one for one in self.ranked if one.row == self.decision.chosen)

    @property
    def is_best(self) -> bool:
        """True when the best candidate was played."""
        return self.ranked[0].row == self.decision.chosen


@dataclass(frozen=True, eq=False)
class JudgedGame:
    """A game.

    Attributes:
        number: counted from 1 in the match.
        score: before the game.
        rolls: in order, as far as the record can be followed.
        events: what was done with the cube.
        points: what seat 0 won (lost: negative), with the cube; None when the record does not tell.
        ending: "borne off", "drop", "resigned" or "unknown".
        problem: why the rest of the game is missing, "" when nothing is.
    """

    number: int
    score: MatchScore
    rolls: tuple[JudgedRoll, ...]
    events: tuple[CubeEvent, ...]
    points: int | None
    ending: str
    problem: str

    @property
    def net_luck(self) -> float:
        """Luck of seat 0 minus that of seat 1, in points, each roll times the cube."""
        return sum((1 if roll.seat == 0 else -1) * roll.luck * roll.cube for roll in self.rolls)


@dataclass(frozen=True, eq=False)
class JudgedMatch:
    """A match or a money session.

    Attributes:
        players: names by seat.
        length: points that win it, 0 for money play.
        file: where it was read.
        engine: name of the engine that judged, with its depth.
        games: in order.
    """

    players: tuple[str, str]
    length: int
    file: str
    engine: str
    games: tuple[JudgedGame, ...]

    @property
    def rolls(self) -> list[JudgedRoll]:
        """Every roll of every game."""
        return [roll for game in self.games for roll in game.rolls]

    @property
    def points(self) -> tuple[int, int]:
        """Points that each seat won in the games whose result is known."""
        won = [game.points for game in self.games if game.points is not None]
        return sum(p for p in won if p > 0), -sum(p for p in won if p < 0)


def judge_match(
    record: MatchRecord, replayed: ReplayedMatch, judge: PlayJudge, progress: Progress | None = None
) -> JudgedMatch:
    """Judge every roll of a match.

    Args:
        record: as read.
        replayed: the same, replayed.
        judge: of the candidates; its evaluator alone measures luck.
        progress: see `Progress`.
    """
    games = [collect_rolls(one, other) for one, other in zip(record.games, replayed.games, strict=True)]
    ranked = judge.rank(games, progress)
    lucks = [measure_luck(game, judge.evaluator) for game in games]
    judged = []
    parts = zip(record.games, games, replayed.games, ranked, lucks, strict=True)
    for number, (written, game, other, found, luck) in enumerate(parts, start=1):
        rolls = tuple(
            _make_roll(number, index, game, other.score, one, float(luck[index])) for index, one in enumerate(found)
        )
        points = _points_of(written, game, other)
        problem = other.problem.reason if other.problem else ""
        judged.append(JudgedGame(number, other.score, rolls, game.events, points, other.ending, problem))
    return JudgedMatch(record.full_names, record.length, record.file, judge.name, tuple(judged))


def measure_luck(game: GameRolls, evaluator: Evaluator) -> Float64s:
    """Luck float64[R] of each roll for the player who threw it, cubeless points; see `search.luck`."""
    is_opening = np.zeros(len(game), dtype=np.bool_)
    is_opening[:1] = game.has_opening
    return roll_luck(evaluator, game.decisions.boards, game.decisions.dice, is_opening)


def _make_roll(
    game_number: int, index: int, game: GameRolls, score: MatchScore, ranked: tuple[RankedCandidate, ...], luck: float
) -> JudgedRoll:
    seat, decision = int(game.seats[index]), game.decisions.one(index)
    chosen = next(one for one in ranked if one.row == decision.chosen)
    match = MatchId(
        cube=int(game.cubes[index]),
        cube_owner=int(game.owners[index]),
        on_roll=seat,
        turn=seat,
        crawford=score.is_crawford,
        dice=decision.roll,
        length=score.length,
        scores=score.points,
    )
    loss = chosen.loss
    identifier = IdentifiedPosition(decision.position, match)
    notes = game.notes[index] if game.notes else None
    return JudgedRoll(game_number, index, seat, decision, ranked, loss, luck, match.cube, identifier, notes)


def _points_of(written: GameRecord, game: GameRolls, replayed: ReplayedGame) -> int | None:
    """Points of seat 0 with the cube: as the play gives them, else as the record says."""
    if replayed.winner is None:
        return None
    cube = game.events[-1].cube if game.events else int(game.cubes[-1]) if len(game) else 1
    points = (replayed.size or int(replayed.ending == "drop")) * cube
    if not points:
        points = next((action.points or 0 for action in written.actions if isinstance(action, ResultAction)), 0)
    return None if not points else points if replayed.winner == 0 else -points
