"""GNU Backgammon's board line (FIBS's "rawboard" with its own habits), as a state of the turn machine.

`board:` and 52 fields with colons between them. The 26 counts (fields 6 to 31) are seen by GNU Backgammon's player 1,
whoever is to move: positive counts are player 1, who moves from 24 down to 1. The turn field is 1 when player 1 is on
roll and -1 when player 0 is; while a double waits for an answer it is the DOUBLER. Players 0 and 1 are the seats 0
and 1. Source: dialogues recorded with GNU Backgammon 1.07.001; FIBS Client Protocol specification, "board:".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from backgammon.cube.stakes import CENTRED, OPPONENT, OWN, Stakes
from backgammon.rules import game as turns
from backgammon.rules.board import NUM_LOCATIONS, Position, swap
from backgammon.rules.game import GameState, Stage
from backgammon.tools.errors import GameError, NotationError
from backgammon.tools.quoting import quote

NUM_FIELDS = 52
_NUMBER = re.compile("-?[0-9]{1,5}")
_COLOUR, _DIRECTION = 41, 42
_NOT_CRAWFORD = 52


@dataclass(frozen=True)
class BoardQuestion:
    """A question of GNU Backgammon.

    Attributes:
        state: the game; the seat to act is the one that is asked.
        names: as written: the opponent's first, then that of the player who is asked (a take question swaps them).
        length: points of the match, 0 for money play.
        scores: in the order of the names.
        is_crawford: this is the Crawford game.
    """

    state: GameState
    names: tuple[str, str]
    length: int
    scores: tuple[int, int]
    is_crawford: bool = False

    def stakes(self, has_jacoby: bool = False) -> Stakes:
        """What the game is played for, seen by the seat on roll (who has doubled, while that is answered).

        Args:
            has_jacoby: the Jacoby rule is in use in money play; a board line does not say it.

        Raises:
            StakesError: the fields cannot stand together.
        """
        seat = self.state.turn
        # player 0 first; a take question is seen by who was doubled, and names and scores change places
        by_seat = self.scores[::-1] if self.state.stage is Stage.DOUBLED else self.scores
        owner = {None: CENTRED, seat: OWN}.get(self.state.cube_owner, OPPONENT)
        return Stakes(
            length=self.length,
            score=(by_seat[seat], by_seat[1 - seat]) if self.length else (0, 0),
            cube=self.state.cube,
            owner=CENTRED if self.state.cube == 1 else owner,
            is_crawford=self.is_crawford,
            has_jacoby=has_jacoby and not self.length,
        )


def parse_board_line(line: str) -> BoardQuestion:
    """The question that a line puts.

    Raises:
        NotationError: not a board line, or a field that cannot be read.
        PositionError: counts that cannot occur in a game.
        GameError: a state that the rules do not know.
        DiceError: impossible dice.
    """
    word, *fields = line.split(":")
    if word != "board":
        raise NotationError(f"{quote(line)}: a question begins with 'board:'")
    if len(fields) != NUM_FIELDS:
        raise NotationError(f"a board line has {NUM_FIELDS} fields, this one has {len(fields)}")
    numbers = [0, 0, 0, *(_parse_number(index, text) for index, text in enumerate(fields[2:], start=3))]
    if (numbers[_COLOUR], numbers[_DIRECTION]) != (1, -1):
        raise NotationError("colour and direction (fields 41 and 42) must be 1 and -1, as GNU Backgammon writes them")
    state = _parse_state(numbers)
    has_one_away = numbers[3] > 1 and (numbers[3] - numbers[4] == 1) != (numbers[3] - numbers[5] == 1)
    is_crawford = has_one_away and not numbers[_NOT_CRAWFORD]
    return BoardQuestion(state, (fields[0], fields[1]), numbers[3], (numbers[4], numbers[5]), is_crawford)


def _parse_number(index: int, text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise NotationError(f"field {index} of the board line is {quote(text)}, it must be a number")
    return int(text)


def _parse_state(numbers: list[int]) -> GameState:
    """The game; numbers[i] is field i."""
    counts = np.array(numbers[6 : 6 + NUM_LOCATIONS])
    flag = numbers[32]
    if flag not in (1, -1):
        raise GameError(f"the turn (field 32) is {flag}: there is nothing to decide unless it is 1 or -1")
    position = Position(counts if flag == 1 else swap(counts))
    seat = 1 if flag == 1 else 0
    may_double = {1: bool(numbers[38]), 0: bool(numbers[39])}
    state = turns.new_game(has_cube=any(may_double.values()), position=position, turn=seat)
    owner = None if may_double[0] == may_double[1] else int(may_double[1])
    state = replace(state, cube=_checked_cube(numbers[37]), cube_owner=owner)
    if numbers[40]:
        return turns.double(state)
    if numbers[33] or numbers[34]:
        return turns.roll_dice(state, numbers[33], numbers[34])
    return state


def _checked_cube(value: int) -> int:
    if not 1 <= value <= turns.MAX_CUBE or value & (value - 1):
        raise GameError(f"cube {value} (field 37): a cube shows a power of two from 1 to {turns.MAX_CUBE}")
    return value
