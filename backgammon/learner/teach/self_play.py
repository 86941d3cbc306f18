"""Games of a player against itself, some plays of which may be random, in units that anybody may play.

Axis legend: D decisions of all games.

A game is a function of (player, shares of random plays, seed, its number): nothing depends on how the games are cut
into units, on who plays them, or on how often the work was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from backgammon.learner.data.decision_shards import Origin, write_decisions
from backgammon.learner.data.shards import Shards
from backgammon.learner.teach.teacher import PackedTeacher, find_teacher
from backgammon.notation import format_play
from backgammon.records import DecisionSet, Format, GameRecord, MatchRecord, ResultAction, RollAction, writable_format
from backgammon.rules.decisions import Decisions
from backgammon.table.noisy_games import play_noisy_games, points_of_choosers
from backgammon.tools.arrays import Int8s, Int64s
from backgammon.tools.errors import ConfigError, DataError
from backgammon.tools.jobs.delivery import Delivery
from backgammon.tools.jobs.message import pack_message, unpack_columns, unpack_message
from backgammon.tools.jobs.result_store import ResultStore
from backgammon.tools.jobs.unit_run import Progress, do_units
from backgammon.tools.jobs.work_unit import WorkUnit, name_of, unit_of
from backgammon.tools.jobs.workers import Workers
from backgammon.tools.packed import PACKED_SUFFIXES, packed_as_named
from backgammon.tools.storage import replace_file

TASK_VERSION = 1
GAMES_OF_UNIT = {0: 512, 1: 64, 2: 8, 3: 1}
"""By plies of the player: a few seconds."""
_COLUMNS = {
    "boards": ("int8", (26,)),
    "dice": ("int8", (2,)),
    "chosen": ("int16", ()),
    "played": ("int16", ()),
    "games": ("int64", ()),
    "seats": ("int8", ()),
    "points": ("int8", ()),
    "winnings": ("int8", ()),
}
"""What the result of a unit holds."""
_DAMAGED = "do not hold the games that they stand for; delete their folder and run again"


@dataclass(frozen=True)
class GamesPlan:
    """Which games.

    Attributes:
        games: how many.
        noise: shares of random plays, taken in turn game by game.
        seed: of dice and random plays.

    Raises:
        ConfigError: a number out of range.
    """

    games: int
    noise: tuple[float, ...] = (0.0,)
    seed: int = 1

    def __post_init__(self) -> None:
        if self.games < 1 or self.seed < 0:
            raise ConfigError(
                f"{self.games} games with seed {self.seed}: give at least 1 game and a seed of at least 0"
            )
        if not self.noise or not all(0 <= share <= 1 for share in self.noise):
            raise ConfigError(f"random {', '.join(map(str, self.noise))}: give shares of the plays from 0 to 1")


class PlayedGames(NamedTuple):
    """Every turn of some games, game after game, dances and forced plays among them.

    Attributes:
        decisions: D of them; chosen is what the player prefers, unit the number of the game.
        played: int64[D], rows of the plays that were made.
        seats: int8[D], who plays.
        points: int8[D], what the player on roll won in the end; 0 where another play than the preferred one was made.
        winnings: int8[G], points of seat 0 by game.
    """

    decisions: Decisions
    played: Int64s
    seats: Int8s
    points: Int8s
    winnings: Int8s


def game_units(player: PackedTeacher, plan: GamesPlan) -> Iterator[WorkUnit]:
    """The units of the games, in order."""
    size = GAMES_OF_UNIT[player.plies]
    for first in range(0, plan.games, size):
        count = min(size, plan.games - first)
        told = {"player": player.values, "noise": plan.noise, "seed": plan.seed, "first": first, "count": count}
        yield unit_of(play_unit, TASK_VERSION, pack_message(told), count)


def play_unit(message: bytes) -> bytes:
    """A task: some games from the start to the end."""
    told, _ = unpack_message(message)
    player = find_teacher(told["player"])
    numbers = range(told["first"], told["first"] + told["count"])
    turns = list(
        play_noisy_games(
            lambda decisions: player.choose(decisions.boards, decisions.dice), numbers, told["noise"], told["seed"]
        )
    )
    games = np.concatenate([turn.decisions.unit for turn in turns])
    order = np.argsort(games, kind="stable")  # turns stand one after the other; now game after game
    won = np.zeros(len(numbers), dtype=np.int8)
    for turn in turns:
        over = turn.decisions.unit[turn.is_over] - numbers.start
        won[over] = np.where(turn.seats == 0, turn.points, -turn.points)[turn.is_over]

    def column(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate(parts)[order]

    arrays: Mapping[str, npt.NDArray[Any]] = {
        "boards": column([turn.decisions.boards for turn in turns]),
        "dice": column([turn.decisions.dice for turn in turns]),
        "chosen": column([turn.decisions.chosen_rows for turn in turns]).astype(np.int16),
        "played": column([turn.played for turn in turns]).astype(np.int16),
        "games": games[order],
        "seats": column([turn.seats for turn in turns]),
        "points": column(points_of_choosers(turns)),
        "winnings": won,
    }
    return pack_message({}, arrays)


def play_games(
    player: PackedTeacher,
    plan: GamesPlan,
    workers: Workers | None = None,
    store: ResultStore | None = None,
    progress: Progress | None = None,
) -> PlayedGames:
    """The games, played or found.

    Args:
        player: plays both sides.
        plan: which games.
        workers: None for the calling thread.
        store: keeps the units until the caller has put the games where they belong; None keeps nothing.
        progress: called for each unit with its games.
    """
    results = do_units(game_units(player, plan), workers, store, player.contents, progress)
    parts = [unpack_columns(result, _COLUMNS)[1] for result in results]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if {len(column) for name, column in columns.items() if name != "winnings"} != {len(columns["boards"])}:
        raise DataError(f"kept units of self-play {_DAMAGED}")
    decisions = Decisions.make(columns["boards"], columns["dice"], columns["chosen"], columns["games"])
    played = columns["played"].astype(np.int64)
    found = PlayedGames(decisions, played, columns["seats"], columns["points"], columns["winnings"])
    _check_games(found, plan)
    return found


def _check_games(found: PlayedGames, plan: GamesPlan) -> None:
    """Refuse what no games can be: a unit that was kept may have a right checksum and no sense.

    Raises:
        DataError: it is no record of the games of the plan.
    """
    unit, winnings = found.decisions.unit, np.abs(found.winnings.astype(np.int64))
    is_whole = np.array_equal(np.unique(unit), np.arange(plan.games)) and bool((np.diff(unit) >= 0).all())
    is_sane = (
        ((found.played >= 0) & (found.played < found.decisions.counts)).all()
        and np.isin(found.seats, (0, 1)).all()
        and (np.abs(found.points.astype(np.int64)) <= 3).all()
        and ((winnings >= 1) & (winnings <= 3)).all()
    )
    if not (is_whole and is_sane and len(winnings) == plan.games):
        raise DataError(f"kept units of self-play {_DAMAGED}")


def write_game_shards(
    found: PlayedGames, player: PackedTeacher, plan: GamesPlan, out: Path, only_forced: bool = False
) -> Shards:
    """All decisions of the games as shards; `chosen` is what the player prefers.

    Forced plays and dances are kept, for what they say about the outcomes.

    Args:
        found: the games.
        player: who played them.
        plan: which games they are.
        out: folder to create.
        only_forced: keep the decisions with one candidate and no others, to go with logs, whose shards leave them out.

    Raises:
        DataError: `out` exists or cannot be written.
    """
    units = [f"self-play {plan.seed}/{game}" for game in range(plan.games)]
    names = [player.name] * len(found.decisions)
    decisions = DecisionSet(found.decisions, units, names, found.points)
    if only_forced:
        decisions = decisions.take(found.decisions.is_forced)
    report = {"games": plan.games, "random": list(plan.noise), "seed": plan.seed, "player": player.values}
    return write_decisions(decisions, out, Origin(report=report), keeps_forced=True)


def play_into_shards(
    player: PackedTeacher,
    plan: GamesPlan,
    out: Path,
    workers: Workers | None = None,
    progress: Progress | None = None,
    only_forced: bool = False,
) -> None:
    """Play games into a new folder of shards; goes on where it was interrupted.

    Args:
        player: plays both sides.
        plan: which games.
        out: folder to create.
        workers: None for the calling thread.
        progress: called for each unit with its games.
        only_forced: see `write_game_shards`.

    Raises:
        DataError: `out` exists.
    """
    delivery = Delivery(out, name_of({"player": player.values, "plan": asdict(plan), "only_forced": only_forced}))
    if not delivery.is_done:
        found = play_games(player, plan, workers, delivery.store, progress)
        draft = delivery.draft
        write_game_shards(found, player, plan, draft, only_forced)
        delivery.finish(draft)


def play_into_log(
    player: PackedTeacher,
    plan: GamesPlan,
    out: Path,
    workers: Workers | None = None,
    progress: Progress | None = None,
) -> None:
    """Play games into a new log, in the format of its name, packed if that ends in .xz or .gz; see `play_into_shards`.

    Raises:
        RecordError: no log is written under such a name.
        DataError: `out` exists.
    """
    write = log_format(out).write
    assert write is not None
    delivery = Delivery(out, name_of({"player": player.values, "plan": asdict(plan)}))
    if not delivery.is_done:
        found = play_games(player, plan, workers, delivery.store, progress)
        draft = delivery.draft
        replace_file(draft, packed_as_named(out, write(match_of_games(found, player, plan)).encode()))
        delivery.finish(draft)


def log_format(path: PurePath) -> Format:
    """The format of a log by its name, behind which .xz or .gz may stand.

    Raises:
        RecordError: no log is written under such a name.
    """
    return writable_format(path.with_suffix("") if path.suffix in PACKED_SUFFIXES else path)


def match_of_games(found: PlayedGames, player: PackedTeacher, plan: GamesPlan) -> MatchRecord:
    """The games as they were played, random plays among them, as a session for money without the cube."""
    names = (f"{player.name} A", f"{player.name} B")
    bounds = [*np.flatnonzero(np.diff(found.decisions.unit, prepend=-1)).tolist(), len(found.decisions)]
    games, scores = [], (0, 0)
    for number, (first, last) in enumerate(pairwise(bounds)):
        actions: list[RollAction | ResultAction] = []
        for index in range(first, last):
            decision = found.decisions.one(index)
            play = format_play(decision.play_of(int(found.played[index])))
            actions.append(RollAction(int(found.seats[index]), (decision.roll.high, decision.roll.low), play))
        won = int(found.winnings[number])
        winner = 0 if won > 0 else 1
        actions.append(ResultAction(winner, abs(won)))
        games.append(GameRecord(number + 1, names, scores, tuple(actions)))
        scores = (scores[0] + max(won, 0), scores[1] + max(-won, 0))
    random = "" if plan.noise == (0.0,) else f", random plays {' '.join(map(str, plan.noise))}"
    event = ("Event", f"{player.name} self-play, cubeless money, seed {plan.seed}{random}")
    return MatchRecord(0, tuple(games), headers=(event,))
