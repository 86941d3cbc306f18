"""eXtreme Gammon's analysis of plays and cube actions inside its records, and its comments.

Offsets are those of the records (2,560 bytes each); see `xg` for the records themselves. Positions of candidates are
seen by the mover; the seven values of an evaluation are lose backgammon, lose gammon, lose, win, win gammon, win
backgammon (cumulative) and the equity.
"""

from __future__ import annotations

import math
import re
import struct

import numpy as np

from backgammon.records.record.annotation import (
    BOOK,
    EVALUATION,
    ROLLOUT,
    UNKNOWN,
    CubeAnalysis,
    Level,
    PlayAnalysis,
    exclusive_chances,
    make_play_analysis,
)
from backgammon.rules.board import NUM_LOCATIONS

MAX_COMMENT = 10_000
"""Characters of a comment that are kept."""

_MAX_CANDIDATES = 32
_PLAYS = 124  # of a play record: where its analysis begins
_NUM_CANDIDATES = struct.Struct("<i")
_LEVEL = struct.Struct("<hBb")
_LUCK = struct.Struct("<d")
_CUBE_LEVEL = struct.Struct("<i")
_CUBE_VALUES = struct.Struct("<7f3f")
_NOT_ANALYSED = -1000.0

_METHODS = {
    12: Level("XG 3-ply reduced"),
    100: Level(ROLLOUT),
    998: Level(BOOK),
    999: Level(BOOK),
    1000: Level("XG Roller"),
    1001: Level("XG Roller+"),
    1002: Level("XG Roller++"),
}
_MAX_PLIES = 6


def read_play_analysis(record: bytes) -> PlayAnalysis | None:
    """The evaluated candidates of a play record, None when there are none."""
    (count,) = _NUM_CANDIDATES.unpack_from(record, _PLAYS + 64)
    if not 1 <= count <= _MAX_CANDIDATES:
        return None
    afters = np.frombuffer(record, np.int8, count * NUM_LOCATIONS, _PLAYS + 68).reshape(count, NUM_LOCATIONS)
    levels = [_level(_LEVEL.unpack_from(record, _PLAYS + 1156 + 4 * i)[0]) for i in range(count)]
    values = np.frombuffer(record, "<f4", 7 * count, _PLAYS + 1284).reshape(count, 7)
    with np.errstate(invalid="ignore", over="ignore"):
        lose_b, lose_g, lose, win, win_g, win_b, equities = values.T.astype(np.float64)
        columns = [win - win_g, win_g - win_b, win_b, lose - lose_g, lose_g - lose_b, lose_b]
        chances = np.stack(columns, axis=1).astype(np.float32)
        return make_play_analysis(afters, equities.astype(np.float32), chances, levels)


def read_luck(record: bytes) -> float | None:
    """Luck of a play record's roll, None when it was not analysed."""
    (luck,) = _LUCK.unpack_from(record, 2320)
    return luck if math.isfinite(luck) and luck != _NOT_ANALYSED else None


def read_cube_analysis(record: bytes) -> CubeAnalysis | None:
    """The values of a cube record, None when there are none."""
    values = _CUBE_VALUES.unpack_from(record, 124)
    if not any(values[:7]) or not all(map(math.isfinite, values)):
        return None
    lose_b, lose_g, lose, win, win_g, win_b, _, no_double, take, drop = values
    (level,) = _CUBE_LEVEL.unpack_from(record, 92)
    chances = tuple(exclusive_chances(win, win_g, win_b, lose, lose_g, lose_b))
    return CubeAnalysis(_level(level), chances, no_double, take, drop)  # type: ignore[arg-type]


def _level(number: int) -> Level:
    if 0 <= number <= _MAX_PLIES:
        return Level(EVALUATION, number)
    return _METHODS.get(number, Level(UNKNOWN))


def read_comments(member: bytes) -> list[str]:
    """The comments by their index; each is a line of rich text in which the bytes 1, 2 stand for a line break."""
    return [_plain_text(line.replace(b"\x01\x02", b"\n")) for line in member.split(b"\r\n")]


_RTF = re.compile(
    rb"\\'(?P<hex>[0-9a-fA-F]{2})|\\u(?P<code>-?[0-9]{1,5}) ?\??|\\(?P<word>[a-z]{1,32})(?:-?[0-9]{1,9})? ?"
    rb"|\\(?P<symbol>[^a-z])|(?P<brace>[{}])|(?P<text>[^\\{}]+)|(?P<rest>.)",
    re.DOTALL,
)
_HIDDEN = {b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"generator"}
_BREAKS = {b"par": "\n", b"line": "\n", b"tab": "\t"}


def _plain_text(rich: bytes) -> str:
    """The text of a comment without its formatting."""
    if not rich.lstrip().startswith(b"{\\rtf"):
        return rich.decode("cp1252", errors="replace").strip()[:MAX_COMMENT]
    parts: list[str] = []
    length = depth = hidden_from = 0  # depth of the group from which on nothing is shown; 0 when all is
    for token in _RTF.finditer(rich):
        piece = ""
        if brace := token["brace"]:
            depth += 1 if brace == b"{" else -1
            if depth < hidden_from:
                hidden_from = 0
        elif word := token["word"]:
            if word in _HIDDEN and not hidden_from:
                hidden_from = depth
            piece = _BREAKS.get(word, "")
        elif symbol := token["symbol"]:
            if symbol == b"*" and not hidden_from:
                hidden_from = depth
            piece = symbol.decode("cp1252", errors="replace") if symbol in b"\\{}" else ""
        elif token["hex"]:
            piece = bytes.fromhex(token["hex"].decode()).decode("cp1252", errors="replace")
        elif token["code"]:
            piece = chr(int(token["code"]) & 0xFFFF)
        elif text := token["text"]:
            piece = text.replace(b"\n", b"").decode("cp1252", errors="replace")
        if piece and not hidden_from:
            parts.append(piece)
            length += len(piece)
            if length > MAX_COMMENT:
                break
    return "".join(parts).encode("utf-16", "replace").decode("utf-16").strip()[:MAX_COMMENT]
