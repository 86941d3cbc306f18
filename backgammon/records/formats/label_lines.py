"""Labelled decisions as JSON lines: what somebody thinks of the candidates of a decision, one decision a line.

    {"id": "4HPwATDgc/ABMA", "dice": [3, 1], "cands": [["sGfwATDgc/ABMA", 0.159], ...]}
    "cands": [["sGfwATDgc/ABMA", "8/5 6/5", 0.159, 2, [0.551, 0.171, 0.013, 0.118, 0.005]], ...]

A candidate is the Position ID after the play with the opponent on roll, then in this order: the play (may be missing),
the equity of the player who makes it in points, the ply it was judged at (may be missing, 0 is the evaluator alone),
and the five cumulative probabilities of GNU Backgammon (may be missing). Candidates come best first: the first is the
judge's choice, also where another that was judged less deeply shows a higher equity. Those left out are not judged.

"played" (the ID after the play) says what was chosen. "game" names what is independent of everything else, else every
line stands for itself. "points" (+-1, 2, 3 won or lost by the player on roll in the end) and "player" may be there too,
and "cubeful": true where the equities count the cube. Other keys mean nothing here.

This module knows single lines and the records that they make; `records.labels` reads many into arrays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from backgammon.notation.gnu_id import parse_position_ids, position_id, position_ids
from backgammon.notation.play_text import format_play
from backgammon.records.formats.decision_line import parse_decision_line
from backgammon.records.formats.position_text import MAX_POSITIONS
from backgammon.records.record.annotation import (
    EVALUATION,
    UNKNOWN,
    Level,
    cumulative_chances,
    exclusive_chances,
    make_notes,
    make_play_analysis,
)
from backgammon.records.record.record import GameRecord, MatchRecord, RollAction, Setup
from backgammon.records.record.text_encoding import decode
from backgammon.records.replay.logged_labels import LabelledDecision, labelled_decisions
from backgammon.records.replay.replay import replay_match
from backgammon.rules.board import Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.dice import Roll
from backgammon.tools.arrays import Float32s
from backgammon.tools.errors import DataError, PairgammonError, RecordError
from backgammon.tools.quoting import quote

MAX_LINE = 1 << 20
"""Bytes of the longest line that is accepted."""
HEAD_BYTES = 1 << 16
"""The first line shows within so many bytes that it is one."""
UNKNOWN_PLY = -1

_KEY = b'"cands"'
_MAX_EQUITY = 3.001
_MAX_PLY = 100
_FORM = "ID after, [play,] equity, [ply,] [[5 chances]]"


class LabelEntry(NamedTuple):
    """A candidate as a line names it.

    Attributes:
        after: Position ID after the play, the opponent on roll.
        equity: of the player who makes the play, in points.
        ply: depth at which it was judged, UNKNOWN_PLY where the line does not say.
        chances: GNU Backgammon's five, cumulative; None where they are missing.
        play: as text; empty where it is missing.
    """

    after: str
    equity: float
    ply: int = UNKNOWN_PLY
    chances: tuple[float, ...] | None = None
    play: str = ""


class LabelLine(NamedTuple):
    """A line as far as it can be read without the rules.

    Attributes:
        position_id: of the player on roll; not yet decoded.
        roll: larger die first.
        entries: at least one, best first.
        played: ID after the play that was chosen; None where the line does not say.
        game: name of what is independent of everything else.
        player: name of the player on roll.
        points: +-1, 2, 3 won or lost by the player on roll in the end; 0 unknown.
        is_cubeful: the equities count the cube.
    """

    position_id: str
    roll: Roll
    entries: tuple[LabelEntry, ...]
    played: str | None
    game: str
    player: str
    points: int
    is_cubeful: bool


def looks_like(head: bytes) -> bool:
    """True for the beginning of a file whose first line has candidates with their values."""
    first = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0]
    return first.startswith(b"{") and _KEY in first


# -- one line -------------------------------------------------------------------------------------------------------


def parse_label_line(line: bytes) -> LabelLine:
    """What a line says.

    Raises:
        PairgammonError: what is wrong with it.
    """
    parsed = parse_decision_line(line, MAX_LINE)
    record = parsed.record
    candidates = record.get("cands")
    if not isinstance(candidates, list) or not candidates:
        raise DataError('"cands" must be a list of candidates, each a list of an ID, an equity, ...')
    played, game, player = record.get("played"), record.get("game"), record.get("player", "unknown")
    if not isinstance(played, str | None) or not isinstance(player, str):
        raise DataError('"played" must be the Position ID after the play, "player" a name')
    points = record.get("points", 0)
    if type(points) is not int or abs(points) > 3:
        raise DataError('"points" must be a whole number from -3 to 3')
    is_cubeful = record.get("cubeful", False)
    if not isinstance(is_cubeful, bool):
        raise DataError('"cubeful" must be true or false')
    # Without a game of its own a decision is what is split: the same decision twice is never on both sides.
    name = f"{parsed.position_id} {parsed.roll.high}{parsed.roll.low}" if game is None else str(game)
    entries = tuple(map(_parse_entry, candidates))
    return LabelLine(parsed.position_id, parsed.roll, entries, played, name, player, points, is_cubeful)


def _parse_entry(entry: Any) -> LabelEntry:
    """One entry of "cands"; what each element is, its place and type decide, never its value.

    Raises:
        DataError: another form, or a number that cannot be.
    """
    found = None
    if isinstance(entry, list) and len(entry) > 1 and isinstance(entry[0], str):
        after, *rest = entry
        play = rest.pop(0) if isinstance(rest[0], str) else ""
        chances = tuple(rest.pop()) if rest and isinstance(rest[-1], list) else None
        equity: Any = rest.pop(0) if rest else None
        ply: Any = rest.pop(0) if rest else UNKNOWN_PLY
        if not rest and _is_number(equity, -_MAX_EQUITY, _MAX_EQUITY) and _is_ply(ply):
            found = LabelEntry(after, float(equity), ply, chances, play)
    is_sound = found is not None and (found.chances is None or _are_chances(found.chances))
    if found is None or not is_sound:
        raise DataError(f"{quote(json.dumps(entry))} is no candidate: {_FORM}")
    return found


def _is_number(value: Any, low: float, high: float) -> bool:
    """True for a number within bounds; false for NaN and for truths."""
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_ply(ply: Any) -> bool:
    return type(ply) is int and UNKNOWN_PLY <= ply <= _MAX_PLY


def _are_chances(chances: Sequence[Any]) -> bool:
    return len(chances) == 5 and all(_is_number(chance, 0, 1) for chance in chances)


def format_label(head: Mapping[str, object], entries: Sequence[LabelEntry]) -> bytes:
    """A line, with line feed.

    Args:
        head: everything before the candidates, "id" and "dice" at least.
        entries: best first.
    """
    return json.dumps({**head, "cands": list(map(_entry, entries))}, separators=(",", ":")).encode() + b"\n"


def _entry(entry: LabelEntry) -> list[object]:
    """A candidate as it is written: numbers to the sixth digit, what is not known left out."""
    written: list[object] = [entry.after, *([entry.play] if entry.play else ()), round(entry.equity, 6)]
    written += [entry.ply] if entry.ply != UNKNOWN_PLY else []
    return written if entry.chances is None else [*written, [round(chance, 6) for chance in entry.chances]]


# -- as records -----------------------------------------------------------------------------------------------------


def read(data: bytes, name: str = "") -> list[MatchRecord]:
    """Every decision of a file, each as a match record with one game that begins there.

    Args:
        data: the bytes of the file.
        name: of the file, kept in the records.

    Raises:
        RecordError: a line that is none of these, or says what the rules do not allow.
    """
    _, encoding = decode(data[:HEAD_BYTES])
    records: list[MatchRecord] = []
    for number, line in enumerate(data.lstrip(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        if len(records) >= MAX_POSITIONS:
            raise RecordError(f"line {number}: more than {MAX_POSITIONS:,} decisions in one file; split the file")
        try:
            records.append(_record(parse_label_line(line), (name, number, encoding)))
        except PairgammonError as error:
            raise RecordError(f"line {number}: {error}") from None
    if not records:
        raise RecordError("no labelled decision: the file is empty")
    return records


def _record(label: LabelLine, place: tuple[str, int, str]) -> MatchRecord:
    """The match record of a line; seat 0 is on roll."""
    board = parse_position_ids([label.position_id])[0]
    decision = Decision.make(Position(board), label.roll)
    ids = [entry.after for entry in label.entries] + ([label.played] if label.played else [])
    rows = [decision.row_of(after) for after in swap(parse_position_ids(ids))]
    levels = [
        Level(UNKNOWN, is_cubeful=label.is_cubeful)
        if entry.ply == UNKNOWN_PLY
        else Level(EVALUATION, entry.ply, is_cubeful=label.is_cubeful)
        for entry in label.entries
    ]
    count = len(levels)
    plays = make_play_analysis(
        decision.candidates[rows[:count]],
        np.array([entry.equity for entry in label.entries], dtype=np.float32),
        np.array([_six(entry.chances) for entry in label.entries], dtype=np.float32),
        levels,
    )
    name, line, encoding = place
    played = format_play(decision.plays[rows[count]]) if label.played else ""
    roll = RollAction(0, (label.roll.high, label.roll.low), played, line=line, notes=make_notes(plays))
    start = Setup(Position(board), 0, 1, None, None)
    kept = start if start.says_more(0, (0, 0)) else None
    game = GameRecord(1, (label.player, "opponent"), (0, 0), (roll,), line, kept)
    return MatchRecord(0, (game,), (), name, line, encoding)


def _six(chances: Sequence[float] | None) -> Sequence[float]:
    """Chances of the six outcomes from the five of a line."""
    if chances is None:
        return (np.nan,) * 6
    win, win_gammon, win_backgammon, lose_gammon, lose_backgammon = chances
    return exclusive_chances(win, win_gammon, win_backgammon, 1 - win, lose_gammon, lose_backgammon)


def _five(six: Float32s) -> tuple[float, ...]:
    """The five of a line from float32[6], chances of the six outcomes."""
    win, win_gammon, win_backgammon, _, lose_gammon, lose_backgammon = cumulative_chances(six)
    return tuple(min(1.0, max(0.0, c)) for c in (win, win_gammon, win_backgammon, lose_gammon, lose_backgammon))


def write(*matches: MatchRecord) -> str:
    """The text of a file with every analysed roll of some matches: UTF-8 is meant, lines end in a line feed.

    Raises:
        RecordError: no program has analysed any of them.
    """
    text = "".join(line.decode() for match in matches for line in format_match(match))
    if not text:
        raise RecordError("no roll of the match comes with an analysis; `pairgammon label` makes one")
    return text


def format_match(match: MatchRecord) -> Iterator[bytes]:
    """A line for every roll of a match that some program has analysed."""
    replayed = replay_match(match)
    for game, played in zip(match.games, replayed.games, strict=True):
        for labelled in labelled_decisions(game, played):
            seat = labelled.action.seat
            points = played.points if seat == 0 else -played.points
            yield _format_labelled(labelled, played.unit, game.players[seat], points)


def _format_labelled(labelled: LabelledDecision, unit: str, player: str, points: int) -> bytes:
    decision, analysis = labelled.decision, labelled.analysis
    ids = position_ids(swap(decision.candidates))
    head: dict[str, object] = {"game": unit, "id": position_id(decision.position), "dice": list(decision.roll)}
    if decision.chosen is not None:
        head["played"] = ids[decision.chosen]
    head |= {"player": player, "points": points, "n": len(ids)}
    if any(level.is_cubeful for level in analysis.levels):
        head["cubeful"] = True
    entries = []
    _, firsts = np.unique(labelled.rows, return_index=True)  # two plays of one result: the better one counts
    for index in np.sort(firsts).tolist():
        row = int(labelled.rows[index])
        level, six = analysis.levels[index], analysis.chances[index]
        entries.append(
            LabelEntry(
                ids[row],
                float(analysis.equities[index]),
                UNKNOWN_PLY if level.plies is None else level.plies,
                None if np.isnan(six).any() else _five(six),
                format_play(decision.plays[row]),
            )
        )
    return format_label(head, entries)
