"""Play inside GNU Backgammon 1.07 as its external player, and check that both sides tell the same story.

    python -m scripts.play_gnubg_external --games 1000 [--cube] [--plies 0] [--model FILE] [--preload fastpoll.so]
    python -m scripts.play_gnubg_external --matches 100 --length 7

Starts our server on a free port of this machine and a GNU Backgammon (Debian package `gnubg`) that plays against it:
money games without Jacoby in sessions whose seats alternate, cube off unless --cube is given, or matches with the cube.
Then each session or match as GNU Backgammon exported it is read by our own importer and compared with the dialogue:
every answer must be the play that was recorded, every double, take and drop of ours too, and winner and points of every
game those that GNU Backgammon counts. Exit code 1 on any difference or stall.

GNU Backgammon waits in steps of 10 ms for each evaluation; a library that shortens such sleeps may be given to
--preload and changes nothing but the speed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any

import click
import numpy as np

from backgammon.cli.advisers import make_adviser
from backgammon.notation.play_text import parse_play
from backgammon.protocols.adviser import Adviser
from backgammon.protocols.external_player import ERROR, ExternalPlayerServer
from backgammon.protocols.fibs_board import parse_board_line
from backgammon.records import read_logs
from backgammon.records.reading import LogReading
from backgammon.records.record.record import DoubleAction, DropAction, GameRecord, MatchRecord, TakeAction
from backgammon.records.replay.replay import ReplayedGame
from backgammon.rules.game import Stage
from backgammon.tools.errors import ConfigError
from scripts.program import program

OWN_NAME, PEER_NAME = "pairgammon", "gnubg"
SESSION = 250
"""Games of a session: GNU Backgammon keeps all of it in memory and slows down."""
PATIENCE = 300.0
"""Seconds without a request after which a session counts as stalled."""
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/games"])
"""Where Debian puts the program, too."""

_GNUBG_SCRIPT = """
import json, os
import gnubg
ask = os.environ.get
own = int(ask("PG_SEAT"))
peer = 1 - own
for line in (
    "set threads 1", "set sound enable off", "set display off", "set confirm new off", "set confirm save off",
    "set rng mersenne", "set seed " + ask("PG_SEED"), "set automatic game off", "set automatic roll on",
    "set automatic bearoff off", "set cube use " + ask("PG_CUBE"), "set jacoby off", "set record on",
    "set beavers 0",
    f"set player {peer} gnubg",
    f"set player {peer} chequerplay evaluation plies " + ask("PG_PLIES"),
    f"set player {peer} chequerplay evaluation cubeful " + ask("PG_CUBE"),
    f"set player {peer} chequerplay evaluation noise 0",
    f"set player {peer} cubedecision evaluation plies " + ask("PG_PLIES"),
    f"set player {peer} cubedecision evaluation noise 0",
    f"set player {own} external " + ask("PG_ADDRESS"),
):
    gnubg.command(line)
length = int(ask("PG_LENGTH"))
if length:
    gnubg.command("set automatic game on")
    gnubg.command(f"new match {length}")
else:
    gnubg.command("new session")
    for _ in range(int(ask("PG_GAMES")) - 1):
        gnubg.command("new game")
gnubg.command(f"set player {own} name pairgammon")  # a new match takes names away; no two may be alike meanwhile
gnubg.command(f"set player {peer} name gnubg")
match = gnubg.match(0, 0, 0, 0)
names = {side: match["match-info"][side]["name"] for side in "XO"}
results = [(names.get(game["info"]["winner"]), game["info"]["points-won"]) for game in match["games"]]
with open("results.json", "w") as file:
    json.dump(results, file)
gnubg.command("export match mat session.mat")
"""


@dataclass
class Dialogue:
    """What was asked and answered, as it happens.

    Attributes:
        lines: questions (`> `) and answers (`< `) in turn.
        last: when the last line came, by `time.monotonic`.
    """

    lines: list[str] = field(default_factory=list)
    last: float = field(default_factory=time.monotonic)

    def add(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(line)
        self.last = time.monotonic()

    def pairs(self) -> list[tuple[str, str]]:
        """(question, answer)."""
        return [(q[2:], a[2:]) for q, a in zip(self.lines[::2], self.lines[1::2], strict=True)]


@dataclass
class Account:
    """What the sessions came to.

    Attributes:
        games: finished.
        requests: answered.
        dances: answers that were empty because nothing could be played.
        points: ours in each game.
        results: ours in each session or match, points together.
        cube: how often we doubled, took and dropped.
        faults: everything that differs, in words.
    """

    games: int = 0
    requests: int = 0
    dances: int = 0
    points: list[int] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    cube: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """How GNU Backgammon plays: its program, depth, seed, points of the matches (0: money), cube, preloaded library."""

    program: str
    plies: int
    seed: int
    length: int
    cube: bool
    preload: Path | None


def play_session(adviser: Adviser, table: Table, number: int, games: int, account: Account) -> None:
    """Play one session of so many games, or one match, and enter it into the account."""
    dialogue = Dialogue()
    with ExternalPlayerServer("127.0.0.1", 0, adviser, dialogue.add) as server, tempfile.TemporaryDirectory() as folder:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        is_complete = run_gnubg(Path(folder), table, server.address[1], number, games, dialogue)
        server.shutdown()
        if not is_complete:
            account.faults.append(f"session {number}: stalled, or GNU Backgammon failed")
            return
        compare(Path(folder), dialogue, 0 if table.length else games, account)


def run_gnubg(folder: Path, table: Table, port: int, number: int, games: int, dialogue: Dialogue) -> bool:
    """Let GNU Backgammon play its games in a folder; True when it came to the end without a stall."""
    script = folder / "session.py"
    script.write_text(_GNUBG_SCRIPT)
    settings = {
        "HOME": str(folder),
        "PG_SEAT": str(number % 2),
        "PG_SEED": str(table.seed + number),
        "PG_PLIES": str(table.plies),
        "PG_GAMES": str(games),
        "PG_LENGTH": str(table.length),
        "PG_CUBE": "on" if table.cube or table.length else "off",
        "PG_ADDRESS": f"localhost:{port}",
        **({"LD_PRELOAD": str(table.preload.resolve())} if table.preload else {}),
    }
    command = [table.program, "-t", "-q", "-r", "-p", str(script)]
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
    dialogue.last = time.monotonic()
    while process.poll() is None:
        time.sleep(0.05)
        if time.monotonic() - dialogue.last > PATIENCE:
            process.kill()
            process.wait()
            return False
    return process.returncode == 0 and (folder / "results.json").exists()


def compare(folder: Path, dialogue: Dialogue, games: int, account: Account) -> None:
    """Hold the dialogue, our reading of the exported session and GNU Backgammon's own count against each other.

    Args:
        folder: with the export and the count.
        dialogue: of the session.
        games: that a session must have; 0 for a match, which has as many as it takes.
        account: receives the figures and faults.
    """
    results: list[tuple[str, int]] = [tuple(pair) for pair in json.loads((folder / "results.json").read_text())]
    reading = read_logs([folder / "session.mat"])
    replayed = list(reading)
    if reading.report.num_lost_rolls or reading.report.num_unplayed or len(replayed) != (games or len(results)):
        account.faults.append(f"the exported session does not replay: {reading.report.render(3)}")
    (match,) = [match for match, _ in LogReading([folder / "session.mat"]).matches()]
    account.faults += compare_results(replayed, match, results)
    account.faults += compare_plays(replayed, dialogue.pairs())
    account.faults += compare_cube(match, dialogue, account)
    account.games += len(replayed)
    account.requests += len(dialogue.pairs())
    account.dances += sum(answer == "" for _, answer in dialogue.pairs())
    account.points += [points if winner == OWN_NAME else -points for winner, points in results]
    account.results.append(sum(account.points[-len(results) :]))


def compare_results(replayed: list[ReplayedGame], match: MatchRecord, results: list[tuple[str, int]]) -> list[str]:
    """Games whose winner or points differ between our replay and GNU Backgammon."""
    ours = [
        (game.players[game.winner] if game.winner is not None else "nobody", max(game.size, 1) * final_cube(record))
        for game, record in zip(replayed, match.games, strict=True)
    ]
    return [
        f"game {i + 1}: we count {a}, GNU Backgammon {b}"
        for i, (a, b) in enumerate(zip(ours, results, strict=False))
        if a != b
    ]


def final_cube(record: GameRecord) -> int:
    """The cube that a game was won with; a double that was passed counts as it stood before."""
    return 1 << sum(isinstance(action, TakeAction) for action in record.actions)


def compare_cube(match: MatchRecord, dialogue: Dialogue, account: Account) -> list[str]:
    """Doubles, takes and drops of ours that were not recorded as they were answered."""
    words = {DoubleAction: "double", TakeAction: "take", DropAction: "drop"}
    recorded = [
        words[type(action)]
        for game in match.games
        for action in game.actions
        if isinstance(action, DoubleAction | TakeAction | DropAction) and game.players[action.seat] == OWN_NAME
    ]
    answered = [answer for _, answer in dialogue.pairs() if answer in words.values()]
    account.cube += Counter(answered)
    if answered != recorded:
        return [f"{len(answered)} actions with the cube answered, {len(recorded)} recorded, and they are not the same"]
    return []


def compare_plays(replayed: list[ReplayedGame], pairs: list[tuple[str, str]]) -> list[str]:
    """Answers that are not what was recorded; an illegal one would have been recorded as an empty play."""
    recorded: list[tuple[bytes, bytes]] = []
    for game in replayed:
        mine = game.plays.take(game.seats == game.players.index(OWN_NAME))
        recorded += [(b.tobytes(), a.tobytes()) for b, a in zip(mine.boards, mine.afters, strict=True)]
    answered: list[tuple[bytes, bytes]] = []
    for question, answer in pairs:
        if answer.startswith(ERROR):
            return [f"we refused {question}: {answer}"]
        state = parse_board_line(question).state
        if state.stage is not Stage.PLAY:
            continue
        decision = state.decision()
        if decision.is_dance != (answer == ""):
            return [f"{question}: answered {answer!r}"]
        if not decision.is_dance:
            after = decision.candidates[parse_play(answer, decision)]
            answered.append((decision.position.key, after.tobytes()))
    if answered != recorded:
        return [f"{len(answered)} plays answered, {len(recorded)} recorded, and they are not the same"]
    return []


def render(account: Account, seconds: float, adviser: Adviser, plies: int) -> str:
    """The account in words."""
    points: Any = np.array(account.points, dtype=np.float64)
    lines = [
        f"{account.games:,} games of {adviser.name} against GNU Backgammon {plies}-ply, both seats in turn",
        f"requests {account.requests:,}, of them dances {account.dances:,}; {seconds:.1f} s",
        f"faults: {len(account.faults)} (illegal or refused answers, stalls, games counted differently)",
        *(f"  {fault}" for fault in account.faults[:20]),
    ]
    if account.cube:
        lines.append("with the cube we: " + ", ".join(f"{word} {n:,}" for word, n in sorted(account.cube.items())))
    if len(points) > 1:
        reach = 1.96 * points.std(ddof=1) / sqrt(len(points))
        lines.append(f"our points per game {points.mean():+.3f} +- {reach:.3f} (95 %), sum {int(points.sum()):+,d}")
    return "\n".join(lines)


@program(__doc__)
@click.option("--games", default=1000, show_default=True)
@click.option("--cube", is_flag=True, help="Money games with the cube.")
@click.option("--matches", default=100, show_default=True, help="Matches to play where --length is given.")
@click.option("--length", default=0, help="Points of the matches; 0 plays money games.")
@click.option("--plies", default=0, show_default=True, help="Depth of GNU Backgammon.")
@click.option("--seed", default=1, show_default=True, help="Of GNU Backgammon's dice.")
@click.option("--model", help="A run folder or checkpoint; without it the shipped model.")
@click.option("--gnubg", "peer", default=lambda: shutil.which("gnubg", path=SEARCH), help="GNU Backgammon's program.")
@click.option("--preload", type=click.Path(path_type=Path), help="A library for GNU Backgammon's LD_PRELOAD.")
@click.pass_context
def main(
    ctx: click.Context,
    games: int,
    cube: bool,
    matches: int,
    length: int,
    plies: int,
    seed: int,
    model: str | None,
    peer: str | None,
    preload: Path | None,
) -> None:
    """Play, compare, print; exit code 1 on any difference or stall."""
    if not peer:
        raise ConfigError("GNU Backgammon is missing; install it (Debian: apt-get install gnubg) or give --gnubg")
    adviser = make_adviser(model)
    table = Table(peer, plies, seed, length, cube, preload)
    account = Account()
    started = time.monotonic()
    if length:
        for number in range(matches):
            play_session(adviser, table, number, 0, account)
    else:
        for number, first in enumerate(range(0, games, SESSION)):
            play_session(adviser, table, number, min(SESSION, games - first), account)
    print(render(account, time.monotonic() - started, adviser, plies))
    is_complete = len(account.results) == matches if length else account.games == games
    ctx.exit(0 if is_complete and not account.faults else 1)


if __name__ == "__main__":
    main()
