"""Training data on disk: the unforced decisions of many logs as memory-mapped arrays, and the split by match.

D decisions. What a folder holds, and how it is kept whole, is the matter of `shard_format`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from backgammon.learner.data.shard_checks import check_arrays
from backgammon.learner.data.shard_format import (
    FIELDS,
    FORMAT_VERSION,
    LABELS,
    Manifest,
    fingerprint_of,
    open_array,
    read_manifest,
    write_folder,
)
from backgammon.rules import ragged
from backgammon.rules.decisions import Decisions
from backgammon.rules.phase import phase_codes
from backgammon.tools.arrays import Boards, Dice, Float32s, Int8s, Int32s, Int64s, Offsets, Uint16s
from backgammon.tools.errors import DataError, IllegalPlay
from comparison_net.training.choice_source import split_units


class PlayedGame(Protocol):
    """What is read of a game (`backgammon.records.ReplayedGame`): T plays, dances left out, forced plays in."""

    @property
    def unit(self) -> str: ...  # noqa: D102 - id of the match, or of the game where games are independent
    @property
    def file(self) -> str: ...  # noqa: D102
    @property
    def players(self) -> tuple[str, str]: ...  # noqa: D102 - by seat
    @property
    def plays(self) -> Decisions: ...  # noqa: D102 - T of them
    @property
    def seats(self) -> Int8s: ...  # noqa: D102 - int8[T], 0 or 1: who plays
    @property
    def points(self) -> int: ...  # noqa: D102 - +-1, 2, 3 for seat 0; 0 unknown
    @property
    def winner(self) -> int | None: ...  # noqa: D102 - seat


class ReadingReport(Protocol):
    """What the reading of the logs has to say at its end."""

    def to_dict(self) -> dict[str, Any]:
        """Counts of files, matches, games, plays, duplicates and reasons for what was skipped."""


class PlayedGames(Protocol):
    """A source of games (`backgammon.records.LogReading`); matches that occur twice are dropped by the source."""

    def __iter__(self) -> Iterator[PlayedGame]: ...

    @property
    def report(self) -> ReadingReport: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Shards:
    """Opened training data; the arrays are read-only maps of the files, described in `FIELDS`."""

    path: Path
    manifest: Manifest
    boards: Boards
    dice: Dice
    chosen: Int32s
    counts: Int32s
    points: Int8s
    won: Int8s
    unit: Int32s
    game: Int32s
    player: Int32s
    phase: Int8s
    equities: Float32s | None = None
    outcomes: Uint16s | None = None

    def __len__(self) -> int:
        """Number of decisions, D."""
        return len(self.boards)

    @cached_property
    def offsets(self) -> Offsets:
        """int64[D + 1]: the candidates of decision d are the rows offsets[d] to offsets[d + 1] of the labels."""
        return ragged.offsets_of(self.counts)

    def decisions(self, rows: Int64s) -> Decisions:
        """The decisions in `rows`, int64[B], with their candidates, made again.

        Raises:
            DataError: the move generator does not find the candidates that the shards were built with.
        """
        try:
            decisions = Decisions.make(self.boards[rows], self.dice[rows], self.chosen[rows], self.unit[rows])
            is_same = np.array_equal(decisions.counts, self.counts[rows])
        except IllegalPlay:
            is_same = False
        if not is_same:
            raise DataError(
                f"{self.path}: candidates differ from those the shards were built with; build the shards again"
            )
        return decisions

    def places(self, rows: Int64s) -> Int64s:
        """Rows of the labels that belong to the candidates of decisions int64[B], one decision after the other."""
        return ragged.take(self.offsets, rows)[0]

    def split(self, held_out: float, seed: int = 0) -> tuple[Int64s, Int64s]:
        """Rows to train on and rows held out, whole units only.

        A unit is held out when the hash of (seed, its id) falls below `held_out`, so adding logs never moves a unit
        to the other side. Two units or more are never all on one side unless held_out is 0.

        Args:
            held_out: share of the units kept out, 0 to 0.9.
            seed: another number, another split.

        Returns:
            int64 rows to train on, int64 rows held out; each ascending.
        """
        ranks = np.array([_unit_rank(name, seed) for name in self.manifest.units])
        return split_units(ranks, self.unit.astype(np.int64), held_out)


def _unit_rank(unit: str, seed: int) -> float:
    """A number in 0..1 fixed by the unit's id and the seed."""
    digest = hashlib.sha256(f"{seed}\0{unit}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


class _Index:
    """Names in order of appearance, each with its number."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        return self.numbers.setdefault(name, len(self.numbers))

    def names(self) -> tuple[str, ...]:
        return tuple(self.numbers)


@dataclass
class _Collector:
    """Gathers the decisions of game after game."""

    units: _Index = field(default_factory=_Index)
    players: _Index = field(default_factory=_Index)
    sources: _Index = field(default_factory=_Index)
    games: int = 0
    forced: int = 0
    parts: dict[str, list[npt.NDArray[Any]]] = field(default_factory=lambda: {name: [] for name in FIELDS})

    def add(self, game: PlayedGame) -> None:
        is_free = ~game.plays.is_forced
        plays = game.plays.take(is_free)
        seats = np.asarray(game.seats)[is_free]
        self.sources.number(game.file)
        self.forced += int((~is_free).sum())
        sides = 1 - 2 * seats.astype(np.int8)  # +1 for seat 0
        winner = 0 if game.winner is None else 1 - 2 * game.winner
        columns: dict[str, npt.NDArray[Any]] = {
            "boards": plays.boards,
            "dice": plays.dice,
            "chosen": plays.chosen_rows,
            "counts": plays.counts,
            "points": sides * game.points,
            "won": sides * winner,
            "unit": np.full(len(seats), self.units.number(game.unit)),
            "game": np.full(len(seats), self.games),
            "player": np.array([self.players.number(name) for name in game.players])[seats],
            "phase": phase_codes(plays.boards),
        }
        for name, values in columns.items():
            self.parts[name].append(values.astype(FIELDS[name][0]))
        self.games += 1

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            name: np.concatenate([np.empty((0, *shape), dtype), *self.parts[name]])
            for name, (dtype, shape) in FIELDS.items()
        }


def build_shards(logs: PlayedGames, out: Path) -> Shards:
    """Write the unforced decisions of all games into a new folder and open it.

    Args:
        logs: the games; read once, in order.
        out: folder to create; its parent is created too.

    Raises:
        DataError: `out` exists, cannot be written, or the logs hold no unforced decision.
    """
    if out.exists():
        raise DataError(f"{out}: exists already; give another folder or remove it")
    collector = _Collector()
    for game in logs:
        collector.add(game)
    arrays = collector.arrays()
    if not len(arrays["boards"]):
        raise DataError(
            f"the logs hold no decision to learn from ({collector.games} games, {collector.forced} forced plays)"
        )
    manifest = Manifest(
        decisions=len(arrays["boards"]),
        games=collector.games,
        forced=collector.forced,
        units=collector.units.names(),
        players=collector.players.names(),
        sources=collector.sources.names(),
        report=json.loads(json.dumps(logs.report.to_dict())),
    )
    return write_shards(out, manifest, arrays)


def write_shards(out: Path, manifest: Manifest, arrays: Mapping[str, npt.NDArray[Any]]) -> Shards:
    """Write a folder from arrays that fit together, whole or not at all, and open it.

    Args:
        out: folder to create; its parent is created too.
        manifest: its fingerprint and format version are set here.
        arrays: by name of FIELDS and of `manifest.labels`; each is asked for twice, so they may be made when asked for.

    Raises:
        DataError: `out` exists or cannot be written.
    """
    if out.exists():
        raise DataError(f"{out}: exists already; give another folder or remove it")
    manifest = dataclasses.replace(manifest, format_version=FORMAT_VERSION if manifest.labels else 1)
    manifest = dataclasses.replace(manifest, fingerprint=fingerprint_of(manifest, arrays))
    try:
        write_folder(out, manifest, arrays)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror or error})") from error
    return open_shards(out)


def open_shards(path: Path, verify: bool = True) -> Shards:
    """Map the arrays of a shards folder.

    Args:
        path: the folder.
        verify: compare the fingerprint, a second for each gigabyte; who opens what it has just verified need not. That
            the values can be used is checked in any case.

    Raises:
        DataError: no shards folder, another version or candidate order, truncated or altered files.
    """
    manifest = read_manifest(path)
    arrays = {name: open_array(path, name, FIELDS[name], manifest.decisions) for name in FIELDS}
    arrays |= {name: open_array(path, name, LABELS[name], manifest.candidates) for name in manifest.labels}
    if verify and fingerprint_of(manifest, arrays) != manifest.fingerprint:
        raise DataError(f"{path}: contents do not match their fingerprint, a file was altered; build the shards again")
    check_arrays(path, manifest, arrays)
    return Shards(path=path, manifest=manifest, **arrays)
