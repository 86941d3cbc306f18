"""What is kept for the next time: compiled kernels, a saved session, the store of errors."""

from __future__ import annotations

import json
import pickle
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import click

from backgammon.analysis.error_store import ErrorStore
from backgammon.analysis.flash_cards import write_anki, write_xg_text
from backgammon.analysis.judging import judge_match
from backgammon.analysis.ranking import PlayJudge
from backgammon.analysis.report import make_report
from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.records import replay_match
from backgammon.search import Ranker, Searcher, SearchSettings
from backgammon.table.saved_session import SavedSession, open_session
from backgammon.table.session import Session, play_session
from backgammon.tools import kernel_cache
from backgammon.tools.errors import DataError
from scripts.own_files.kind import Kind, seal_nothing
from tests.evaluators import PipEvaluator


@cache
def known_kernel() -> tuple[Path, Any]:
    """The smallest file of compiled code that this program has, and the key of its signature."""
    known = kernel_cache.kernel_folder()
    if known is None or not (found := sorted(known.glob("*/*.nbc"), key=lambda path: path.stat().st_size)):
        raise click.ClickException("no compiled kernels are kept here: run `pairgammon doctor`")
    return found[0], pickle.loads(kernel_cache._read(found[0]))[0]


def write_kernel(folder: Path) -> list[Path]:
    """A file of compiled code."""
    path, _ = known_kernel()
    (folder / path.parent.name).mkdir()
    return [Path(shutil.copy(path, folder / path.parent.name))]


def read_kernel(folder: Path) -> Any:
    """What numba gets; the machine code is not run, for whoever can correct its checksum can write any other too."""
    (path,) = folder.glob("*/*.nbc")
    files = kernel_cache._Files(path.parent, path.name.rpartition("-")[0])
    code = files.load(known_kernel()[1])
    if code is None:
        raise DataError("it is compiled again")
    return pickle.dumps(code)


def is_something(found: Any) -> bool:
    """Anything."""
    return bool(found)


def seal_kernel(path: Path) -> None:
    """The digest behind the first bytes."""
    start = len(kernel_cache._MAGIC) + kernel_cache._DIGEST_BYTES
    content = path.read_bytes()[start:]
    path.write_bytes(kernel_cache._MAGIC + kernel_cache._digest(path, content) + content)


def write_session(folder: Path) -> list[Path]:
    """A game with some actions."""
    session = SavedSession(("Ann", "Bob"), seed=8, length=5)
    for _ in range(12):
        session.throw_dice()
        session.play(0)
    session.save(folder / "s.json")
    return [folder / "s.json"]


def read_session(folder: Path) -> Any:
    """The session as text."""
    return open_session(folder / "s.json").to_text().encode()


def is_text(found: Any) -> bool:
    """JSON."""
    return isinstance(json.loads(found), dict)


def write_errors(folder: Path) -> list[Path]:
    """The store of errors with one match."""
    record = play_session((RandomPlayer(), PipCountPlayer()), Session(("ann", "bob"), seed=4, length=1))
    judge = PlayJudge(Ranker(Searcher(PipEvaluator(), SearchSettings(plies=0))))
    report = make_report(judge_match(record, replay_match(record), judge))
    ErrorStore(folder / "errors.sqlite").keep(report, "one", now=100.0)
    return [folder / "errors.sqlite"]


def read_errors(folder: Path) -> bytes:
    """All that is asked of it."""
    store = ErrorStore(folder / "errors.sqlite")
    matches, players = store.matches(), store.players()
    documents = [store.document(match["id"]) for match in matches]
    errors = [error for name, _ in players for error in store.errors(name)]
    rates = [store.rates(name) for name, _ in players]
    cards = [write_anki(errors), write_xg_text(errors)]
    due = [store.due(name, 200.0)[1] for name, _ in players]
    return json.dumps([matches, players, documents, rates, cards, due]).encode()


KINDS = (
    Kind("kernel", write_kernel, read_kernel, seal_kernel, is_something),
    Kind("session", write_session, read_session, seal_nothing, is_text, has_checksum=False),
    Kind("errors", write_errors, read_errors, seal_nothing, is_something, has_checksum=False),
)
