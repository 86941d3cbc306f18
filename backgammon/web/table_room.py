"""Games in play between a person (seat 0) and the engine (seat 1): one at each table, saved after everything done.

A page names the number of actions that it has seen; one that has not seen all of them is refused (`StaleTurn`) and gets
the table as it stands. So two pages on one game can never disagree, and a request that is sent twice is done once.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backgammon.analysis.candidate_table import order_note
from backgammon.analysis.tutor import LEAST_LOSS, candidate_fields
from backgammon.evaluation.strengths import MAX_PLIES
from backgammon.notation.identifier import parse_identifier
from backgammon.notation.play_text import complete_play
from backgammon.rules.dice import parse_roll
from backgammon.rules.game import Stage
from backgammon.table.arena.options import MAX_MATCH_LENGTH, SetUp, parse_set_up
from backgammon.table.cube_seat import CubeSeat
from backgammon.table.resignation import check_resignation
from backgammon.table.saved_session import SavedSession, open_session
from backgammon.table.session import CubeRules, Turn
from backgammon.tools.errors import ConfigError, GameError, RecordError
from backgammon.web.engine_desk import EngineDesk
from backgammon.web.request_fields import Fields
from backgammon.web.wire import ENGINE, PERSON, Json, game_view, moves_view

MAX_TABLES = 24
"""Games held in memory; the one that was left alone longest is put away (it stays on the disk)."""
MAX_LISTED = 200
"""Saved games that are listed, newest first."""

LARGEST_SEED = 1 << 31
GAME_KIND = "web game"
_ID = re.compile("[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")


class StaleTurn(GameError):
    """The page has not seen what was done last; `view` shows the table as it stands."""

    def __init__(self, view: Json) -> None:
        self.view = view
        super().__init__("this page has not seen the last turn; here is the game as it stands")


@dataclass(frozen=True)
class GameSettings:
    """What a game at a table is played under, besides what the session knows.

    Attributes:
        level: of the engine, see `engine.levels`.
        plies: that the engine looks ahead at level full.
        tutor: equity from which on the tutor speaks up; 0 for no tutor.
        tutor_plies: depth of tutor and hints.
    """

    level: str = "full"
    plies: int = 0
    tutor: float = LEAST_LOSS
    tutor_plies: int = 1


class GameTable:
    """A game or match in play."""

    def __init__(self, game_id: str, path: Path, session: SavedSession) -> None:
        """Sit down at a session.

        Raises:
            RecordError: the session is not of a kind that is played here.
        """
        if session.about.get("kind") != GAME_KIND:
            raise RecordError(f"{path}: not a game of the web board")
        self.id = game_id
        self.path = path
        self.session = session
        self.settings = parse_settings(Fields(session.about.get("settings")))
        self.touched = time.monotonic()
        self.events: list[Json] = []

    @property
    def version(self) -> int:
        """Actions so far: what a page must have seen before it may act."""
        return len(self.session.actions)

    def view(self, since: int | None = None) -> Json:
        """The game for the page, with what has happened since it had seen `since` actions."""
        events = [] if since is None else [event for event in self.events if event["version"] > since]
        settings = asdict(self.settings)
        return {
            "id": self.id,
            "version": self.version,
            "settings": settings,
            "events": events,
            **game_view(self.session),
        }

    def save(self) -> None:
        """Write the session to its file."""
        self.session.save(self.path)

    def note(self, kind: str, **values: Any) -> None:
        """Remember an event for pages that have not seen it."""
        self.events.append({"kind": kind, "version": self.version, **values})
        del self.events[:-200]


class TableRoom:
    """All tables; for one thread at a time."""

    def __init__(self, folder: Path, desk: EngineDesk, levels: tuple[str, ...]) -> None:
        """Open the room.

        Args:
            folder: where games are saved.
            desk: play and judge.
            levels: names of the engine's levels.
        """
        self.folder = folder
        self.desk = desk
        self.levels = levels
        self._tables: dict[str, GameTable] = {}

    def new_game(self, fields: Fields) -> Json:
        """Set up a game and give its view.

        Raises:
            PairgammonError: a setting that cannot be.
        """
        settings = parse_settings(fields)
        if settings.level not in self.levels:
            raise ConfigError(f"level: one of {', '.join(self.levels)} is needed")
        length = fields.whole("length", 0, MAX_MATCH_LENGTH, 0)
        seed = fields.whole("seed", 0, LARGEST_SEED, secrets.randbelow(1_000_000))
        names = (_clean_name(fields.text("name", "You", 40)), _engine_name(settings))
        cube = (
            CubeRules(fields.flag("has_jacoby"), fields.flag("has_beavers")) if fields.flag("has_cube", True) else None
        )
        about = {"kind": GAME_KIND, "settings": asdict(settings), "created": int(time.time())}
        session = SavedSession(names, seed, length, None, _parse_start(fields), cube, about)
        game_id = time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)
        table = GameTable(game_id, self._path(game_id), session)
        table.save()
        self._seat(table)
        return table.view(0)

    def table(self, game_id: str) -> GameTable:
        """The table of a game, opened again where it was put away.

        Raises:
            RecordError: no such game, or its file cannot be used.
        """
        if game_id not in self._tables:
            if not _ID.fullmatch(game_id) or not self._path(game_id).is_file():
                raise RecordError("there is no such game")
            self._seat(GameTable(game_id, self._path(game_id), open_session(self._path(game_id))))
        table = self._tables[game_id]
        table.touched = time.monotonic()
        return table

    def games(self) -> list[Json]:
        """The saved games, newest first: who, how long, the score; of one that cannot be read why."""
        paths = sorted(self.folder.glob("*.json"), reverse=True)[:MAX_LISTED] if self.folder.is_dir() else []
        return [self._summary(path) for path in paths if _ID.fullmatch(path.stem)]

    def act(self, game_id: str, fields: Fields) -> Json:
        """Do what the person, or the page on behalf of the engine, asks for.

        Returns:
            The view, with what has happened; or {"warning": verdict} where the tutor speaks up, and nothing was done.

        Raises:
            StaleTurn: the page has not seen the last action.
            PairgammonError: it cannot be done; the session is as before.
        """
        table = self.table(game_id)
        seen = fields.whole("version", 0, 1 << 30)
        if seen != table.version:
            raise StaleTurn(table.view())
        action = fields.choice("action", tuple(_ACTIONS))
        warning = _ACTIONS[action](self, table, fields)
        if warning is not None:
            return {"warning": warning, "version": table.version}
        table.save()
        return table.view(seen)

    def hint(self, game_id: str, fields: Fields) -> Json:
        """The best plays of the roll that the person has to play, or what the cube decision comes to."""
        table = self.table(game_id)
        plies = fields.whole("plies", 0, MAX_PLIES, table.settings.tutor_plies)
        session = table.session
        if session.state.seat_to_act == PERSON:
            found = self.desk.tutor(plies).judge_cube(session, "roll")
            if found is not None:
                return {"version": table.version, "cube": found.fields}
        decision = _own_decision(table)
        ranked = self.desk.at_stakes(plies).rank_plays(decision, session.stakes)
        shown = ranked[: fields.whole("count", 1, 200, 8)]
        note = order_note([(one.ply, one.equity) for one in shown])
        return {
            "version": table.version,
            "candidates": [candidate_fields(decision, one) for one in shown],
            "note": note,
        }

    def _seat(self, table: GameTable) -> None:
        """Give a table a place; the one left alone longest makes room."""
        while len(self._tables) >= MAX_TABLES:
            del self._tables[min(self._tables.values(), key=lambda one: one.touched).id]
        self._tables[table.id] = table

    def _path(self, game_id: str) -> Path:
        return self.folder / f"{game_id}.json"

    def _summary(self, path: Path) -> Json:
        try:
            session = self._tables[path.stem].session if path.stem in self._tables else open_session(path)
        except (RecordError, OSError) as error:
            return {"id": path.stem, "problem": str(error)}
        return {
            "id": path.stem,
            "names": list(session.names),
            "length": session.score.length,
            "points": list(session.score.points),
            "is_over": session.is_over,
            "games": session.num_finished,
        }


def parse_settings(fields: Fields) -> GameSettings:
    """The settings in a request, or in a saved game."""
    return GameSettings(
        level=fields.text("level", "full", 40),
        plies=fields.whole("plies", 0, MAX_PLIES, 0),
        tutor=fields.number("tutor", 0, 6, LEAST_LOSS),
        tutor_plies=fields.whole("tutor_plies", 0, MAX_PLIES, 1),
    )


def _parse_start(fields: Fields) -> SetUp | None:
    """Where the first game begins; the person is the bottom player of an XGID, of a Position ID the one on roll."""
    if not fields.has("position"):
        return None
    found = parse_identifier(fields.text("position"))
    match = found.match
    if match.doubled or max(match.scores):
        raise ConfigError("position: a game that begins at a position begins at 0-0, and with no double on offer")
    first = PERSON if found.match.on_roll == 1 else ENGINE
    dice = parse_roll(fields.text("dice", most=10)) if fields.has("dice") else found.match.dice
    return parse_set_up({"position": found.position, "dice": dice, "first": first})


def _first_cube(fields: Fields) -> tuple[int, int | None]:
    """Value and owner of the cube where the first game begins."""
    if not fields.has("position"):
        return 1, None
    match = parse_identifier(fields.text("position")).match
    return match.cube, None if match.cube_owner < 0 else PERSON if match.cube_owner == 1 else ENGINE


def _clean_name(text: str) -> str:
    """A name for the record, on one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "You"


def _engine_name(settings: GameSettings) -> str:
    plies = f" {settings.plies}-ply" if settings.level == "full" else f" ({settings.level})"
    return f"pairgammon{plies}"


def _own_decision(table: GameTable) -> Any:
    """The choice that the person has.

    Raises:
        GameError: it is not the person's turn to play.
    """
    state = table.session.state
    if state.stage is not Stage.PLAY or state.turn != PERSON:
        raise GameError("it is not your turn to play checkers")
    return table.session.decision()


# Actions: each does its part, or raises an error and changes nothing; a tutor's warning is returned.


def _roll(room: TableRoom, table: GameTable, fields: Fields) -> Json | None:
    """The person rolls, and so does not double where that was possible."""
    state = table.session.state
    if state.stage is not Stage.OPENING and state.seat_to_act != PERSON:
        raise GameError("it is not your turn to roll")
    warning = _cube_warning(room, table, fields, "roll")
    if warning is None:
        _throw(table)
    return warning


def _cube_warning(room: TableRoom, table: GameTable, fields: Fields, action: str) -> Json | None:
    """What the tutor has to say about what is to be done with the cube; None when it keeps quiet."""
    settings = table.settings
    if not settings.tutor or fields.flag("is_confirmed"):
        return None
    found = room.desk.tutor(settings.tutor_plies).judge_cube(table.session, action)
    return found.as_dict() if found is not None and found.loss >= settings.tutor else None


def _double(room: TableRoom, table: GameTable, fields: Fields) -> Json | None:
    if table.session.state.seat_to_act != PERSON:
        raise GameError("it is not your turn to double")
    warning = _cube_warning(room, table, fields, "double") if table.session.may_double else None
    if warning is None:
        _offer(table)
    return warning


def _offer(table: GameTable) -> None:
    table.session.double()
    table.note("double", seat=table.session.state.turn, cube=2 * table.session.state.cube)


def _answer_as(word: str) -> Callable[[TableRoom, GameTable, Fields], Json | None]:
    """The person's answer to a double: take, beaver or drop."""

    def act(room: TableRoom, table: GameTable, fields: Fields) -> Json | None:
        state = table.session.state
        if state.stage is not Stage.DOUBLED or state.seat_to_act != PERSON:
            raise GameError("there is no double for you to answer")
        warning = _cube_warning(room, table, fields, word)
        if warning is None:
            _answer_double(table, getattr(table.session, word))
        return warning

    return act


def _answer_double(table: GameTable, answer: Callable[[], None]) -> None:
    """The doubled seat takes, beavers or drops."""
    session = table.session
    seat = session.state.seat_to_act
    answer()
    word = str(session.actions[-1][0])
    table.note(word, seat=seat, cube=session.state.cube)
    _note_result(table)


def _throw(table: GameTable) -> None:
    is_opening = table.session.state.stage is Stage.OPENING
    table.session.throw_dice()
    state = table.session.state
    table.note("roll", seat=state.turn, dice=list(state.roll or ()), is_opening=is_opening)


def _play(room: TableRoom, table: GameTable, fields: Fields) -> Json | None:
    """The person's play, by row or as text; the tutor may speak up first."""
    decision = _own_decision(table)
    if fields.has("text"):
        row = complete_play(fields.text("text"), decision)
    else:
        row = fields.whole("row", 0, len(decision.candidates) - 1)
    limit = table.settings.tutor
    if limit and not decision.is_forced and not fields.flag("is_confirmed"):
        verdict = room.desk.tutor(table.settings.tutor_plies).judge_play(table.session, row)
        if verdict.loss >= limit:
            return verdict.as_dict()
    _move(table, lambda: table.session.play(row))
    return None


def _move(table: GameTable, play: Callable[[], Turn]) -> None:
    """Play and note what it looked like."""
    before = table.session.board_of(PERSON).board.tolist()
    turn = play()
    moves = moves_view(turn.decision.play_of(turn.decision.chosen or 0))
    table.note("play", seat=turn.seat, before=before, moves=moves, text=turn.text, dice=list(turn.decision.roll))
    _note_result(table)


def _note_result(table: GameTable) -> None:
    result = table.session.state.result
    if result is not None:
        table.note("result", winner=result.winner, points=result.points, size=result.size, ending=result.ending.value)


def _go(room: TableRoom, table: GameTable, _fields: Fields) -> None:
    """The engine does what it has to do now, until the person is to act."""
    session = table.session
    if session.state.is_over or session.state.seat_to_act != ENGINE:
        raise GameError("the engine has nothing to do: it is your turn")
    seat = _engine_seat(room, table)
    if session.state.stage is Stage.DOUBLED:
        _answer_double(table, lambda: seat.answer(session))
        return
    if session.may_double and seat.doubles(session):
        _offer(table)
        return
    if session.state.stage is not Stage.PLAY:
        _throw(table)
    if session.state.turn == ENGINE:  # an opening roll may have given the turn away
        _move(table, lambda: seat.play(session))


def _engine_seat(room: TableRoom, table: GameTable) -> CubeSeat:
    settings = table.settings
    return room.desk.seat(settings.level, settings.plies, table.session.seed)


def _resign(room: TableRoom, table: GameTable, fields: Fields) -> None:
    size = fields.whole("size", 1, 3)
    session = table.session
    check_resignation(_engine_seat(room, table).player, session.state, PERSON, size, session.seed)
    session.resign(PERSON, size)
    _note_result(table)


def _take_back(_room: TableRoom, table: GameTable, _fields: Fields) -> None:
    table.session.take_back(PERSON)
    table.note("take back", seat=PERSON)


def _next_game(_room: TableRoom, table: GameTable, _fields: Fields) -> None:
    table.session.next_game()
    table.note("next game")


_ACTIONS: dict[str, Callable[[TableRoom, GameTable, Fields], Json | None]] = {
    "roll": _roll,
    "play": _play,
    "go": _go,
    "double": _double,
    "take": _answer_as("take"),
    "beaver": _answer_as("beaver"),
    "drop": _answer_as("drop"),
    "resign": _resign,
    "take back": _take_back,
    "next game": _next_game,
}
