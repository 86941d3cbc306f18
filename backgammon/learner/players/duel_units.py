"""Duels in units of pairs of games: whoever plays them, in whatever pieces, the result is that of `table.duel`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass

from backgammon.cube.stakes import Stakes
from backgammon.learner.net.packed_model import PackedEngine, find_engine
from backgammon.learner.players.packed_player import PackedPlayer, find_cube_seat, find_player
from backgammon.table.cube_duel import CubeDuelResult, CubePart, play_cube_pairs, sum_cube_duel
from backgammon.table.cube_games import CubeCount
from backgammon.table.duel import (
    CHECKED_PAIRS,
    DuelPart,
    DuelResult,
    blocks_of_pairs,
    check_duel,
    play_pairs,
    sum_duel,
    take_parts,
)
from backgammon.tools.jobs.message import pack_message, unpack_columns, unpack_message
from backgammon.tools.jobs.unit_run import Progress, do_units
from backgammon.tools.jobs.work_unit import WorkUnit, unit_of
from backgammon.tools.jobs.workers import Workers
from backgammon.tools.sprt import Sprt

TASK_VERSION = 1
PAIRS_OF_UNIT = (250, 25, 5, 1)
"""By plies of the deeper player, or of a measure of luck, which looks at every roll: some seconds. Each divides
CHECKED_PAIRS, so that a sequential test looks at the same numbers of pairs as at one table."""
CUBE_PAIRS_OF_UNIT = (20, 5, 1, 1)
"""The same with the cube, which takes several times as long."""
_COUNTS = ("doubles", "takes", "drops", "beavers")


@dataclass(frozen=True)
class DuelPlan:
    """What two players are to play.

    Attributes:
        games: or matches, an even number.
        seed: of the dice.
        stakes: length and rules of the cube; None for games without one.
        sprt: see `duel.DuelChecks`.

    Raises:
        ConfigError: a number of games or a seed that cannot be used.
    """

    games: int
    seed: int
    stakes: Stakes | None = None
    sprt: Sprt | None = None

    def __post_init__(self) -> None:
        check_duel(self.games, self.seed)

    @property
    def pairs(self) -> int:
        """Pairs with the same dice."""
        return self.games // 2


def duel_on_workers(
    players: tuple[PackedPlayer, PackedPlayer],
    plan: DuelPlan,
    workers: Workers | None = None,
    luck: PackedEngine | None = None,
    progress: Progress | None = None,
) -> DuelResult | CubeDuelResult:
    """The result of a duel, the same as at one table.

    Args:
        players: whose points are counted, and the opponent; packed with the cube where the plan has one.
        plan: what they play.
        workers: None for the calling thread.
        luck: an engine that measures luck; None for not.
        progress: called for each unit with its games.
    """
    started = time.perf_counter()
    packed = (*players, *(() if luck is None else (luck,)))
    contents = {digest: content for one in packed for digest, content in one.contents.items()}
    names = (players[0].name, players[1].name)
    with closing(do_units(duel_units(players, plan, luck), workers, None, contents, progress)) as results:
        if plan.stakes is None:
            parts, verdict = take_parts(map(_duel_part, results), plan.pairs, plan.sprt)
            seconds = time.perf_counter() - started
            return sum_duel(names, plan.seed, parts, luck is not None, verdict, seconds)
        cube_parts, verdict = take_parts(map(_cube_part, results), plan.pairs, plan.sprt)
        seconds = time.perf_counter() - started
        return sum_cube_duel(names, plan.seed, plan.stakes, cube_parts, luck is not None, verdict, seconds)


def duel_units(
    players: tuple[PackedPlayer, PackedPlayer], plan: DuelPlan, luck: PackedEngine | None
) -> Iterator[WorkUnit]:
    """The units of a duel, in order."""
    plies = max(players[0].plies, players[1].plies, 0 if luck is None else 1)
    size = (PAIRS_OF_UNIT if plan.stakes is None else CUBE_PAIRS_OF_UNIT)[plies]
    told = {
        "players": [one.values for one in players],
        "luck": None if luck is None else luck.values,
        "stakes": None if plan.stakes is None else asdict(plan.stakes),
        "seed": plan.seed,
    }
    assert CHECKED_PAIRS % size == 0
    for pairs in blocks_of_pairs(plan.pairs, size):
        message = pack_message({**told, "pairs": [pairs.start, pairs.stop]})
        yield unit_of(play_unit, TASK_VERSION, message, 2 * len(pairs))


def play_unit(message: bytes) -> bytes:
    """A task: some pairs of games or matches from the start to the end."""
    told, _ = unpack_message(message)
    pairs, luck = range(*told["pairs"]), told["luck"]
    first, second = told["players"]
    if told["stakes"] is None:
        judge = None if luck is None else find_engine(luck).searcher
        part = play_pairs((find_player(first), find_player(second)), pairs, told["seed"], judge)
        return pack_message({"plies": part.plies}, {"points": part.points, "adjusted": part.adjusted})
    stakes_judge = None if luck is None else find_engine(luck).plays
    seats = (find_cube_seat(first), find_cube_seat(second))
    cubed = play_cube_pairs(seats, pairs, told["seed"], Stakes.of(told["stakes"]), stakes_judge)
    values = {
        "plies": cubed.plies,
        "games": cubed.games,
        "count": {name: getattr(cubed.count, name) for name in _COUNTS},
    }
    return pack_message(values, {"points": cubed.results, "adjusted": cubed.adjusted})


def _duel_part(result: bytes) -> DuelPart:
    """The part in the result of a unit."""
    values, arrays = unpack_columns(result, {"points": ("int8", (2,)), "adjusted": ("float64", (2,))})
    return DuelPart(arrays["points"], arrays["adjusted"], int(values["plies"]))


def _cube_part(result: bytes) -> CubePart:
    """The same with the cube."""
    values, arrays = unpack_columns(result, {"points": ("float64", (2,)), "adjusted": ("float64", (2,))})
    count = CubeCount(**{name: list(values["count"][name]) for name in _COUNTS})
    return CubePart(arrays["points"], arrays["adjusted"], int(values["games"]), int(values["plies"]), count)
