"""What texts of single positions have in common: numbers, percentages, levels, candidates named by their plays.

A position becomes a match record with one game that begins there. Seat 1 is the bottom player (X), as in GNU
Backgammon. No pattern here or in the modules that use it has nested or overlapping repeats: the time is linear in the
length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from backgammon.notation.xgid import BOTTOM, CENTRED, XgId
from backgammon.records.record.annotation import (
    EVALUATION,
    ROLLOUT,
    CubeAnalysis,
    Level,
    Notes,
    PlayAnalysis,
    exclusive_chances,
    make_notes,
    make_play_analysis,
)
from backgammon.records.record.record import (
    Action,
    BeaverAction,
    DoubleAction,
    GameRecord,
    MatchRecord,
    RollAction,
    Setup,
)
from backgammon.records.replay.execution import find_rows
from backgammon.rules.board import Position
from backgammon.rules.decision import Decision
from backgammon.rules.dice import Roll

MAX_CANDIDATES = 200
"""Candidates of a position that are read."""

MAX_POSITIONS = 20_000
"""Positions in a file."""

NUMBER = r"[-+]?[0-9]{1,6}[.,][0-9]{1,10}"
_SIX = re.compile(rf"\s*+({NUMBER})\s++({NUMBER})\s++({NUMBER})\s++-\s++({NUMBER})\s++({NUMBER})\s++({NUMBER})\b")
_BAR_WORD = re.compile(r"(?<!\w)[^\W\d]{1,12}+(?=/)")  # in whatever language
_OFF_WORD = re.compile(r"(?<=/)[^\W\d]{1,12}+")
_PLIES = re.compile(r"([0-9]{1,2})-pl[a-zé]{1,4}\b", re.IGNORECASE)


def to_number(text: str) -> float:
    """A number with a decimal point or, from translated programs, a comma."""
    return float(text.replace(",", "."))


def read_six_chances(line: str) -> list[float] | None:
    """Chances of the six outcomes from "win wg wb - lose lg lb", cumulative, as fractions of 1 or of 100."""
    found = _SIX.match(line)
    if found is None:
        return None
    win, win_g, win_b, lose, lose_g, lose_b = (to_number(text) for text in found.groups())
    scale = 100.0 if win + lose > 50 else 1.0
    return [value / scale for value in exclusive_chances(win, win_g, win_b, lose, lose_g, lose_b)]


def read_level(text: str, first_ply: int) -> Level:
    """A level from the words of a program.

    Args:
        text: such as "4-ply", "Cubeful 2-ply", "Rollout", "XG Roller++".
        first_ply: what the program calls the evaluator alone: 0, or 1 as eXtreme Gammon does.
    """
    is_cubeful = "cubeless" not in text.lower()
    if plies := _PLIES.search(text):
        return Level(EVALUATION, max(0, int(plies[1]) - first_ply), is_cubeful=is_cubeful)
    if "rollout" in text.lower():
        return Level(ROLLOUT, is_cubeful=is_cubeful)
    return Level(" ".join(text.strip(" ¹²³⁴⁵⁶⁷⁸⁹").split())[:40] or "unknown", is_cubeful=is_cubeful)


@dataclass
class CandidateList:
    """Candidates as they are read, line by line.

    Attributes:
        plays: texts.
        equities: as written.
        levels: as written.
        chances: of the six outcomes for each; None until the line of them has come.
    """

    plays: list[str] = field(default_factory=list)
    equities: list[float] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    chances: list[list[float] | None] = field(default_factory=list)

    def add(self, play: str, equity: float, level: Level) -> None:
        """A candidate; what has no points in it is none, and beyond MAX_CANDIDATES nothing is kept."""
        if len(self.plays) < MAX_CANDIDATES and any(character.isdigit() for character in play):
            play = _OFF_WORD.sub("off", _BAR_WORD.sub("bar", play.replace(",", " ")))
            self.plays.append(" ".join(play.split()))
            self.equities.append(equity)
            self.levels.append(level)
            self.chances.append(None)

    def add_chances(self, chances: list[float]) -> None:
        """Chances of the last candidate, if it has none yet."""
        if self.chances and self.chances[-1] is None:
            self.chances[-1] = chances

    def resolve(self, position: Position, roll: Roll | tuple[int, int]) -> PlayAnalysis | None:
        """The candidates by their resulting positions; those whose play is not legal are left out."""
        if not self.plays or position.is_over:
            return None
        decision = Decision.make(position, roll)
        rows = find_rows(position.board, decision.roll, self.plays)
        kept = np.flatnonzero(rows >= 0).tolist()
        if not kept:
            return None
        chances = [self.chances[index] or [np.nan] * 6 for index in kept]
        equities = np.array([self.equities[index] for index in kept], dtype=np.float32)
        levels = [self.levels[index] for index in kept]
        return make_play_analysis(decision.candidates[rows[kept]], equities, np.array(chances, np.float32), levels)


def record_of_xgid(
    xgid: XgId,
    players: tuple[str, str],
    candidates: CandidateList,
    cube: CubeAnalysis | None,
    place: tuple[str, int, str],
    comment: str = "",
) -> MatchRecord:
    """The match record of a position that is given by its XGID.

    Args:
        xgid: the position.
        players: names of the top (O) and the bottom (X) player.
        candidates: what was written about the roll.
        cube: what was written about the cube action.
        place: name of the file, line, and encoding.
        comment: what somebody wrote about it.
    """
    name, line, encoding = place
    seat = 1 if xgid.turn == BOTTOM else 0
    owner = None if xgid.cube_owner == CENTRED else 1 if xgid.cube_owner == BOTTOM else 0
    start = Setup(xgid.position, seat, xgid.cube, owner, xgid.crawford if xgid.length else None)
    plays = candidates.resolve(xgid.position, xgid.dice) if xgid.dice is not None else None
    actions = _actions(xgid, seat, make_notes(plays, cube, comment), line)
    scores = xgid.scores[1], xgid.scores[0]
    kept = start if start.says_more(xgid.length, scores) else None
    game = GameRecord(1, players, scores, tuple(actions), line, kept)
    rules = () if xgid.length else (("Jacoby", _on(xgid.jacoby)), ("Beaver", _on(xgid.beavers)))
    return MatchRecord(xgid.length, (game,), rules, name, line, encoding)


def _actions(xgid: XgId, seat: int, notes: Notes | None, line: int) -> list[Action]:
    """The roll to be played or the double to be answered; else a roll still to come, which carries the notes."""
    if xgid.cube_action:
        actions: list[Action] = [DoubleAction(seat, 2 * xgid.cube, line=line, notes=notes)]
        if xgid.cube_action in "BR":
            actions.append(BeaverAction(1 - seat, line=line))
        if xgid.cube_action == "R":
            actions.append(BeaverAction(seat, line=line))
        return actions
    if xgid.dice is None:
        return [RollAction(seat, None, "", line=line, notes=notes)]
    return [RollAction(seat, (xgid.dice.high, xgid.dice.low), "", line=line, notes=notes)]


def _on(flag: bool) -> str:
    return "On" if flag else "Off"
