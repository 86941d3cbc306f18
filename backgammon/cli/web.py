"""`pairgammon web`: the board in the browser."""

from __future__ import annotations

import functools
import secrets
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backgammon.cli.group import ExampleCommand, host_option, model_option
from backgammon.cli.screen import say
from backgammon.evaluation.strengths import FULL, LEVEL_NAMES

if TYPE_CHECKING:
    from backgammon.web.engine_desk import EngineDesk

DEFAULT_PORT = 8090
DEFAULT_PLIES = 1
"""Depth at which a FILE is judged."""


@click.command(
    cls=ExampleCommand,
    short_help="Open the board in the browser: play, review, quiz.",
    examples=(
        ("pairgammon web", "play against the model that ships, on this machine only"),
        ("pairgammon web match.xg", "judge a match and go through its errors"),
        ("pairgammon web --no-browser --port 0", "only print the address"),
    ),
)
@click.argument("file", metavar="[FILE]", required=False)
@model_option
@host_option
@click.option("--port", type=click.IntRange(0, 65535), help=f"Where to listen; 0: any.  [default: {DEFAULT_PORT}]")
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
@click.option(
    "--data", "folder", metavar="FOLDER", help="Where games and errors are kept.  [default: your data folder]"
)
def command(
    file: str | None, model: str | None, host: str, port: int | None, no_browser: bool, folder: str | None
) -> None:
    """Serve a board to play on, and open it.

    Play games and matches with the cube against any level, with hints and a tutor; drop a match log on the page to see
    every error; set up any position; train from your own errors. Games are saved as they go. The address holds a key:
    who does not know it gets nothing. Nothing is loaded from the network. Ctrl-C ends it.
    """
    from backgammon.analysis.error_store import ErrorStore
    from backgammon.cli.screen import announce_compilation
    from backgammon.protocols.http_server import HttpServer
    from backgammon.records.record.source import MAX_BYTES
    from backgammon.tools.folders import require_data_folder
    from backgammon.tools.storage import read_bounded
    from backgammon.web.application import LIMITS, WebBoard
    from backgammon.web.review_room import ReviewRoom
    from backgammon.web.table_room import TableRoom

    data = None if file is None else read_bounded(Path(file), MAX_BYTES)
    announce_compilation()
    place = Path(folder) if folder else require_data_folder("games")
    token = secrets.token_urlsafe(24)
    room = TableRoom(place / "games", _make_desk(model), LEVEL_NAMES)
    reviews = ReviewRoom(ErrorStore(place / "errors.sqlite"), _make_desk(model).judge)
    board = WebBoard(room, reviews, token)
    view = "play"
    if file is not None and data is not None:
        view = f"review/task-{reviews.judge_file(data, Path(file).name, DEFAULT_PLIES)}"
    with HttpServer(board.application(), host, DEFAULT_PORT if port is None else port, LIMITS) as server:
        address = f"{server.url}/#token={token}&view={view}"
        say(f"the board is at {address}")
        if not no_browser:
            webbrowser.open(address)
        server.serve_forever()


def _make_desk(model: str | None) -> EngineDesk:
    """Engines of one model for one thread.

    Raises:
        ModelError: no usable checkpoint, or one without outcomes.
    """
    from backgammon.cli.advisers import open_engine
    from backgammon.cli.depth import Depth
    from backgammon.engine.engine import Engine
    from backgammon.engine.levels import LevelPlayer, find_level
    from backgammon.evaluation.player import Player
    from backgammon.web.engine_desk import EngineDesk, Makers

    engine = open_engine(Depth().spec(model))
    engine.evaluator.require_outcomes()

    @functools.cache
    def at(plies: int) -> Engine:
        return engine.at(plies=plies)

    def player(level: str, plies: int, seed: int) -> Player:
        return at(plies).player if level == FULL else LevelPlayer(engine.evaluator, find_level(level), seed)

    return EngineDesk(Makers(player, lambda plies: at(plies).ranker, lambda plies: at(plies).plays))
