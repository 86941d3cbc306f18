"""What an analysing program wrote into a log: the value of candidates and of cube actions, and how it was found.

Axes: N candidates that were evaluated (often not all that the roll allows), 6 outcomes in the order of OUTCOMES.

Equities of different levels are not comparable to the last digit: every candidate keeps its own level. At a match score
they are those of the writer: expected points per cube, normalised so that a single game won or lost is +1 or -1 (EMG).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backgammon.rules.board import BAR, NUM_CHECKERS, NUM_LOCATIONS, OPPONENT_BAR, Board
from backgammon.tools.arrays import Boards, Bools, Float32s

OUTCOMES = ("win single", "win gammon", "win backgammon", "lose single", "lose gammon", "lose backgammon")
"""The six exclusive outcomes; their chances sum to 1."""


EVALUATION, ROLLOUT, BOOK, UNKNOWN = "evaluation", "rollout", "book", "unknown"
"""Methods of evaluation that all programs share; others go by the name that their program gives them."""


@dataclass(frozen=True, slots=True)
class Level:
    """How an evaluation was made.

    Attributes:
        method: EVALUATION, ROLLOUT, BOOK, UNKNOWN, or the program's own name for it ("XG Roller++").
        plies: of an evaluation, 0 for the evaluator alone (GNU Backgammon's count; eXtreme Gammon calls it 1-ply).
        trials: games of a rollout, 0 when not written.
        is_cubeful: the cube was taken into account.
    """

    method: str = UNKNOWN
    plies: int | None = None
    trials: int = 0
    is_cubeful: bool = True

    def __str__(self) -> str:
        text = self.method if self.plies is None else f"{self.plies}-ply"
        if self.method == ROLLOUT and self.trials:
            text += f" of {self.trials:,} games"
        return text if self.is_cubeful else f"{text} cubeless"


@dataclass(frozen=True, slots=True, eq=False)
class PlayAnalysis:
    """Candidates of one roll with their values, in the order of the writer (best first).

    Attributes:
        afters: int8[N, 26], seen by the player who has just moved.
        equities: float32[N] for that player, cubeful unless the level says otherwise.
        chances: float32[N, 6] of OUTCOMES for that player; NaN where they are not written.
        levels: N levels.
    """

    afters: Boards
    equities: Float32s
    chances: Float32s
    levels: tuple[Level, ...]

    def __len__(self) -> int:
        return len(self.equities)

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, PlayAnalysis):
            return NotImplemented
        return (
            self.levels == other.levels
            and np.array_equal(self.afters, other.afters)
            and np.array_equal(self.equities, other.equities)
            and np.array_equal(self.chances, other.chances, equal_nan=True)
        )

    def __hash__(self) -> int:
        return hash((self.afters.tobytes(), self.equities.tobytes(), self.levels))

    def row_of(self, after: Board) -> int | None:
        """Row of a position, int8[26] seen by the player who has just moved; None when it was not evaluated."""
        found = np.flatnonzero((self.afters == after).all(axis=1))
        return int(found[0]) if len(found) else None

    def select(self, kept: Bools) -> PlayAnalysis:
        """The candidates for which bool[N] is true."""
        levels = tuple(level for level, is_kept in zip(self.levels, kept.tolist(), strict=True) if is_kept)
        return PlayAnalysis(self.afters[kept], self.equities[kept], self.chances[kept], levels)


@dataclass(frozen=True, slots=True)
class CubeAnalysis:
    """The value of each cube action, all for the player on roll, who may double.

    Attributes:
        level: how they were found.
        chances: of OUTCOMES without a cube; None when not written.
        no_double: equity of rolling on; None when not written, likewise the next two.
        double_take: equity after a double that is taken, per cube before the double.
        double_pass: equity after a double that is dropped.
        is_mwc: the three are match-winning chances from 0 to 1, not equities (GNU Backgammon's files of matches).
    """

    level: Level
    chances: tuple[float, float, float, float, float, float] | None = None
    no_double: float | None = None
    double_take: float | None = None
    double_pass: float | None = None
    is_mwc: bool = False


@dataclass(frozen=True, slots=True)
class Notes:
    """What is written about an entry of a game besides what was done.

    Attributes:
        plays: candidates of the roll.
        cube: the cube action before the roll, or the one that this entry is.
        comment: free text.
        luck: equity that the roll was worth more than the average roll; None when not written.
    """

    plays: PlayAnalysis | None = None
    cube: CubeAnalysis | None = None
    comment: str = ""
    luck: float | None = None


def make_notes(
    plays: PlayAnalysis | None = None, cube: CubeAnalysis | None = None, comment: str = "", luck: float | None = None
) -> Notes | None:
    """Notes, or None when there is nothing in them."""
    if plays is None and cube is None and not comment and luck is None:
        return None
    return Notes(plays, cube, comment, luck)


def make_play_analysis(
    afters: Boards, equities: Float32s, chances: Float32s, levels: list[Level]
) -> PlayAnalysis | None:
    """The candidates that can be: possible positions with finite equities; None when nothing is left.

    Args:
        afters: int8[N, 26], seen by the player who has just moved.
        equities: float32[N].
        chances: float32[N, 6]; a row with anything but finite numbers counts as not written.
        levels: N levels.
    """
    usable = valid_boards(afters) & np.isfinite(equities)
    if not usable.any():
        return None
    chances = np.where(np.isfinite(chances).all(axis=1, keepdims=True), chances, np.float32(np.nan))
    return PlayAnalysis(afters, equities, chances, tuple(levels)).select(usable)


def valid_boards(boards: Boards) -> Bools:
    """bool[N]: which of int8[N, 26] can occur in a game; see `board.check_board`."""
    wide = boards.astype(np.int64).reshape(-1, NUM_LOCATIONS)
    own, opponent = np.maximum(wide, 0).sum(axis=1), np.maximum(-wide, 0).sum(axis=1)
    is_complete = (own <= NUM_CHECKERS) & (opponent <= NUM_CHECKERS) & (own + opponent > 0)
    valid: Bools = is_complete & (wide[:, BAR] >= 0) & (wide[:, OPPONENT_BAR] <= 0)
    return valid


def exclusive_chances(win: float, win_g: float, win_b: float, lose: float, lose_g: float, lose_b: float) -> list[float]:
    """Chances of OUTCOMES from cumulative ones, where a gammon includes backgammons (as all programs write them)."""
    return [win - win_g, win_g - win_b, win_b, lose - lose_g, lose_g - lose_b, lose_b]


def cumulative_chances(chances: Any) -> list[float]:
    """(win, win gammon or more, win backgammon, lose, ...) from chances of OUTCOMES; inverse of `exclusive_chances`."""
    values = [float(value) for value in chances]
    cumulative: list[float] = []
    for first in (0, 3):
        cumulative += [sum(values[first : first + 3]), sum(values[first + 1 : first + 3]), values[first + 2]]
    return cumulative
