"""Notes of match records as JSON objects: analysis of plays and of the cube, comments and luck.

Numbers are the shortest that give the same float32 again. See `jsonl` and docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from backgammon.notation.gnu_id import parse_position_ids, position_ids
from backgammon.records.formats.json_fields import Fields
from backgammon.records.record.annotation import CubeAnalysis, Level, Notes, PlayAnalysis
from backgammon.rules.board import swap
from backgammon.tools.arrays import Float32s
from backgammon.tools.errors import IdError

MAX_CANDIDATES = 4_096
"""Candidates of a roll; no roll has more."""


def notes_object(notes: Notes) -> dict[str, Any]:
    """The object of an entry's notes."""
    plain: dict[str, Any] = {}
    if notes.plays is not None:
        plain["plays"] = list(_candidate_objects(notes.plays))
    if (cube := notes.cube) is not None:
        plain["cube"] = {
            "level": _level_object(cube.level),
            "chances": None if cube.chances is None else list(cube.chances),
            "no_double": cube.no_double,
            "double_take": cube.double_take,
            "double_pass": cube.double_pass,
            "is_mwc": cube.is_mwc,
        }
    if notes.comment:
        plain["comment"] = notes.comment
    if notes.luck is not None:
        plain["luck"] = notes.luck
    return plain


def _candidate_objects(analysis: PlayAnalysis) -> Iterator[dict[str, Any]]:
    """One object for each candidate; its position is the one that the opponent has before his roll."""
    ids = position_ids(swap(analysis.afters))
    equities, rows = _numbers(analysis.equities), analysis.chances
    for i, level in enumerate(analysis.levels):
        chances = None if np.isnan(rows[i]).any() else _numbers(rows[i])
        yield {"after": ids[i], "equity": equities[i], "chances": chances, "level": _level_object(level)}


def _numbers(values: Float32s) -> list[float]:
    """The shortest numbers that give the same float32 again."""
    return [float(str(value)) for value in values]


def _level_object(level: Level) -> dict[str, Any]:
    plain: dict[str, Any] = {"method": level.method}
    if level.plies is not None:
        plain["plies"] = level.plies
    if level.trials:
        plain["trials"] = level.trials
    return plain if level.is_cubeful else {**plain, "is_cubeful": False}


def read_notes(fields: Fields) -> Notes:
    """Inverse of `notes_object`.

    Raises:
        RecordError: a value of another type or out of range.
    """
    plays = _read_plays(fields) if fields.has("plays") else None
    cube = _read_cube(fields.inner("cube")) if fields.has("cube") else None
    comment = fields.text("comment") if fields.has("comment") else ""
    luck = fields.number("luck") if fields.has("luck") else None
    fields.finish()
    return Notes(plays, cube, comment, luck)


def _read_plays(fields: Fields) -> PlayAnalysis:
    ids: list[str] = []
    equities: list[float] = []
    chances: list[list[float]] = []
    levels: list[Level] = []
    for item in fields.items("plays", MAX_CANDIDATES):
        candidate = fields.nested(item, "plays")
        ids.append(candidate.text("after"))
        equities.append(candidate.number("equity"))
        given = candidate.any("chances")
        chances.append([float("nan")] * 6 if given is None else candidate.numbers_of(given, 6, "chances"))
        levels.append(_read_level(candidate.inner("level")))
        candidate.finish()
    if not ids:
        raise fields.error("'plays' is empty")
    try:
        afters = swap(parse_position_ids(ids))
    except IdError as error:
        raise fields.error(str(error)) from None
    return PlayAnalysis(afters, np.array(equities, np.float32), np.array(chances, np.float32), tuple(levels))


def _read_cube(fields: Fields) -> CubeAnalysis:
    level = _read_level(fields.inner("level"))
    given = fields.any("chances")
    chances = None if given is None else tuple(fields.numbers_of(given, 6, "chances"))
    no_double, take, drop = (fields.optional_number(key) for key in ("no_double", "double_take", "double_pass"))
    is_mwc = fields.flag("is_mwc")
    fields.finish()
    return CubeAnalysis(level, chances, no_double, take, drop, is_mwc)  # type: ignore[arg-type]


def _read_level(fields: Fields) -> Level:
    method = fields.text("method")
    plies = fields.optional_whole("plies", 0, 100) if fields.has("plies") else None
    trials = fields.whole("trials", 0, 10**9) if fields.has("trials") else 0
    is_cubeful = fields.flag("is_cubeful") if fields.has("is_cubeful") else True
    fields.finish()
    return Level(method, plies, trials, is_cubeful)
