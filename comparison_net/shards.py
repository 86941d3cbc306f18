"""Training data on disk: the unforced decisions of many logs as memory-mapped arrays, and the split by match.

D decisions. A shards folder holds one .npy file per field of `FIELDS` and manifest.json with the versions, the counts,
the sources, the names behind the indices, and a SHA-256 fingerprint of the data. Candidates are not stored: the
move generator makes them again (tens of millions a second) in the canonical order of `movegen.ORDER_VERSION`, to which
`chosen` refers.

A folder is written under a temporary name and renamed whole, so that an interrupted build leaves nothing that could be
opened.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from backgammon.board import Board
from backgammon.errors import DataError
from backgammon.movegen import ORDER_VERSION
from backgammon.phase import phase_codes

FORMAT = "pairgammon-shards"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
HASH_LIMIT = 100_000_000
"""Bytes up to which `open_shards` verifies the fingerprint every time: about a tenth of a second."""

FIELDS: dict[str, tuple[str, tuple[int, ...]]] = {
    "positions": ("int8", (26,)),  # seen by the player on roll
    "dice": ("int8", (2,)),  # larger first
    "chosen": ("int32", ()),  # row of the played candidate in canonical order
    "num_candidates": ("int32", ()),  # at least 2
    "points": ("int8", ()),  # +-1, 2, 3 won or lost by the player on roll in the end, cube apart; 0 unknown
    "won": ("int8", ()),  # +1 or -1: did the player on roll win the game (by a dropped double too); 0 unknown
    "unit": ("int32", ()),  # index into the manifest's units: what is split
    "game": ("int32", ()),  # number of the game, 0-based over all sources
    "player": ("int32", ()),  # index into the manifest's players
    "phase": ("int8", ()),  # code of backgammon.phase.PHASES
}
"""Every array of a shards folder: dtype and shape of one decision."""


class PlayedGame(Protocol):
    """What is read of a game (`backgammon.records.ReplayedGame`): T plays, dances left out, forced plays in."""

    @property
    def unit(self) -> str: ...  # noqa: D102 - id of the match, or of the game where games are independent
    @property
    def file(self) -> str: ...  # noqa: D102
    @property
    def players(self) -> tuple[str, str]: ...  # noqa: D102 - by seat
    @property
    def boards(self) -> Board: ...  # noqa: D102 - int8[T, 26], player on roll
    @property
    def dice(self) -> Board: ...  # noqa: D102 - int8[T, 2]
    @property
    def chosen_rows(self) -> npt.NDArray[np.int64]: ...  # noqa: D102 - int64[T]
    @property
    def num_candidates(self) -> npt.NDArray[np.int64]: ...  # noqa: D102 - int64[T]
    @property
    def seats(self) -> npt.NDArray[np.int8]: ...  # noqa: D102 - int8[T], 0 or 1: who plays
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


@dataclass(frozen=True)
class Manifest:
    """What a shards folder says about itself."""

    decisions: int
    games: int
    forced: int
    """Plays dropped because there was nothing to choose."""
    units: tuple[str, ...]
    players: tuple[str, ...]
    sources: tuple[str, ...]
    """Names of the files, in the order they were read."""
    report: Mapping[str, Any]
    """The reading's own account: duplicates, skipped plays and why."""
    fingerprint: str = ""
    """SHA-256 over the arrays, the counts and the names; identifies the data wherever it lies."""
    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    order_version: int = ORDER_VERSION


@dataclass(frozen=True, eq=False)
class Shards:
    """Opened training data; the arrays are read-only maps of the files, described in `FIELDS`."""

    path: Path
    manifest: Manifest
    positions: Board
    dice: Board
    chosen: npt.NDArray[np.int32]
    num_candidates: npt.NDArray[np.int32]
    points: npt.NDArray[np.int8]
    won: npt.NDArray[np.int8]
    unit: npt.NDArray[np.int32]
    game: npt.NDArray[np.int32]
    player: npt.NDArray[np.int32]
    phase: npt.NDArray[np.int8]

    def __len__(self) -> int:
        """Number of decisions, D."""
        return len(self.positions)

    def split(self, held_out: float, seed: int = 0) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
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
        is_held_out = ranks < held_out
        if held_out > 0 and len(ranks) > 1:
            is_held_out[ranks.argmin()] = True
            is_held_out[ranks.argmax()] = False
        elif held_out > 0:
            is_held_out[:] = False
        by_decision = is_held_out[self.unit]
        return np.flatnonzero(~by_decision), np.flatnonzero(by_decision)


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
        is_free = np.asarray(game.num_candidates) > 1
        seats = np.asarray(game.seats)[is_free]
        self.sources.number(game.file)
        self.forced += int((~is_free).sum())
        sides = 1 - 2 * seats.astype(np.int8)  # +1 for seat 0
        winner = 0 if game.winner is None else 1 - 2 * game.winner
        boards = np.asarray(game.boards, dtype=np.int8)[is_free]
        columns: dict[str, npt.NDArray[Any]] = {
            "positions": boards,
            "dice": np.asarray(game.dice)[is_free],
            "chosen": np.asarray(game.chosen_rows)[is_free],
            "num_candidates": np.asarray(game.num_candidates)[is_free],
            "points": sides * game.points,
            "won": sides * winner,
            "unit": np.full(len(seats), self.units.number(game.unit)),
            "game": np.full(len(seats), self.games),
            "player": np.array([self.players.number(name) for name in game.players])[seats],
            "phase": phase_codes(boards),
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
    if not len(arrays["positions"]):
        raise DataError(
            f"the logs hold no decision to learn from ({collector.games} games, {collector.forced} forced plays)"
        )
    manifest = Manifest(
        decisions=len(arrays["positions"]),
        games=collector.games,
        forced=collector.forced,
        units=collector.units.names(),
        players=collector.players.names(),
        sources=collector.sources.names(),
        report=json.loads(json.dumps(logs.report.to_dict())),
    )
    manifest = dataclasses.replace(manifest, fingerprint=_fingerprint(manifest, arrays))
    try:
        _write_folder(out, manifest, arrays)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror or error})") from error
    return open_shards(out)


def _write_folder(out: Path, manifest: Manifest, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Everything under a temporary name beside `out`, then one rename."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        for name, array in arrays.items():
            with (partial / f"{name}.npy").open("wb") as file:
                np.save(file, array, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        text = json.dumps(dataclasses.asdict(manifest), indent=1, ensure_ascii=False)
        with (partial / MANIFEST).open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.rename(out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _fingerprint(manifest: Manifest, arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over versions, counts and names, then name, dtype, shape and bytes of every array.

    Paths of the sources are left out: the same logs in another folder are the same data.
    """
    described = dataclasses.asdict(dataclasses.replace(manifest, fingerprint="", sources=(), report={}))
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for name in FIELDS:
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"\0{name} {array.dtype.str} {array.shape}\0".encode())
        digest.update(array.data if array.size else b"")
    return digest.hexdigest()


def open_shards(path: Path, verify: bool | None = None) -> Shards:
    """Map the arrays of a shards folder.

    Args:
        path: the folder.
        verify: read everything and compare the fingerprint; None: when the arrays hold at most HASH_LIMIT bytes.

    Raises:
        DataError: no shards folder, another version or candidate order, truncated or altered files.
    """
    manifest = _read_manifest(path)
    arrays = {name: _open_array(path / f"{name}.npy", name, manifest.decisions) for name in FIELDS}
    if verify is None:
        verify = sum(array.nbytes for array in arrays.values()) <= HASH_LIMIT
    if verify and _fingerprint(manifest, arrays) != manifest.fingerprint:
        raise DataError(f"{path}: contents do not match their fingerprint, a file was altered; build the shards again")
    return Shards(path=path, manifest=manifest, **arrays)


def _read_manifest(path: Path) -> Manifest:
    """The checked manifest of a folder."""
    try:
        values = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{path}: not a shards folder, {MANIFEST} cannot be read ({error.strerror or error})"
        ) from error
    except ValueError as error:
        raise DataError(f"{path / MANIFEST}: damaged ({error}); build the shards again") from error
    names = {item.name for item in dataclasses.fields(Manifest)}
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise DataError(f"{path / MANIFEST}: not the manifest of {FORMAT}")
    if (found := values.get("format_version")) != FORMAT_VERSION:
        raise DataError(f"{path}: format version {found}, this program reads {FORMAT_VERSION}; build the shards again")
    if (found := values.get("order_version")) != ORDER_VERSION:
        raise DataError(f"{path}: candidate order {found}, this program uses {ORDER_VERSION}; build the shards again")
    if set(values) != names or not all(isinstance(values[name], list) for name in ("units", "players", "sources")):
        raise DataError(f"{path / MANIFEST}: damaged, it holds {sorted(values)}; build the shards again")
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return Manifest(**fields)


def _open_array(file: Path, name: str, num_decisions: int) -> npt.NDArray[Any]:
    """A read-only map of one array with the dtype and shape that FIELDS promises."""
    dtype, shape = FIELDS[name]
    try:
        array: npt.NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{file}: missing, truncated or damaged ({error}); build the shards again") from error
    if not isinstance(array, np.ndarray) or array.dtype != np.dtype(dtype) or array.shape != (num_decisions, *shape):
        raise DataError(f"{file}: does not hold {dtype} for {num_decisions} decisions; build the shards again")
    return array
