"""GNU Backgammon's dialect of SGF (GM[6]): matches with their analysis, one game tree for each game.

White is seat 0, Black seat 1. The scores before a game, its number and the length of the match stand in MI, rules in
RU, the result in RE. Plays are dice and letters (see `sgf_moves`); dice alone are a roll without a play. A second
double in succession is a beaver. Nodes with AE, AW, AB, PL, CV, CP set a position up; DI sets dice by hand, which
counts as a roll when no play follows.

What is read is only put in order here; `replay` decides whether it can have been.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from backgammon.records.formats.sgf_moves import read_cube_analysis, read_hops, read_luck, read_play_analysis
from backgammon.records.formats.sgf_tree import GameTree, Node, find_tree, parse_trees
from backgammon.records.record.annotation import Notes, PlayAnalysis, make_notes
from backgammon.records.record.record import (
    Action,
    BeaverAction,
    DoubleAction,
    DropAction,
    GameRecord,
    IgnoredLine,
    MatchRecord,
    ResultAction,
    RollAction,
    Setup,
    TakeAction,
    UnreadableAction,
)
from backgammon.records.record.text_encoding import decode
from backgammon.records.replay.hops import format_hops, make_hops, spells_dice, swap_list
from backgammon.rules.board import START, Position
from backgammon.tools.errors import PositionError, RecordError

MAX_GAMES = 100_000
"""Games in a file."""

MAX_COMMENT = 10_000
"""Characters of a comment that are kept."""

COLOURS = {"W": 0, "B": 1}
TEXT_HEADERS = {"Event": "EV", "Round": "RO", "Site": "PC", "Transcriber": "AN"}
RATINGS = {"Player 1 Elo": "WR", "Player 2 Elo": "BR"}
CRAWFORD, CRAWFORD_GAME, JACOBY, NO_CUBE = "Crawford", "CrawfordGame", "Jacoby", "NoCube"
CUBE_LIMIT = ("CubeLimit", "1")
"""The header of a match without a cube."""

LARGEST_CUBE = 1 << 15
"""The largest value of the cube that is read; beyond it doubles turn nothing."""

_VARIATION = re.compile(r"nackgammon|hypergammon[1-3]?", re.IGNORECASE)
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_ROLL = re.compile(r"([1-6])([1-6])((?:[a-z]{2}){0,4})")
_DICE = re.compile(r"([1-6])([1-6])")
UNKNOWN_RESULT = "?"
"""In RE: the score of the next game says who has won, and nothing how."""
_RESULT = re.compile(r"([WB])\+([0-9]{1,6})(R|Resign)?", re.IGNORECASE)
_GAME_TYPE = re.compile(r"GM\s*\[\s*([0-9]{1,3})\s*\]")
_CHARACTER_SET = re.compile(rb"CA\[([^\]]{1,20})\]")
_POINTS = re.compile(r"([a-y])(?::([a-y]))?")
_HEAD_CHARACTERS = 1 << 16


def looks_like(head: bytes) -> bool:
    """True for the beginning of an SGF file of whatever game."""
    return re.match(rb"(?:\xef\xbb\xbf)?\s*+\(\s*+;", head) is not None


def read(data: bytes, name: str = "") -> list[MatchRecord]:
    """Every match in an SGF file.

    Args:
        data: the bytes of the file.
        name: of the file, kept in the records.

    Raises:
        RecordError: no SGF, another game than backgammon, or too many games.
    """
    declared = _CHARACTER_SET.search(data[:_HEAD_CHARACTERS])
    text, encoding = decode(data, declared[1].decode("ascii", "replace") if declared else "")
    if find_tree(text) < 0:
        raise RecordError("not an SGF file: it has no game tree '(;'")
    game_type = _GAME_TYPE.search(text[:_HEAD_CHARACTERS])
    if game_type is None or int(game_type[1]) != 6:
        found = f"GM[{game_type[1]}]" if game_type else "no GM"
        raise RecordError(f"an SGF file of another game: it has {found}, backgammon has GM[6]")
    collector = _Collector(name, encoding)
    for tree in parse_trees(text):
        collector.take_in(tree)
    return collector.finish()


class _Collector:
    """Games put together to matches: numbers go up within a match, and the length stays."""

    def __init__(self, name: str, encoding: str) -> None:
        self._name, self._encoding = name, encoding
        self._matches: list[MatchRecord] = []
        self._games: list[GameRecord] = []
        self._length, self._headers = 0, tuple[tuple[str, str], ...]()
        self._ignored: list[IgnoredLine] = []
        self._num_games = 0

    def take_in(self, tree: GameTree) -> None:
        """Go past the next game."""
        root = tree.nodes[0]
        info = _read_match_info(root)
        self._num_games += 1
        if self._num_games > MAX_GAMES:
            raise RecordError(f"line {root.line}: more than {MAX_GAMES:,} games in one file; split the file")
        number = info["game"] + 1
        if self._games and (info["length"] != self._length or number <= self._games[-1].number):
            self._end_match()
        if not self._games:
            self._length, self._headers = info["length"], tuple(_read_headers(root, info["length"]))
        players = tuple(" ".join(root.text(key).split()) for key in ("PW", "PB"))
        scores = info["ws"], info["bs"]
        reader = _GameReader(self._length, scores, is_crawford=CRAWFORD_GAME in _read_rules(root))
        reader.take_in(tree)
        actions = tuple(reader.actions)
        self._games.append(GameRecord(number, players, scores, actions, root.line, reader.start))  # type: ignore[arg-type]
        self._ignored += reader.ignored

    def finish(self) -> list[MatchRecord]:
        """All matches."""
        if self._games:
            self._end_match()
        return self._matches

    def _end_match(self) -> None:
        games = tuple(self._games)
        record = MatchRecord(
            self._length, games, self._headers, self._name, games[0].line, self._encoding, tuple(self._ignored[:100])
        )
        self._matches.append(record)
        self._games, self._ignored = [], []


def _read_match_info(root: Node) -> dict[str, int]:
    """The property MI: length, number of the game from 0, scores of White and Black."""
    info = {"length": 0, "game": 0, "ws": 0, "bs": 0}
    for value in root.properties.get("MI", ()):
        key, _, number = value.partition(":")
        if key in info and number.isascii() and number.isdigit() and len(number) < 10:
            info[key] = int(number)
    return info


def _read_headers(root: Node, length: int) -> Iterator[tuple[str, str]]:
    """Headers by the names that they have in .mat files."""
    for key, name in (*TEXT_HEADERS.items(), *RATINGS.items()):
        if text := " ".join(root.text(name).split()):
            yield key, text
    if date := root.text("DT").strip():
        found = _DATE.fullmatch(date)
        yield "EventDate", f"{found[1]}.{found[2]}.{found[3]}" if found else " ".join(date.split())
    rules = _read_rules(root)
    if variation := next((word for word in rules if _VARIATION.fullmatch(word)), ""):
        yield "Variation", variation
    if length and CRAWFORD not in rules:
        yield "Crawford", "Off"
    if JACOBY in rules:
        yield "Jacoby", "On"
    if NO_CUBE in rules:
        yield CUBE_LIMIT


def _read_rules(root: Node) -> list[str]:
    """The words of the property RU."""
    return [word for value in root.properties.get("RU", ()) for word in value.split(":")]


@dataclass
class _GameReader:
    """A game so far.

    Attributes:
        length: points of the match, 0 for money play.
        scores: before the game.
        is_crawford: the rules say that this is the Crawford game.
        board: 26 counts seen by White; None when it cannot be told any more.
        pending: roll that was set by hand and not played yet.
        cube: its value.
        doubler: seat whose double is unanswered.
    """

    length: int
    scores: tuple[int, int]
    is_crawford: bool
    actions: list[Action] = field(default_factory=list)
    ignored: list[IgnoredLine] = field(default_factory=list)
    start: Setup | None = None
    board: list[int] | None = field(default_factory=START.tolist)
    pending: RollAction | None = None
    turn: int = 0
    cube: int = 1
    cube_owner: int | None = None
    doubler: int | None = None
    is_set_up: bool = False

    def take_in(self, tree: GameTree) -> None:
        """Go past all nodes of the game."""
        for node in tree.nodes:
            if not node.properties.keys().isdisjoint(("AE", "AW", "AB", "PL", "CV", "CP", "DI")):
                self._set_up(node)
            for colour, seat in COLOURS.items():
                for value in node.properties.get(colour, ())[:1]:
                    self._act(node, seat, value.strip())
        self._end_set_up()
        self._flush()
        last = tree.nodes[-1].line
        if tree.damage:
            self.actions.append(UnreadableAction(0, tree.damage, line=last))
        told = tree.nodes[0].text("RE").strip()
        if told == UNKNOWN_RESULT:
            self.actions.append(UnreadableAction(0, f"RE[{told}], a result that nobody knows", line=last))
        if result := _RESULT.fullmatch(told):
            self.actions.append(ResultAction(COLOURS[result[1].upper()], int(result[2]) or None, line=last))

    def _act(self, node: Node, seat: int, value: str) -> None:
        self._end_set_up()
        if roll := _ROLL.fullmatch(value):
            self._play(node, seat, (int(roll[1]), int(roll[2])), roll[3])
            return
        self._flush()
        line, notes = node.line, self._read_notes(node)
        if value == "double" and self.doubler == 1 - seat:
            self.actions.append(BeaverAction(seat, line=line, notes=notes))
            self.cube = min(2 * self.cube, LARGEST_CUBE)
        elif value == "double":
            self.cube = min(2 * self.cube, LARGEST_CUBE)
            self.doubler = seat
            self.actions.append(DoubleAction(seat, self.cube, line=line, notes=notes))
        elif value in ("take", "drop"):
            self.doubler = None
            self.actions.append((TakeAction if value == "take" else DropAction)(seat, line=line, notes=notes))
        elif value not in ("accept", "reject") and not value.startswith("resign"):  # RE says what came of these
            self.actions.append(UnreadableAction(seat, value[:80], line=line))
            self.board = None

    def _play(self, node: Node, seat: int, dice: tuple[int, int], letters: str) -> None:
        if self.pending is not None and (self.pending.seat, self.pending.roll) != (seat, dice):
            self._flush()
        self.pending = None
        self.doubler = None
        own = None if self.board is None else self.board if seat == 0 else swap_list(self.board)
        notes = self._read_notes(node, read_play_analysis(node.properties.get("A", []), own, seat))
        hops = read_hops(letters, seat)
        hits = [False] * len(hops)
        if own is not None:
            after = own.copy()
            made = make_hops(after, hops)
            is_exact = made is not None and spells_dice(hops, dice)
            self.board = (after if seat == 0 else swap_list(after)) if is_exact else None
            hits = made if made is not None else hits
        self.actions.append(RollAction(seat, dice, format_hops(hops, hits), line=node.line, notes=notes))

    def _read_notes(self, node: Node, plays: PlayAnalysis | None = None) -> Notes | None:
        analysis = node.text("DA")
        cube = read_cube_analysis(analysis, is_match=self.length > 0) if analysis else None
        return make_notes(plays, cube, node.text("C").strip()[:MAX_COMMENT], read_luck(node.text("LU")))

    def _set_up(self, node: Node) -> None:
        """Take in the properties of a set-up node; they count only before the first action of the game."""
        properties = node.properties
        changes = {"AE", "AW", "AB"} & properties.keys()
        if changes:
            self.pending = None
            if self.actions:
                self._refuse(node, "a position set up by hand in mid-game")
            else:
                self._place(node)
        self.turn = COLOURS.get(node.text("PL").strip()[:1].upper(), self.turn)
        cube, owner = node.text("CV").strip(), node.text("CP").strip()[:1]
        if (cube or owner) and self.actions:
            text = f"CV[{cube[:20]}]CP[{owner}]"
            self.ignored.append(IgnoredLine(node.line, f"{text}: the cube was set by hand in mid-game"))
        elif cube or owner:
            if cube.isascii() and cube.isdigit() and 1 <= int(cube[:6]) <= LARGEST_CUBE:
                self.cube = 1 << (int(cube[:6]).bit_length() - 1)
            self.cube_owner = {"w": 0, "b": 1}.get(owner, self.cube_owner if not owner else None)
            self.is_set_up = True
        if dice := _DICE.fullmatch(node.text("DI").strip()):
            notes = self._read_notes(node)
            self.pending = RollAction(self.turn, (int(dice[1]), int(dice[2])), "", line=node.line, notes=notes)

    def _place(self, node: Node) -> None:
        """Take checkers off and put them on, one for each point named."""
        if self.board is None:
            return
        for name in ("AE", "AW", "AB"):
            for value in node.properties.get(name, ())[:100]:
                points = _POINTS.fullmatch(value.strip())
                if points is None:
                    self._refuse(node, f"{name}[{value[:20]}] is no point")
                    return
                first, last = (ord(letter) - ord("a") for letter in (points[1], points[2] or points[1]))
                for index in range(first, last + 1):
                    self._put(name, index)
        self.is_set_up = True

    def _put(self, name: str, index: int) -> None:
        """Change one point; index 24 is the bar. Never beyond what fits, which is judged at the end."""
        board = self.board
        if board is None:
            return
        white = 25 if index == 24 else index + 1
        black = 0 if index == 24 else index + 1
        if name == "AE":
            board[white] = board[black] = 0
        elif name == "AW":
            board[white] = min(board[white] + 1, 100)
        else:
            board[black] = max(board[black] - 1, -100)

    def _end_set_up(self) -> None:
        """The first action comes: what was set up is where the game begins."""
        if not self.is_set_up:
            return
        self.is_set_up = False
        if self.board is None:
            return
        try:
            position = Position(self.board if self.turn == 0 else swap_list(self.board))
        except PositionError as error:
            self.actions.append(UnreadableAction(0, f"a set-up position that cannot be ({error})"))
            self.board = None
            return
        is_crawford = self.is_crawford if self.length else None
        start = Setup(position, self.turn, self.cube, self.cube_owner, is_crawford)
        self.start = start if start.says_more(self.length, self.scores) else None

    def _refuse(self, node: Node, text: str) -> None:
        self.actions.append(UnreadableAction(0, text, line=node.line))
        self.board = None

    def _flush(self) -> None:
        """A roll set by hand that nobody played stays a roll."""
        if self.pending is not None:
            self.actions.append(self.pending)
            self.pending = None
