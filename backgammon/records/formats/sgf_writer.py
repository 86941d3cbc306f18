"""Match records as SGF in GNU Backgammon's dialect.

What the format holds comes back when it is read again: players, scores, length, rules, dice, plays, cube actions,
result, set-up positions, comments, luck, and the analysis of plays and of the cube to six decimals. What it cannot hold
is left out: the text of a play (its single moves stand instead), entries that make no sense, values of the cube other
than the next power of two, headers beyond those of `sgf.TEXT_HEADERS`, levels of analysis that GNU Backgammon does not
know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from backgammon.records.formats.sgf import (
    CRAWFORD,
    CRAWFORD_GAME,
    CUBE_LIMIT,
    JACOBY,
    LARGEST_CUBE,
    NO_CUBE,
    RATINGS,
    TEXT_HEADERS,
    UNKNOWN_RESULT,
)
from backgammon.records.formats.sgf_moves import format_cube_analysis, format_hops_as_letters, format_play_analysis
from backgammon.records.formats.sgf_tree import escape
from backgammon.records.record.record import (
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
)
from backgammon.records.replay.logged_labels import LabelledDecision, labelled_decisions
from backgammon.records.replay.replay import ReplayedGame, replay_match
from backgammon.records.replay.result import RESIGNED, UNKNOWN
from backgammon.records.replay.retrace import find_hops
from backgammon.records.replay.script import order_events

MAX_SIZE = 3
"""A backgammon: no game is worth more cubes."""

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
            parts.append(f"({_GameWriter(match, game, played).write(number)})\n\n")
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


def _root(match: MatchRecord, game: GameRecord, replayed: ReplayedGame, number: int, cube: int) -> str:
    """The first node of a game; `cube` is its value at the end, as the other nodes tell it."""
    info = f"MI[length:{match.length}][game:{number}][ws:{game.scores[0]}][bs:{game.scores[1]}]"
    names = "".join(_text(key, name) for key, name in zip(("PW", "PB"), game.players, strict=True))
    texts = [_text(name, match.header(key)) for key, name in (*TEXT_HEADERS.items(), *RATINGS.items())]
    date = _text("DT", match.header("EventDate").replace(".", "-"))
    rules = ":".join(_rules(match, replayed))
    problem = replayed.problem
    lost = f"The rest of this game was lost: {problem.text} {problem.reason}" if problem is not None else ""
    head = f";FF[4]GM[6]CA[UTF-8]AP[pairgammon]{info}{names}{''.join(texts)}{date}{f'RU[{rules}]' if rules else ''}"
    return f"{head}{_result(game, replayed, cube)}{_text('GC', lost)}"


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


def _result(game: GameRecord, replayed: ReplayedGame, cube: int) -> str:
    """The property RE, with the points that are written in the log where a reader takes the same size from them."""
    if replayed.winner is None:
        return ""
    if replayed.ending == UNKNOWN:
        return f"RE[{UNKNOWN_RESULT}]"
    written = _written_points(game, replayed.winner)
    if replayed.ending == RESIGNED:
        size = 0 if written > MAX_SIZE * cube else -(-written // cube)
        points = written if size == replayed.size else replayed.size * cube
    else:
        points = written or max(1, replayed.size) * cube
    return f"RE[{_COLOURS[replayed.winner]}+{points}{'R' if replayed.ending == RESIGNED else ''}]"


def _written_points(game: GameRecord, winner: int) -> int:
    """Points that the log gives the winner, 0 without."""
    for action in game.actions:
        if isinstance(action, ResultAction) and action.seat == winner and action.points:
            return action.points
    resigned = (action for action in game.actions if isinstance(action, ResignAction) and action.seat != winner)
    return next((action.points for action in resigned if action.points), 0)


class _GameWriter:
    """The nodes of a game."""

    def __init__(self, match: MatchRecord, game: GameRecord, replayed: ReplayedGame) -> None:
        self._match = match
        self._game = game
        self._replayed = replayed
        self._has_cube = not replayed.score.is_crawford
        script = order_events(game, self._has_cube)
        rolls = script.rolls
        self._last = script.broken.action if script.broken is not None else None
        num_good = replayed.num_rolls - (replayed.problem.num_lost if replayed.problem else 0)
        hops = find_hops(replayed.plays.boards, replayed.plays.dice, replayed.plays.chosen_rows)
        # By identity, since equal rolls can occur twice in a game. Rolls that are missing here are lost.
        self._letters = {id(roll): "" for roll in rolls[:num_good]}
        for turn, moves in zip(replayed.turns.tolist(), hops, strict=True):
            self._letters[id(rolls[turn])] = format_hops_as_letters(moves, rolls[turn].seat)
        self._labelled = {id(labelled.action): labelled for labelled in labelled_decisions(game, replayed)}

    def write(self, number: int) -> str:
        """All nodes, each on a line of its own.

        Args:
            number: of the game, from 0.
        """
        setup = "" if self._game.start is None else _write_setup(self._game.start)
        kept = self._kept_actions()
        nodes = [f"\n;{_COLOURS[a.seat]}[{self._value(a)}]{self._write_notes(a)}" for a in kept]
        root = _root(self._match, self._game, self._replayed, number, self._cube(kept))
        return f"{root}{setup}{''.join(nodes)}"

    def _kept_actions(self) -> list[Action]:
        """What has a node, up to the end of the game or to what makes no sense.

        Behind a play that is not legal no rolls are written, but the cube still tells what the result is worth.
        """
        kept: list[Action] = []
        for action in self._game.actions:
            if action is self._last or isinstance(action, ResultAction | ResignAction):
                break
            if self._value(action):
                kept.append(action)
            if isinstance(action, DropAction):
                break
        return kept

    def _cube(self, kept: list[Action]) -> int:
        """Value of the cube at the end for a reader who sees only these entries."""
        cube = self._game.start.cube if self._game.start is not None else 1
        seen: list[Action] = []
        doubler: int | None = None
        for action in kept:
            if not isinstance(action, DoubleAction | BeaverAction):
                doubler = None
                seen.append(action)
                continue
            cube = min(2 * cube, LARGEST_CUBE)
            if doubler == 1 - action.seat:
                seen.append(BeaverAction(action.seat))
            else:
                doubler = action.seat
                seen.append(DoubleAction(action.seat, cube))
        return order_events(replace(self._game, actions=tuple(seen)), self._has_cube).cube

    def _value(self, action: Action) -> str:
        """What was done; empty for what has no node."""
        match action:
            case RollAction() if id(action) not in self._letters:
                return ""
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
        cube = format_cube_analysis(notes.cube, is_match=self._match.length > 0) if notes.cube is not None else ""
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
