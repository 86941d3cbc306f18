"""What every roll, every play and every decision about the cube of a match was worth, by an engine.

Equities are those of the player who moves: cubeful EMG at the score and cube, or cubeless money points from a judge
that knows neither (`MatchJudge.is_cubeful`). A loss compares the play with the best one at the same depth, see
`ranking`; after a rollout it counts only what is beyond its interval, see `RankedCandidate.loss`. Luck is that of
`search.luck`.
"""

from __future__ import annotations

from dataclasses import dataclass

from backgammon.analysis.cube_spots import JudgedCube
from backgammon.analysis.logged_rolls import USUAL_CUBE, CubeEvent, CubeUse, GameRolls, collect_rolls, cube_use
from backgammon.analysis.ranking import Lucks, MatchJudge, Progress
from backgammon.cube.met import default_table
from backgammon.notation.identifier import IdentifiedPosition
from backgammon.records.record.annotation import Notes
from backgammon.records.record.record import GameRecord, MatchRecord, ResultAction
from backgammon.records.replay.replay import ReplayedGame, ReplayedMatch
from backgammon.rules.decision import Decision
from backgammon.rules.match import MatchScore
from backgammon.search import RankedCandidate


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
        mwc_luck: luck as chances to win the match; 0 in money play and without a score.
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
    mwc_luck: float = 0.0

    @property
    def mwc_loss(self) -> float:
        """Chances to win the match that the play gave up; 0 in money play and without a score."""
        best, chosen = self.ranked[0].mwc, self.chosen.mwc
        return 0.0 if best is None or chosen is None else max(0.0, best - chosen)

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
        cubes: every decision about the cube, in order; empty where the cube was not judged.
        mwc: chances of seat 0 to win the match before and after the game; None in money play, without a score, and
            where the result is not known.
    """

    number: int
    score: MatchScore
    rolls: tuple[JudgedRoll, ...]
    events: tuple[CubeEvent, ...]
    points: int | None
    ending: str
    problem: str
    cubes: tuple[JudgedCube, ...] = ()
    mwc: tuple[float, float] | None = None

    @property
    def net_mwc_luck(self) -> float:
        """Luck of seat 0 minus that of seat 1, as chances to win the match."""
        return sum((1 if roll.seat == 0 else -1) * roll.mwc_luck for roll in self.rolls)

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
        is_cubeful: judged at the score and with the cube.
        rules: how the cube is used.
    """

    players: tuple[str, str]
    length: int
    file: str
    engine: str
    games: tuple[JudgedGame, ...]
    is_cubeful: bool = False
    rules: CubeUse = USUAL_CUBE

    @property
    def cubes(self) -> list[JudgedCube]:
        """Every decision about the cube of every game."""
        return [cube for game in self.games for cube in game.cubes]

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
    record: MatchRecord, replayed: ReplayedMatch, judge: MatchJudge, progress: Progress | None = None
) -> JudgedMatch:
    """Judge every roll of a match, and what was done with the cube where the judge knows it.

    Args:
        record: as read.
        replayed: the same, replayed.
        judge: of plays, luck and cube.
        progress: see `Progress`.

    Raises:
        StakesError: the log tells of a score or cube that cannot be, to a judge that needs them.
    """
    rules = cube_use(record)
    judge = judge.suited(rules.has_cube)
    games = [collect_rolls(one, other, rules) for one, other in zip(record.games, replayed.games, strict=True)]
    judged = []
    parts = zip(record.games, games, replayed.games, judge.rank(games, progress), strict=True)
    for number, (written, game, other, found) in enumerate(parts, start=1):
        lucks = judge.measure_luck(game)
        rolls = tuple(_make_roll(number, index, game, one, lucks) for index, one in enumerate(found))
        points = _points_of(written, game, other)
        problem = other.problem.reason if other.problem else ""
        cubes = tuple(judge.judge_cubes(game, number))
        mwc = game_chances(other.score, points) if judge.is_cubeful and points is not None else None
        one = JudgedGame(number, other.score, rolls, game.events, points, other.ending, problem, cubes, mwc)
        judged.append(one)
    length = 0 if record.is_unlimited else record.length
    games_judged = tuple(judged)
    return JudgedMatch(record.full_names, length, record.file, judge.name, games_judged, judge.is_cubeful, rules)


def game_chances(score: MatchScore, points: int) -> tuple[float, float] | None:
    """Chances of seat 0 to win the match before and after a game that gave it so many points; None in money play."""
    if score.is_money or score.is_over:
        return None
    table = default_table()
    away = score.away(0), score.away(1)
    before = table.chance(away, score.is_past_crawford)
    left = max(0, away[0] - max(points, 0)), max(0, away[1] - max(-points, 0))
    after = table.next_game(away, score.is_crawford or 1 in away)[left]
    return before, float(after)


def _make_roll(
    game_number: int, index: int, game: GameRolls, ranked: tuple[RankedCandidate, ...], lucks: Lucks
) -> JudgedRoll:
    decision = game.decisions.one(index)
    chosen = next(one for one in ranked if one.row == decision.chosen)
    return JudgedRoll(
        game_number,
        index,
        int(game.seats[index]),
        decision,
        ranked,
        chosen.loss if not decision.is_forced else 0.0,
        float(lucks.equities[index]),
        int(game.cubes[index]),
        game.identify(index),
        game.notes_of(index),
        float(lucks.mwc[index]),
    )


def _points_of(written: GameRecord, game: GameRolls, replayed: ReplayedGame) -> int | None:
    """Points of seat 0 with the cube: as the play gives them, else as the record says."""
    if replayed.winner is None:
        return None
    cube = game.events[-1].cube if game.events else int(game.cubes[-1]) if len(game) else 1
    points = (replayed.size or int(replayed.ending == "drop")) * cube
    if not points:
        points = next((action.points or 0 for action in written.actions if isinstance(action, ResultAction)), 0)
    return None if not points else points if replayed.winner == 0 else -points
