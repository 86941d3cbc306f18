"""GNU Backgammon's Match ID: cube, score, dice and state of the game in 12 characters.

9 bytes of bit fields, lowest bit of byte 0 first, written as base64. Source: gnubg manual, "A technical description of
the Match ID". gnubg's player 0 and player 1 are the seats 0 and 1 here.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from enum import IntEnum

from backgammon.rules.dice import Roll, make_roll
from backgammon.rules.match import check_stakes
from backgammon.tools.errors import DiceError, IdError, StakesError
from backgammon.tools.quoting import quote

MATCH_ID_LENGTH = 12
MAX_CUBE = 1 << 15
MAX_POINTS = (1 << 15) - 1
"""The largest score or match length that fits."""

CENTRED = -1
"""`cube_owner` of a cube that nobody owns; gnubg writes 3 in the ID and -1 in its interfaces."""

_FIELDS = (
    ("cube", 4),
    ("cube_owner", 2),
    ("on_roll", 1),
    ("crawford", 1),
    ("game_state", 3),
    ("turn", 1),
    ("doubled", 1),
    ("resigned", 2),
    ("die1", 3),
    ("die2", 3),
    ("length", 15),
    ("score0", 15),
    ("score1", 15),
    ("no_jacoby", 1),
)
_NUM_BITS = sum(width for _, width in _FIELDS)
_OWNER_CODES = {0: 0, 1: 1, CENTRED: 3}
_OWNERS = {code: owner for owner, code in _OWNER_CODES.items()}
_BASE64_TEXT = re.compile("[A-Za-z0-9+/]*")


class GnuGameState(IntEnum):
    """gnubg's state of a game."""

    NONE = 0
    PLAYING = 1
    OVER = 2
    RESIGNED = 3
    DROPPED = 4


@dataclass(frozen=True)
class MatchId:
    """What a Match ID holds.

    Attributes:
        cube: its value, 1 to 32,768, a power of two.
        cube_owner: seat 0 or 1, or CENTRED (-1).
        on_roll: the seat whose turn it is (who rolls, or has rolled).
        crawford: this is the Crawford game.
        game_state: see GnuGameState.
        turn: the seat that has to decide now; differs from `on_roll` when a double or a resignation is to be answered.
        doubled: a double is being offered.
        resigned: a resignation is being offered: 0 none, 1 single game, 2 gammon, 3 backgammon.
        dice: the roll, or None before it.
        length: points of the match, 0 for money play.
        scores: points of seat 0 and seat 1.
        jacoby: the Jacoby rule is in use (money play); IDs of old gnubg versions always read so.

    Raises:
        IdError: a value that the ID cannot hold.
    """

    cube: int = 1
    cube_owner: int = CENTRED
    on_roll: int = 1
    crawford: bool = False
    game_state: GnuGameState = GnuGameState.PLAYING
    turn: int = 1
    doubled: bool = False
    resigned: int = 0
    dice: Roll | None = None
    length: int = 0
    scores: tuple[int, int] = (0, 0)
    jacoby: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.cube <= MAX_CUBE or self.cube & (self.cube - 1):
            raise IdError(f"cube {self.cube}: a cube shows a power of two from 1 to {MAX_CUBE}")
        if self.cube_owner not in _OWNER_CODES:
            raise IdError(f"cube owner {self.cube_owner}: give seat 0, seat 1 or {CENTRED} for a centred cube")
        for name, seat in (("player on roll", self.on_roll), ("turn", self.turn)):
            if seat not in (0, 1):
                raise IdError(f"{name} {seat}: give seat 0 or 1")
        if not 0 <= self.resigned <= 3:
            raise IdError(f"resigned {self.resigned}: give 0 for none, 1 single game, 2 gammon or 3 backgammon")
        for name, points in (("match length", self.length), ("score", self.scores[0]), ("score", self.scores[1])):
            if not 0 <= points <= MAX_POINTS:
                raise IdError(f"{name} {points}: a Match ID holds 0 to {MAX_POINTS}")
        if self.game_state in (GnuGameState.NONE, GnuGameState.PLAYING):  # a game that is over may have won the match
            self._check_together()

    def _check_together(self) -> None:
        """What one field says must fit what the others say."""
        owner = None if self.cube_owner == CENTRED else self.cube_owner
        try:
            check_stakes(self.length, self.scores, self.cube, owner, self.crawford, ("player 0", "player 1"))
        except StakesError as error:
            raise IdError(str(error)) from None
        if self.doubled and self.crawford and self.length > 1:
            raise IdError("a double is on offer, and the Crawford game is played without the cube")
        if self.doubled and self.dice is not None:
            raise IdError(f"dice {self.dice}: a double is to be answered first, there are none yet")


def match_id(match: MatchId) -> str:
    """The 12 characters.

    >>> match_id(MatchId())
    'cAkAAAAAAAAE'
    """
    high, low = match.dice or (0, 0)
    values = {
        "cube": match.cube.bit_length() - 1,
        "cube_owner": _OWNER_CODES[match.cube_owner],
        "on_roll": match.on_roll,
        "crawford": int(match.crawford),
        "game_state": int(match.game_state),
        "turn": match.turn,
        "doubled": int(match.doubled),
        "resigned": match.resigned,
        "die1": high,
        "die2": low,
        "length": match.length,
        "score0": match.scores[0],
        "score1": match.scores[1],
        "no_jacoby": int(not match.jacoby),
    }
    bits = shift = 0
    for name, width in _FIELDS:
        bits |= values[name] << shift
        shift += width
    return base64.b64encode(bits.to_bytes(9, "little")).decode("ascii")


def parse_match_id(text: str) -> MatchId:
    """What a Match ID says; blanks around it do not matter.

    Raises:
        IdError: not 12 base64 characters, or fields that gnubg never writes.
    """
    values = _split_fields(text.strip())
    try:
        owner = _OWNERS.get(values["cube_owner"])
        if owner is None:
            raise IdError("the cube owner is 2, it must be 0, 1 or 3 (centred)")
        if values["game_state"] > max(GnuGameState):
            raise IdError(f"the game state is {values['game_state']}, it must be 0 to {max(GnuGameState)}")
        dice = None
        if values["die1"] or values["die2"]:
            dice = make_roll(values["die1"], values["die2"])
        return MatchId(
            cube=1 << values["cube"],
            cube_owner=owner,
            on_roll=values["on_roll"],
            crawford=bool(values["crawford"]),
            game_state=GnuGameState(values["game_state"]),
            turn=values["turn"],
            doubled=bool(values["doubled"]),
            resigned=values["resigned"],
            dice=dice,
            length=values["length"],
            scores=(values["score0"], values["score1"]),
            jacoby=not values["no_jacoby"],
        )
    except (IdError, DiceError) as error:
        raise IdError(f"Match ID {quote(text)}: {error}") from None


def _split_fields(text: str) -> dict[str, int]:
    """The bit fields by name."""
    if len(text) != MATCH_ID_LENGTH:
        raise IdError(f"Match ID {quote(text)}: it has {len(text)} characters, a Match ID has {MATCH_ID_LENGTH}")
    if _BASE64_TEXT.fullmatch(text) is None:
        raise IdError(f"Match ID {quote(text)}: only A-Z, a-z, 0-9, + and / can stand in it")
    bits = int.from_bytes(base64.b64decode(text), "little")
    if bits >> _NUM_BITS:
        raise IdError(f"Match ID {quote(text)}: bits behind the last field are set, they must be 0")
    values = {}
    for name, width in _FIELDS:
        values[name] = bits & ((1 << width) - 1)
        bits >>= width
    return values
