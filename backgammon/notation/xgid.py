"""eXtreme Gammon's XGID: position, cube, score and dice in one line of text.

    XGID=<26 characters>:cube:owner:turn:dice:score:score:rules:length:max cube

An XGID is written from the BOTTOM player's side whoever is on roll: characters are the top player's bar, points 1..24
of the bottom player, the bottom player's bar; "-" empty, A..O the bottom player's checkers, a..o the top player's.
`XgId.position` is turned to the player on roll; `cube_owner`, `turn` and the scores stay as they are written. Source:
help file of eXtreme Gammon, "XGID".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from backgammon.rules.board import NUM_LOCATIONS, Board, Position, swap
from backgammon.rules.dice import Roll, make_roll
from backgammon.rules.match import check_stakes
from backgammon.tools.errors import IdError, PositionError, StakesError
from backgammon.tools.quoting import quote

BOTTOM, TOP, CENTRED = 1, -1, 0
"""Values of `turn` and `cube_owner`."""

_SEATS = (BOTTOM, TOP)
_SEAT_NAMES = ("the bottom player", "the top player")

PREFIX = "XGID="
MAX_EXPONENT = 15
"""The largest cube, 2**15, that is accepted; XG's own limit is 2**10."""

_NUM_FIELDS = 10
_FIELD_NAMES = (
    "cube",
    "cube owner",
    "turn",
    "dice",
    "bottom score",
    "top score",
    "rules",
    "match length",
    "largest cube",
)
_NUMBER = re.compile("-?[0-9]{1,5}")
_DICE = re.compile("[1-6]{2}")
_CUBE_ACTIONS = {"D": "doubled", "B": "beavered", "R": "raccooned"}
_EMPTY_POINT = "-"


@dataclass(frozen=True)
class XgId:
    """What an XGID holds.

    Attributes:
        position: seen by the player on roll (`turn`), not by the bottom player.
        turn: BOTTOM (1) or TOP (-1): who is on roll.
        cube: its value, a power of two.
        cube_owner: BOTTOM, TOP or CENTRED (0).
        dice: the roll, or None before it.
        cube_action: "" or the offer that is to be answered: "D" double, "B" beaver, "R" raccoon; dice are then None.
        scores: points of the bottom and of the top player.
        crawford: this is the Crawford game (matches).
        jacoby: the Jacoby rule is in use (money play).
        beavers: beavers are allowed (money play).
        length: points of the match, 0 for money play.
        max_cube: the largest value the cube may take.

    Raises:
        IdError: a value or combination that an XGID cannot hold.
    """

    position: Position
    turn: int = BOTTOM
    cube: int = 1
    cube_owner: int = CENTRED
    dice: Roll | None = None
    cube_action: str = ""
    scores: tuple[int, int] = (0, 0)
    crawford: bool = False
    jacoby: bool = False
    beavers: bool = False
    length: int = 0
    max_cube: int = 1024

    def __post_init__(self) -> None:
        if self.turn not in (BOTTOM, TOP):
            raise IdError(f"turn {self.turn}: give {BOTTOM} for the bottom player or {TOP} for the top player")
        if self.cube_owner not in (BOTTOM, TOP, CENTRED):
            raise IdError(f"cube owner {self.cube_owner}: give {BOTTOM} bottom, {TOP} top or {CENTRED} centred")
        for name, value in (("cube", self.cube), ("largest cube", self.max_cube)):
            if not 1 <= value <= 1 << MAX_EXPONENT or value & (value - 1):
                raise IdError(f"{name} {value}: a cube shows a power of two from 1 to {1 << MAX_EXPONENT}")
        if self.cube_action and (self.cube_action not in _CUBE_ACTIONS or self.dice is not None):
            raise IdError(f"cube action {self.cube_action!r}: give D, B or R, and no dice with it")
        for name, points in (("match length", self.length), ("score", self.scores[0]), ("score", self.scores[1])):
            if not 0 <= points <= 99999:
                raise IdError(f"{name} {points}: an XGID holds 0 to 99999")
        if self.length and (self.jacoby or self.beavers):
            raise IdError("the Jacoby rule and beavers belong to money play, not to a match")
        self._check_together()

    def _check_together(self) -> None:
        """What one field says must fit what the others say."""
        owner = None if self.cube_owner == CENTRED else _SEATS.index(self.cube_owner)
        try:
            check_stakes(self.length, self.scores, self.cube, owner, self.crawford, _SEAT_NAMES)
        except StakesError as error:
            raise IdError(str(error)) from None
        if self.cube > self.max_cube > 1:  # some writers leave the largest cube at 0, which says nothing
            raise IdError(f"cube {self.cube}: the largest cube is {self.max_cube}")
        if self.cube_action and self.crawford and self.length > 1:
            raise IdError(f"cube action {self.cube_action}: the Crawford game is played without the cube")
        if self.cube_action in ("B", "R") and self.length:
            raise IdError(f"cube action {self.cube_action}: beavers belong to money play, not to a match")


def format_xgid(xgid: XgId) -> str:
    """The line of text, with `XGID=` in front.

    >>> format_xgid(XgId(Position.start()))
    'XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:0:0:10'
    """
    board = xgid.position.board if xgid.turn == BOTTOM else swap(xgid.position.board)
    dice = xgid.cube_action or (str(xgid.dice) if xgid.dice else "00")
    rules = int(xgid.crawford) if xgid.length else int(xgid.jacoby) + 2 * int(xgid.beavers)
    fields = (
        "".join(_point_character(int(count)) for count in board),
        xgid.cube.bit_length() - 1,
        xgid.cube_owner,
        xgid.turn,
        dice,
        *xgid.scores,
        rules,
        xgid.length,
        xgid.max_cube.bit_length() - 1,
    )
    return PREFIX + ":".join(str(field) for field in fields)


def parse_xgid(text: str) -> XgId:
    """What an XGID says; `XGID=` may be missing, blanks around it do not matter.

    Raises:
        IdError: not ten fields, or one of them cannot be read; the message names the field.
    """
    stripped = text.strip()
    body = stripped[len(PREFIX) :] if stripped[: len(PREFIX)].upper() == PREFIX else stripped
    try:
        return _parse_body(body)
    except (IdError, PositionError) as error:
        raise IdError(f"XGID {quote(stripped)}: {error}") from None


def _parse_body(body: str) -> XgId:
    fields = body.split(":")
    if len(fields) != _NUM_FIELDS:
        raise IdError(f"an XGID has {_NUM_FIELDS} fields with ':' between them, this one has {len(fields)}")
    named = dict(zip(_FIELD_NAMES, fields[1:], strict=True))
    dice_text = named.pop("dice")
    numbers = {name: _parse_number(name, value) for name, value in named.items()}
    rules, length = numbers["rules"], numbers["match length"]
    if not 0 <= rules <= (1 if length else 3):
        raise IdError(f"rules {rules}: a match has 0 or 1 (Crawford), money play 0 to 3 (1 Jacoby, 2 beavers)")
    turn = numbers["turn"]
    board = _parse_board(fields[0])
    dice, action = _parse_dice(dice_text)
    return XgId(
        position=Position(swap(board) if turn == TOP else board),
        turn=turn,
        cube=_parse_cube("cube", numbers),
        cube_owner=numbers["cube owner"],
        dice=dice,
        cube_action=action,
        scores=(numbers["bottom score"], numbers["top score"]),
        crawford=bool(length and rules),
        jacoby=bool(not length and rules & 1),
        beavers=bool(not length and rules & 2),
        length=length,
        max_cube=_parse_cube("largest cube", numbers),
    )


def _parse_number(name: str, value: str) -> int:
    if _NUMBER.fullmatch(value) is None:
        raise IdError(f"{name} {quote(value)}: a number is needed there")
    return int(value)


def _parse_cube(name: str, numbers: dict[str, int]) -> int:
    exponent = numbers[name]
    if not 0 <= exponent <= MAX_EXPONENT:
        raise IdError(f"{name} {exponent}: this is the power of two that the cube shows, 0 to {MAX_EXPONENT}")
    return 1 << exponent


def _parse_dice(text: str) -> tuple[Roll | None, str]:
    """(roll, cube action): the field holds one or the other, or neither ("00")."""
    if text in _CUBE_ACTIONS:
        return None, text
    if text == "00":
        return None, ""
    if _DICE.fullmatch(text) is None:
        raise IdError(f"dice {quote(text)}: two digits from 1 to 6, 00 before the roll, or D, B, R are needed there")
    return make_roll(int(text[0]), int(text[1])), ""


def _parse_board(characters: str) -> Board:
    """int8[26] of the bottom player."""
    if len(characters) != NUM_LOCATIONS:
        raise IdError(f"its position has {len(characters)} characters, it needs {NUM_LOCATIONS}")
    board = np.zeros(NUM_LOCATIONS, dtype=np.int8)
    for index, character in enumerate(characters):
        if "A" <= character <= "P":
            board[index] = ord(character) - ord("A") + 1
        elif "a" <= character <= "p":
            board[index] = -(ord(character) - ord("a") + 1)
        elif character != _EMPTY_POINT:
            raise IdError(f"character {index + 1} of the position is {character!r}: '-', A to O or a to o are needed")
    return board


def _point_character(count: int) -> str:
    if count == 0:
        return _EMPTY_POINT
    return chr(ord("A" if count > 0 else "a") + abs(count) - 1)
