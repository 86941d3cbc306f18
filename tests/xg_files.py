"""eXtreme Gammon files made by hand: records, and the container around them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

import numpy as np

from backgammon.rules.board import Board, swap
from tests.logs import KnownPlay

RECORD_BYTES = 2_560
RUBBISH = (4, 3, 2)  # what XG leaves behind the end of a list of moves


@dataclass(frozen=True)
class Candidate:
    """An evaluated candidate; values are win, gammon, backgammon (cumulative), lose, ..., equity."""

    after: Board
    level: int = 3
    values: tuple[float, float, float, float, float, float, float] = (0.5, 0.1, 0.01, 0.5, 0.2, 0.02, 0.125)


@dataclass
class XgMatch:
    """The header of a match."""

    length: int = 7
    names: tuple[str, str] = ("Ann", "Bob")
    version: int = 30
    event: str = ""
    crawford: bool = True
    jacoby: bool = False
    variation: int = 0
    date: float = 45_000.5

    def record(self) -> bytes:
        record = bytearray(RECORD_BYTES)
        record[8] = 0
        for offset, name in zip((9, 50), self.names, strict=True):
            text = name.encode("cp1252", errors="replace")[:40]
            record[offset : offset + 1 + len(text)] = bytes((len(text),)) + text
        length = self.length or 99_999
        struct.pack_into("<ii4B", record, 92, length, self.variation, self.crawford, self.jacoby, 0, 0)
        struct.pack_into("<ddiid", record, 104, 1600.0, 0.0, 12, 0, self.date)
        event = self.event.encode("cp1252", errors="replace")[:128]
        record[136 : 137 + len(event)] = bytes((len(event),)) + event
        struct.pack_into("<i", record, 552, self.version)
        record[556:560] = b"DMLI"
        if self.version >= 24:
            for offset, text16 in ((622, self.event), (880, self.names[0]), (1138, self.names[1])):
                encoded = (text16 + "\0rubbish").encode("utf-16-le")[:258]
                record[offset : offset + len(encoded)] = encoded
        return bytes(record)


def game_record(scores: tuple[int, int] = (0, 0), number: int = 1, crawford: bool = False) -> bytes:
    record = bytearray(RECORD_BYTES)
    record[8] = 1
    struct.pack_into("<ii", record, 12, *scores)
    record[20] = crawford
    struct.pack_into("<i", record, 48, number)
    return bytes(record)


def _first_players(board: Board, seat: int) -> bytes:
    """The board of the player on roll as player 1 sees it."""
    return (board if seat == 0 else swap(board)).astype(np.int8).tobytes()


def cube_record(
    board: Board,
    seat: int,
    double: int = 0,
    take: int = -1,
    cube: int = 0,
    values: tuple[float, ...] | None = None,
    comment: int = -1,
) -> bytes:
    """A cube decision; values: seven of the evaluation, then no double, take, drop."""
    record = bytearray(RECORD_BYTES)
    record[8] = 2
    struct.pack_into("<6i", record, 12, 1 if seat == 0 else -1, double, take, -1, -1, cube)
    record[36:62] = _first_players(board, seat)
    if values is not None:
        struct.pack_into("<i", record, 92, 1002)
        struct.pack_into("<10f", record, 124, *values)
    struct.pack_into("<i", record, 292, comment)
    return bytes(record)


def play_record(
    board: Board,
    after: Board,
    seat: int,
    dice: tuple[int, int],
    moves: tuple[int, ...] = (),
    cube: int = 0,
    candidates: tuple[Candidate, ...] = (),
    luck: float = -1000.0,
    comment: int = -1,
) -> bytes:
    """A play; board and after are seen by the mover, moves are XG's own numbers."""
    record = bytearray(RECORD_BYTES)
    record[8] = 3
    record[9:35] = _first_players(board, seat)
    record[35:61] = after.astype(np.int8).tobytes()
    padded = (*moves, -1, *RUBBISH, 0, 0, 0, 0)[:8]
    struct.pack_into("<i8i2i", record, 64, 1 if seat == 0 else -1, *padded, *dice)
    struct.pack_into("<i", record, 108, cube)
    struct.pack_into("<i", record, 120, len(candidates))
    struct.pack_into("<i", record, 124 + 64, len(candidates))
    for i, candidate in enumerate(candidates):
        record[192 + 26 * i : 218 + 26 * i] = candidate.after.astype(np.int8).tobytes()
        struct.pack_into("<hBb", record, 1280 + 4 * i, candidate.level, 0, 0)
        win, win_g, win_b, lose, lose_g, lose_b, equity = candidate.values
        struct.pack_into("<7f", record, 1408 + 28 * i, lose_b, lose_g, lose, win, win_g, win_b, equity)
    struct.pack_into("<d", record, 2320, luck)
    struct.pack_into("<i", record, 2524, comment)
    return bytes(record)


def end_record(winner: int, points: int, kind: int) -> bytes:
    """kind: 0 drop, 1 to 3 size, 100 more for a resignation."""
    record = bytearray(RECORD_BYTES)
    record[8] = 4
    struct.pack_into("<iii", record, 24, 1 if winner == 0 else -1, points, kind)
    return bytes(record)


def xg_moves(known: KnownPlay) -> tuple[int, ...]:
    """The moves of a play as XG counts them: from zero, and negative for off."""
    pairs = [(m.source - 1, m.target - 1 if m.target else m.source - 1 - max(known.decision.roll)) for m in known.play]
    return tuple(point for pair in pairs for point in pair)


def game_records(plays: list[KnownPlay], has_moves: bool = True) -> list[bytes]:
    """The records of a game: a cube decision and a play for every roll."""
    records = [game_record()]
    for known in plays:
        decision = known.decision
        assert decision.chosen is not None
        board, after = decision.position.board, decision.candidates[decision.chosen]
        moves = xg_moves(known) if has_moves else ()
        records.append(cube_record(board, known.seat))
        records.append(play_record(board, after, known.seat, (decision.roll.low, decision.roll.high), moves))
    return records


@dataclass
class Archive:
    """A container; the fields after the first two let it lie."""

    members: dict[str, bytes]
    picture: bytes = b"JPEG"
    sizes: dict[str, int] = field(default_factory=dict)
    num_members: int | None = None
    is_register_packed: bool = True
    crc_error: int = 0
    register_size: int | None = None
    header_size: int = 8_232

    def pack(self) -> bytes:
        data, register = b"", b""
        for name, content in self.members.items():
            stored = zlib.compress(content)
            encoded = name.encode()
            entry = bytes((len(encoded),)) + encoded.ljust(255, b"\0") + bytes(256)
            size = self.sizes.get(name, len(content))
            register += entry + struct.pack("<iiiIBB2x", size, len(stored), len(data), zlib.crc32(content), 0, 2)
            data += stored
        if self.is_register_packed:
            register = zlib.compress(register)
        header = struct.pack("<4siiqi", b"RGMH", 1, self.header_size, 0, len(self.picture))
        header = header.ljust(self.header_size, b"\0")
        count = len(self.members) if self.num_members is None else self.num_members
        crc = zlib.crc32(data + register) ^ self.crc_error
        size = len(register) if self.register_size is None else self.register_size
        trailer = struct.pack("<Iiiiii12x", crc, count, 1, size, len(data), int(self.is_register_packed))
        return header + self.picture + data + register + trailer


def xg_file(records: list[bytes], comments: bytes = b"", **lies: object) -> bytes:
    """An .xg file with a match."""
    members = {"temp.xgi": b"index", "temp.xg": b"".join(records)}
    if comments:
        members["temp.xgc"] = comments
    return Archive(members, **lies).pack()  # type: ignore[arg-type]
