"""Matches that are judged in the background, one after the other, and what becomes of them: reviews, rates, a quiz."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import numpy as np

from backgammon.analysis.cube_spots import DOUBLE, NO_DOUBLE, PASS, TAKE, action_loss
from backgammon.analysis.error_store import ErrorStore, StoredError
from backgammon.analysis.flash_cards import write_anki, write_xg_text
from backgammon.analysis.judging import judge_match
from backgammon.analysis.ranking import MatchJudge
from backgammon.analysis.report import make_report
from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.stakes import stakes_of_match_id
from backgammon.notation.gnu_id import position_id
from backgammon.notation.identifier import parse_identifier
from backgammon.records import LogReading, MatchRecord, ReplayedMatch, read_logs, replay_match
from backgammon.rules.board import NUM_LOCATIONS, Board, Position, swap
from backgammon.rules.decision import Decision
from backgammon.rules.dice import make_roll
from backgammon.tools.errors import ConfigError, GameError, PairgammonError, RecordError
from backgammon.web.request_fields import Fields
from backgammon.web.wire import Json

MAX_WAITING = 8
"""Tasks that are in work or waiting."""
MAX_KEPT = 64
"""Finished tasks whose outcome can still be asked for."""
MAX_MATCHES = 100
"""Of one file."""

_CUBE_ANSWERS = (NO_DOUBLE, DOUBLE, TAKE, PASS)

Matches = list[tuple[MatchRecord, ReplayedMatch]]


@dataclass
class Task:
    """Something that is being judged.

    Attributes:
        name: what it is, for the person.
        done: decisions judged so far.
        total: decisions in all; 0 before they are counted.
        state: "waiting", "working", "done", "failed" or "cancelled".
        message: why it failed.
        matches: numbers in the store of what was judged.
    """

    name: str
    done: int = 0
    total: int = 0
    state: str = "waiting"
    message: str = ""
    matches: list[int] = field(default_factory=list)
    is_cancelled: bool = False

    def as_dict(self) -> Json:
        """For the page."""
        return {
            "name": self.name,
            "done": self.done,
            "total": self.total,
            "state": self.state,
            "message": self.message,
            "matches": self.matches,
        }

    @property
    def is_over(self) -> bool:
        """True when nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")


class _Cancelled(Exception):
    """The person does not want to know any more."""


class ReviewRoom:
    """Judges matches in a thread of its own and keeps them in the store."""

    def __init__(self, store: ErrorStore, get_judge: Callable[[int], MatchJudge]) -> None:
        """Open the room.

        Args:
            store: keeps what was judged.
            get_judge: gives who judges at a depth; asked in the room's own thread only.
        """
        self.store = store
        self._get_judge = get_judge
        self._tasks: dict[str, Task] = {}
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="review")

    # Judging

    def judge_file(self, data: bytes, name: str, plies: int) -> str:
        """Judge every match of a file in the background, and give the number of the task.

        Raises:
            PairgammonError: too many tasks wait already.
        """
        clean = "".join(c for c in PurePath(name.replace("\\", "/")).name if c.isprintable())[:120] or "file"
        return self._begin(Task(clean), lambda: _read_file(data, clean), plies)

    def judge_record(self, record: MatchRecord, name: str, plies: int) -> str:
        """Judge a match that was played here; see `judge_file`."""
        return self._begin(Task(name), lambda: [(record, replay_match(record))], plies)

    def task(self, task_id: str) -> Task:
        """A task by its number.

        Raises:
            ConfigError: there is none.
        """
        task = self._tasks.get(task_id)
        if task is None:
            raise ConfigError("there is no such task: it was done before this server was started, or long ago")
        return task

    def cancel(self, task_id: str) -> Json:
        """Leave off a task at the next decision."""
        task = self.task(task_id)
        task.is_cancelled = True
        return task.as_dict()

    def _begin(self, task: Task, read: Callable[[], Matches], plies: int) -> str:
        with self._lock:
            waiting = sum(not one.is_over for one in self._tasks.values())
            if waiting >= MAX_WAITING:
                raise GameError(f"{waiting} analyses are in work already: wait for one of them to end")
            for old in [key for key, one in self._tasks.items() if one.is_over][:-MAX_KEPT]:
                del self._tasks[old]
            task_id = f"{time.time_ns():x}"
            self._tasks[task_id] = task
        self._worker.submit(self._do, task, read, plies)
        return task_id

    def _do(self, task: Task, read: Callable[[], Matches], plies: int) -> None:
        """Do a task; whatever happens, it ends with a state."""
        try:
            task.state = "working"
            matches = read()
            judge = self._get_judge(plies)
            for record, replayed in matches:
                task.matches.append(self._judge(task, record, replayed, judge))
            task.state = "done"
        except _Cancelled:
            task.state = "cancelled"
        except (PairgammonError, OSError) as error:
            task.state, task.message = "failed", " ".join(str(error).split())
        except BaseException:
            task.state, task.message = "failed", "the analysis met a fault of the program; see where it was started"
            raise

    def _judge(self, task: Task, record: MatchRecord, replayed: ReplayedMatch, judge: MatchJudge) -> int:
        def progress(done: int, total: int) -> None:
            task.done, task.total = done, total
            if task.is_cancelled:
                raise _Cancelled

        progress(0, 0)
        report = make_report(judge_match(record, replayed, judge, progress))
        return self.store.keep(report, replayed.identity, time.time())

    # What was judged

    def show(self, fields: Fields) -> Json:
        """The document of a match."""
        return self.store.document(fields.whole("id", 0, 1 << 50))

    def forget(self, fields: Fields) -> Json:
        """Leave out a match."""
        self.store.forget(fields.whole("id", 0, 1 << 50))
        return self.matches(fields)

    def matches(self, _: Fields) -> Json:
        """Every match, and the rates of everybody who played in two or more, or in the only one."""
        matches = self.store.matches()
        counts: dict[str, int] = {}
        for match in matches:
            for name in match["players"]:
                counts[name] = counts.get(name, 0) + 1
        names = sorted(counts, key=lambda name: (-counts[name], name))[:6]
        return {"matches": matches, "rates": {name: self.store.rates(name) for name in names}}

    # Quiz

    def next_question(self, fields: Fields) -> Json:
        """An error to ask a player, without its solution; who can be asked, and how many are due."""
        players = self.store.players()
        names = [name for name, _ in players]
        player = fields.text("player", names[0] if names else "-")
        error, num_due = self.store.due(player, time.time())
        question = None if error is None else _question(error)
        return {"players": players, "player": player, "due": num_due, "question": question}

    def answer(self, fields: Fields) -> Json:
        """Judge an answer: the board after a play, or an action with the cube.

        A play that is not listed is worth less than the last one listed.
        """
        error = self.store.error(fields.whole("id", 0, 1 << 50))
        if error.is_cube:
            loss, is_listed = _judge_cube(error, fields.choice("action", _CUBE_ANSWERS)), True
        else:
            board = np.array(fields.wholes("board", NUM_LOCATIONS, -15, 15), dtype=np.int8)
            loss, is_listed = _judge_play(error, board)
        schedule = self.store.answer(error.number, loss, time.time())
        return {"entry": error.entry, "loss": loss, "is_listed": is_listed, "days": schedule.days, "due": schedule.due}

    def export(self, player: str, form: str) -> str:
        """The errors of a player as text for another program.

        Raises:
            RecordError: there are none.
        """
        errors = self.store.errors(player)
        if not errors:
            raise RecordError(f"there are no errors of {player} in the store")
        return write_anki(errors) if form == "anki" else write_xg_text(errors)


def _judge_play(error: StoredError, board: Board) -> tuple[float, bool]:
    """(equity that a play gives up, whether the play is among those listed); board int8[26] after it."""
    decision = Decision.make(parse_identifier(error.xgid).position, make_roll(*error.entry["dice"]))
    decision.row_of(board)  # refuses what the roll does not allow
    after = position_id(Position(swap(board)))
    candidates = error.entry["candidates"]
    found = next((one for one in candidates if one["after"] == after), candidates[-1])
    return max(0.0, candidates[0]["equity"] - found["equity"]), found["after"] == after


def _judge_cube(error: StoredError, action: str) -> float:
    """Equity that an action with the cube gives up.

    Raises:
        GameError: it is no answer to what was asked.
    """
    is_answer = error.entry["action"] not in (NO_DOUBLE, DOUBLE)
    if is_answer != (action not in (NO_DOUBLE, DOUBLE)):
        wanted = "take or pass" if is_answer else "double or not"
        raise GameError(f"{action} is no answer here: {wanted}")
    no_double, double_take, _ = error.entry["verdict"]["equities"]
    return action_loss(
        action, CubeVerdict(stakes_of_match_id(parse_identifier(error.xgid).match), no_double, double_take)
    )


def _question(error: StoredError) -> Json:
    """The error without its solution; a board before a cube action is that of the player on roll."""
    keys = ("board", "cube", "xgid", "seat", *(("on_roll",) if error.is_cube else ("dice",)))
    entry = {key: error.entry[key] for key in keys}
    kind = "play"
    if error.is_cube:
        kind = "double" if error.entry["action"] in (NO_DOUBLE, DOUBLE) else "answer"
    place = {"id": error.number, "match": error.match, "game": error.game, "phase": error.phase, "kind": kind}
    return {**place, **entry}


def _read_file(data: bytes, name: str) -> Matches:
    """The matches of a file, whatever its format, packed or not.

    Raises:
        RecordError: nothing in it can be followed.
    """
    with tempfile.TemporaryDirectory(prefix="pairgammon-") as folder:
        path = Path(folder) / f"file{PurePath(name).suffix[:8]}"
        path.write_bytes(data)
        reading = read_logs([path])
        try:
            found = [pair for pair, _ in zip(_followed(reading), range(MAX_MATCHES), strict=False)]
            if not found:
                reading.report.check()
                raise RecordError("no play in it can be followed")
        except RecordError as error:
            raise RecordError(f"{name}: {str(error).replace(str(path), name)}") from error
        return [(replace(record, file=name), replayed) for record, replayed in found]


def _followed(reading: LogReading) -> Iterator[tuple[MatchRecord, ReplayedMatch]]:
    """The matches of which some play can be followed."""
    return (pair for pair in reading.matches() if pair[1].num_plays)
