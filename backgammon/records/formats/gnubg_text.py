"""GNU Backgammon's text export of games and positions with analysis ("export game text", "export position text").

    The score (after 0 games) is: gnubg 0, weak 0 (match to 5 points)
    Move number 1:  gnubg to play 21
     GNU Backgammon  Position ID: 4HPwATDgc/ABMA
                     Match ID   : MAClAAAAAAAE
    (board)
    * gnubg moves 24/23 13/11
    Rolled 21 (-0.008):
    *    1. Cubeful 2-ply    24/23 13/11                  Eq.: -0.000
           0.499 0.137 0.006 - 0.501 0.135 0.006

Each block is read by its two IDs, which tell position, dice, cube, score and whose turn it is. Player O is seat 0, X
seat 1. In the block of an answer to a double, the cube is analysed from the side of the player who answers; here it is
turned to the player on roll.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from backgammon.notation.gnu_id import parse_position_id
from backgammon.notation.match_id import MatchId, parse_match_id
from backgammon.records.formats.position_text import NUMBER, CandidateList, read_level, read_six_chances, to_number
from backgammon.records.record.annotation import ROLLOUT, CubeAnalysis, Level, make_notes
from backgammon.records.record.record import (
    Action,
    DoubleAction,
    DropAction,
    GameRecord,
    MatchRecord,
    ResultAction,
    RollAction,
    Setup,
    TakeAction,
    UnreadableAction,
)
from backgammon.records.record.text_encoding import decode
from backgammon.records.replay.execution import find_rows
from backgammon.rules.board import Position
from backgammon.rules.decision import Decision
from backgammon.tools.errors import IdError, RecordError

MAX_LINE = 500
"""Characters of a line that are looked at."""

MAX_BLOCKS = 200_000
"""Decisions in a file."""

_SCORE = re.compile(r"The score \(after ([0-9]{1,6}) games?\) is: ")
_POSITION = re.compile(r"Position ID\s*+:\s*+([A-Za-z0-9+/]{14})(?![A-Za-z0-9+/])")
_MATCH = re.compile(r"Match ID\s*+:\s*+([A-Za-z0-9+/]{12})(?![A-Za-z0-9+/])")
_NAME = re.compile(r"\+\s++([OX]): (.*)")
_CUBE_NOTE = re.compile(r" \(Cube: [0-9]{1,5}\)$")
_MOVES = re.compile(r"\* .* (moves|cannot move|doubles|redoubles|accepts|takes|rejects|drops|passes)(?: (.*))?$")
_ROLLED = re.compile(r"Rolled [1-6]{2}(?: \(([-+0-9.,]{1,12})\))?:")
_CANDIDATE = re.compile(rf"\*?\s*+[0-9]{{1,3}}\.\s++(\S.{{0,60}}?)\s{{2,}}+(\S.*\S)\s++Eq\.\s?:\s*+({NUMBER})")
_CUBE_LEVEL = re.compile(r"([0-9]{1,2}-ply) cubeless equity|(rollout)", re.IGNORECASE)
_CUBE_VALUE = re.compile(
    rf"[0-9]\. (No (?:re)?double|(?:Re)?[Dd]ouble, (?:take|beaver|pass|drop))\s++({NUMBER})\s*+(?:\(|$)"
)
_WINS = re.compile(r"(\S.*) wins ([0-9]{1,5}) points?")


def looks_like(text: str) -> bool:
    """True for a text with a board of GNU Backgammon."""
    return "GNU Backgammon  Position ID" in text and _MATCH.search(text) is not None


def read(data: bytes, name: str = "") -> list[MatchRecord]:
    """Every game of a text; games that follow each other make a match.

    Args:
        data: the bytes of the file.
        name: of the file, kept in the records.

    Raises:
        RecordError: no text of this kind, an ID that cannot be decoded, or too many decisions.
    """
    text, encoding = decode(data)
    reader = _Reader(name, encoding)
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        reader.take_in(number, line[:MAX_LINE].rstrip())
    reader.end_match()
    if not reader.matches:
        raise RecordError("not a text of GNU Backgammon: it has no line with a Position ID")
    return reader.matches


@dataclass
class _Block:
    """One decision: what stands between a Position ID and the next."""

    line: int
    position: Position
    match: MatchId | None = None
    done: str = ""
    play: str = ""
    candidates: CandidateList = field(default_factory=CandidateList)
    luck: float | None = None
    cube_level: Level | None = None
    cube_chances: list[float] | None = None
    cube_values: dict[str, float] = field(default_factory=dict)


class _Reader:
    """The file so far."""

    def __init__(self, name: str, encoding: str) -> None:
        self.matches: list[MatchRecord] = []
        self._name, self._encoding = name, encoding
        self._games: list[GameRecord] = []
        self._length = 0
        self._num_blocks = 0
        self._begin_game(1, 0)

    def _begin_game(self, number: int, line: int) -> None:
        self._number, self._line = number, line
        self._players = {"O": "", "X": ""}
        self._block: _Block | None = None
        self._actions: list[Action] = []
        self._start: Setup | None = None
        self._first: MatchId | None = None
        self._expected: Position | None = None  # what the player on roll should see next

    def take_in(self, number: int, line: str) -> None:
        """Go past the next line."""
        if found := _SCORE.match(line):
            self._end_game()
            self._begin_game(int(found[1]) + 1, number)
        elif found := _POSITION.search(line):
            self._begin_block(number, found[1])
        elif self._block is None:
            return
        elif found := _MATCH.search(line):
            self._take_in_match_id(self._block, number, found[1])
        elif found := _NAME.search(line):
            if found[1] in self._players:
                self._players[found[1]] = _CUBE_NOTE.sub("", found[2]).split("   ")[0].strip()[:100]
        elif not line or line.lstrip()[:1] in "|^v":
            return
        elif found := _WINS.fullmatch(line):
            self._end(number, found[1], int(found[2]))
        else:
            _take_in_text(self._block, line)

    def end_match(self) -> None:
        """Close the match that is open, if any."""
        self._end_game()
        self._close_match()

    def _close_match(self) -> None:
        if self._games:
            record = MatchRecord(self._length, tuple(self._games), (), self._name, self._games[0].line, self._encoding)
            self.matches.append(record)
        self._games = []

    def _begin_block(self, number: int, text: str) -> None:
        self._end_block()
        self._num_blocks += 1
        if self._num_blocks > MAX_BLOCKS:
            raise RecordError(f"line {number}: more than {MAX_BLOCKS:,} decisions in one file; split the file")
        try:
            self._block = _Block(number, parse_position_id(text))
        except IdError as error:
            raise RecordError(f"line {number}: {error}") from None

    def _take_in_match_id(self, block: _Block, number: int, text: str) -> None:
        try:
            block.match = parse_match_id(text)
        except IdError as error:
            raise RecordError(f"line {number}: {error}") from None
        if self._first is None:
            self._first = block.match
            match, seat = block.match, block.match.on_roll
            owner = None if match.cube_owner < 0 else match.cube_owner
            start = Setup(block.position, seat, match.cube, owner, match.crawford if match.length else None)
            self._start = None if start.is_usual else start

    def _end_game(self) -> None:
        self._end_block()
        if self._first is None:
            return
        first, actions = self._first, tuple(self._actions)
        if len(actions) == 1 and isinstance(actions[0], DoubleAction):
            # The export of a position says "doubles" wherever a cube decision is to be made.
            actions = (RollAction(actions[0].seat, None, "", line=actions[0].line, notes=actions[0].notes),)
        self._first = None
        if not self._games or first.length != self._length or self._number <= self._games[-1].number:
            self._close_match()
        self._length = first.length
        players = self._players["O"], self._players["X"]
        self._games.append(GameRecord(self._number, players, first.scores, actions, self._line, self._start))

    def _end_block(self) -> None:
        """Turn what was read of a decision into an entry of the game."""
        block, self._block = self._block, None
        if block is None or block.match is None:
            return
        match, seat, line = block.match, block.match.on_roll, block.line
        if self._expected is not None and block.position != self._expected:
            text = "a position that does not follow from the last play"
            self._actions.append(UnreadableAction(seat, text, line=line))
            self._expected = block.position
        cube = _cube_analysis(block, is_turned=match.doubled)
        if match.doubled:
            if block.done in ("accepts", "takes"):
                self._actions.append(TakeAction(1 - seat, line=line, notes=make_notes(cube=cube)))
            elif block.done in ("rejects", "drops", "passes"):
                self._actions.append(DropAction(1 - seat, line=line, notes=make_notes(cube=cube)))
        elif match.dice is not None:
            plays = block.candidates.resolve(block.position, match.dice)
            notes = make_notes(plays, cube, luck=block.luck)
            dice = match.dice.high, match.dice.low
            self._actions.append(RollAction(seat, dice, block.play, line=line, notes=notes))
            self._expected = _position_after(block)
        elif block.done in ("doubles", "redoubles"):
            self._actions.append(DoubleAction(seat, 2 * match.cube, line=line, notes=make_notes(cube=cube)))
            self._expected = block.position
        elif cube is not None:
            self._actions.append(RollAction(seat, None, "", line=line, notes=make_notes(cube=cube)))

    def _end(self, number: int, winner: str, points: int) -> None:
        self._end_block()
        seats = [seat for seat, key in enumerate("OX") if self._players[key] == winner.strip()]
        if len(seats) == 1:
            ends_match = self._first is not None and 0 < self._first.length <= self._first.scores[seats[0]] + points
            self._actions.append(ResultAction(seats[0], points, ends_match, line=number))


def _take_in_text(block: _Block, line: str) -> None:
    """A line of a block below its board."""
    if found := _CANDIDATE.match(line):
        block.candidates.add(found[2], to_number(found[3]), read_level(found[1], first_ply=0))
    elif chances := read_six_chances(line):
        if block.candidates.plays:
            block.candidates.add_chances(chances)
        elif block.cube_chances is None:
            block.cube_chances = chances
    elif found := _CUBE_VALUE.match(line):
        action = found[1].lower()
        key = (
            "no_double"
            if action.startswith("no")
            else "double_pass"
            if action[-4:] in ("pass", "drop")
            else "double_take"
        )
        block.cube_values.setdefault(key, to_number(found[2]))
    elif found := _ROLLED.match(line):
        block.luck = _to_luck(found[1])
    elif found := _MOVES.match(line):
        block.done, block.play = found[1], found[2] or ""
    elif block.cube_level is None and (found := _CUBE_LEVEL.search(line)):
        block.cube_level = read_level(found[1], first_ply=0) if found[1] else Level(ROLLOUT)


def _to_luck(text: str | None) -> float | None:
    try:
        return to_number(text) if text else None
    except ValueError:
        return None


def _cube_analysis(block: _Block, is_turned: bool) -> CubeAnalysis | None:
    """The cube decision from the side of the player on roll."""
    if not block.cube_values and block.cube_chances is None:
        return None
    chances, values, sign = block.cube_chances, block.cube_values, 1
    if is_turned:
        chances, sign = (chances[3:] + chances[:3] if chances else None), -1
    kept = {key: sign * value for key, value in values.items()}
    return CubeAnalysis(
        block.cube_level or Level(),
        tuple(chances) if chances else None,  # type: ignore[arg-type]
        kept.get("no_double"),
        kept.get("double_take"),
        kept.get("double_pass"),
    )


def _position_after(block: _Block) -> Position | None:
    """What the opponent sees after the play; None when that cannot be told."""
    if block.match is None or block.match.dice is None or block.position.is_over:
        return None
    decision = Decision.make(block.position, block.match.dice)
    if decision.is_dance:
        return block.position.swap()
    (row,) = find_rows(block.position.board, decision.roll, [block.play]).tolist()
    return Position(decision.candidates[row]).swap() if row >= 0 else None
