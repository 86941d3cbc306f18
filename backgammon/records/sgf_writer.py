"""Match records as SGF in GNU Backgammon's dialect.

What the format holds comes back when it is read again: players, scores, length, rules, dice, plays, cube actions,
result, set-up positions, comments, luck, and the analysis of plays and of the cube to six decimals. What it cannot hold
is left out: the text of a play (its single moves stand instead), entries that make no sense, values of the cube other
than the next power of two, headers beyond those of `sgf.TEXT_HEADERS`, levels of analysis that GNU Backgammon does not
know.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from backgammon.records.labels import LabelledDecision, labelled_decisions
from backgammon.records.record import (
    Action,
    BeaverAction,
    DoubleAction,
    DropAction,
    GameRecord,
    MatchRecord,
    ResignAction,
    ResultAction,
    RollAction,
    Setup,
    TakeAction,
    UnreadableAction,
)
from backgammon.records.replay import ReplayedGame, replay_match
from backgammon.records.result import RESIGNED
from backgammon.records.retrace import find_hops
from backgammon.records.script import GameScript, order_events
from backgammon.records.sgf import CRAWFORD, CRAWFORD_GAME, CUBE_LIMIT, JACOBY, NO_CUBE, RATINGS, TEXT_HEADERS
from backgammon.records.sgf_moves import format_cube_analysis, format_hops_as_letters, format_play_analysis
from backgammon.records.sgf_tree import escape

_COLOURS = "WB"


def write_sgf(*matches: MatchRecord) -> str:
    """The text of an SGF file: UTF-8 is meant, lines end in a line feed.

    Raises:
        RecordError: another game than backgammon, whose plays cannot be followed.
    """
    parts: list[str] = []
    last = -1, -1  # length and last number of the match before: one that could be taken for its continuation
    for match in matches:
        numbers = _numbers(match, last)
        replayed = replay_match(match)
        for game, played, number in zip(match.games, replayed.games, numbers, strict=True):
            parts.append(f"({_root(match, game, played, number)}{_GameWriter(match, game, played).write()})\n\n")
            last = match.length, number
    return "".join(parts)


def _numbers(match: MatchRecord, last: tuple[int, int]) -> list[int]:
    """The numbers of the games, counted from 0; made anew where the ones in the log would tear the match apart.

    A number that does not go up begins another match.
    """
    numbers = [game.number - 1 for game in match.games]
    is_rising = all(earlier < later for earlier, later in pairwise([-1, *numbers]))
    would_continue = bool(numbers) and last[0] == match.length and numbers[0] > last[1]
    return numbers if is_rising and not would_continue else list(range(len(numbers)))


def _root(match: MatchRecord, game: GameRecord, replayed: ReplayedGame, number: int) -> str:
    """The first node of a game."""
    info = f"MI[length:{match.length}][game:{number}][ws:{game.scores[0]}][bs:{game.scores[1]}]"
    names = "".join(_text(key, name) for key, name in zip(("PW", "PB"), game.players, strict=True))
    texts = [_text(name, match.header(key)) for key, name in (*TEXT_HEADERS.items(), *RATINGS.items())]
    date = _text("DT", match.header("EventDate").replace(".", "-"))
    rules = "".join(f"RU[{rule}]" for rule in (":".join(_rules(match, replayed)),) if rule)
    script = order_events(game, has_cube=not replayed.score.is_crawford)
    problem = replayed.problem
    lost = f"The rest of this game was lost: {problem.text} {problem.reason}" if problem is not None else ""
    head = f";FF[4]GM[6]CA[UTF-8]AP[pairgammon]{info}{names}"
    return f"{head}{''.join(texts)}{date}{rules}{_result(replayed, script)}{_text('GC', lost)}"


def _text(name: str, text: str) -> str:
    """A property with a text of one line, nothing when it is empty."""
    collapsed = " ".join(text.split())
    return f"{name}[{escape(collapsed)}]" if collapsed else ""


def _rules(match: MatchRecord, replayed: ReplayedGame) -> Iterator[str]:
    """The words of RU."""
    if match.length and match.header("Crawford").casefold() != "off":
        yield CRAWFORD
    if replayed.score.is_crawford:
        yield CRAWFORD_GAME
    if match.is_money and match.header("Jacoby").casefold() == "on":
        yield JACOBY
    if match.header(CUBE_LIMIT[0]) == CUBE_LIMIT[1]:
        yield NO_CUBE


def _result(replayed: ReplayedGame, script: GameScript) -> str:
    """The property RE, with the points that are written in the log if the winner is; 0 when nobody knows them."""
    if replayed.winner is None:
        return ""
    is_unknown = replayed.ending == RESIGNED and replayed.size == 0
    points = 0 if is_unknown else max(1, replayed.size) * script.cube
    if script.result is not None and script.result.seat == replayed.winner:
        points = script.result.points or points
    elif script.resigned is not None and script.resigned.seat != replayed.winner:
        points = script.resigned.points or points
    return f"RE[{_COLOURS[replayed.winner]}+{points}{'R' if replayed.ending == RESIGNED else ''}]"


class _GameWriter:
    """The nodes of a game behind its root."""

    def __init__(self, match: MatchRecord, game: GameRecord, replayed: ReplayedGame) -> None:
        self._game = game
        self._is_match = match.length > 0
        script = order_events(game, has_cube=not replayed.score.is_crawford)
        rolls = script.rolls
        # Behind a play that is not legal the cube still tells what the result is worth.
        self._keeps_cube = script.broken is None
        num_good = replayed.num_rolls - (replayed.problem.num_lost if replayed.problem else 0)
        hops = find_hops(replayed.boards, replayed.dice, replayed.chosen_rows)
        # By identity, since equal rolls can occur twice in a game. Rolls that are missing here are lost.
        self._letters = {id(roll): "" for roll in rolls[:num_good]}
        for turn, moves in zip(replayed.turns.tolist(), hops, strict=True):
            self._letters[id(rolls[turn])] = format_hops_as_letters(moves, rolls[turn].seat)
        self._labelled = {id(labelled.action): labelled for labelled in labelled_decisions(game, replayed)}

    def write(self) -> str:
        """All nodes, each on a line of its own, up to what cannot be followed."""
        nodes = [] if self._game.start is None else [_write_setup(self._game.start)]
        for action in self._game.actions:
            if isinstance(action, UnreadableAction) or (isinstance(action, RollAction) and self._is_lost(action)):
                if self._keeps_cube:
                    continue
                break
            if isinstance(action, ResultAction | ResignAction):
                break
            value = self._value(action)
            if value:
                nodes.append(f"\n;{_COLOURS[action.seat]}[{value}]{self._write_notes(action)}")
            if isinstance(action, DropAction):
                break
        return "".join(nodes)

    def _is_lost(self, roll: RollAction) -> bool:
        return id(roll) not in self._letters and roll.roll is not None

    def _value(self, action: Action) -> str:
        """What was done; empty for what has no node."""
        match action:
            case RollAction(roll=(die1, die2)):
                return f"{die1}{die2}{self._letters[id(action)]}"
            case DoubleAction() | BeaverAction():
                return "double"
            case TakeAction():
                return "take"
            case DropAction():
                return "drop"
            case _:
                return ""

    def _write_notes(self, action: Action) -> str:
        notes = action.notes
        if notes is None:
            return ""
        labelled = self._labelled.get(id(action))
        plays = _write_plays(labelled) if labelled is not None else ""
        cube = format_cube_analysis(notes.cube, self._is_match) if notes.cube is not None else ""
        luck = "" if notes.luck is None else f"LU[{notes.luck:.6f}]"
        comment = f"C[{escape(notes.comment)}]" if notes.comment else ""
        return f"{cube}{plays}{luck}{comment}"


def _write_plays(labelled: LabelledDecision) -> str:
    """The property A."""
    decision, rows = labelled.decision, labelled.rows
    boards = np.repeat(decision.position.board[None], len(rows), axis=0)
    dice = np.repeat(np.array([decision.roll], dtype=np.int8), len(rows), axis=0)
    letters = [format_hops_as_letters(hops, labelled.action.seat) for hops in find_hops(boards, dice, rows)]
    made = next((index for index, row in enumerate(rows.tolist()) if row == decision.chosen), None)
    return format_play_analysis(labelled.analysis, letters, made)


def _write_setup(start: Setup) -> str:
    """The nodes that set up the position from which a game begins."""
    white, black = start.seen_by(0).board.tolist(), start.seen_by(1).board.tolist()
    nodes = f"\n;PL[{_COLOURS[start.turn]}]AE[a:y]"
    for name, board, seat in (("AW", white, 0), ("AB", black, 1)):
        points = [format_hops_as_letters([(point, point)], seat)[0] * max(0, board[point]) for point in range(1, 26)]
        checkers = "".join(points)
        nodes += f"{name}{''.join(f'[{letter}]' for letter in checkers)}" if checkers else ""
    owner = "c" if start.cube_owner is None else _COLOURS[start.cube_owner].lower()
    return f"{nodes}\n;CV[{start.cube}]\n;CP[{owner}]"
