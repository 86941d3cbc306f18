"""Draw chequer plays at scores and turned cubes from our own play; GNU Backgammon 1.07 judges them with the cube.

    python -m scripts.label_at_stakes --count 2000 --seed 17001 --out labels-cube.jsonl.xz [--preload fastpoll.so]

The model that ships plays itself at 0-ply, cube and all: matches to 3, 5, 7 and 9 points and money games in turn. Of
its unforced plays in matches, and in money games once the cube has been turned, one in six is taken, as it comes.
Decisions in which a play wins at once are left out.

GNU Backgammon (Debian package `gnubg`) judges every candidate cubeful at 0-ply, and the 8 best within 0.16 of the top
at --plies: the value to the opponent, who is to move and may double, from the other side. So it does with what our
model plays, wherever that stands: its own choice is always among the 8, and a loss must not compare two depths. Each
line is as `rank` would answer: XGID with score, cube and dice, candidates best first with EMG and ply; `evaluate` reads
them. GNU Backgammon's own 0-ply choice stands under "anchor"; what it loses is told at the end.

The answers are kept in WORK as they come, so an interrupted run goes on. GNU Backgammon waits in steps of 10 ms for
each evaluation; a library that shortens such sleeps may be given to --preload and changes nothing but the speed.
"""

from __future__ import annotations

import json
import lzma
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from backgammon.cube.stakes import CENTRED, OWN, Stakes, put_in_xgid
from backgammon.engine.engine_spec import EngineSpec
from backgammon.engine.peers.gnubg_judge import engine_boards
from backgammon.engine.peers.peer_judge import KEPT, WITHIN
from backgammon.learner.net.engine_builder import build_engine
from backgammon.notation import position_ids
from backgammon.notation.xgid import XgId, format_xgid
from backgammon.rules.board import swap
from backgammon.rules.decision import Decision
from backgammon.rules.ending import has_won
from backgammon.rules.game import Stage
from backgammon.table.cube_seat import CubeSeat, act
from backgammon.table.session import CubeRules, Session
from backgammon.tools.errors import ConfigError
from backgammon.tools.intervals import estimate_mean
from backgammon.tools.storage import replace_file
from scripts.program import note, program

LENGTHS = (5, 0, 7, 0, 3, 0, 9, 0)
"""Sessions in turn; 0 is a money session of MONEY_GAMES."""
MONEY_GAMES = 4
TAKEN = 6
"""One eligible decision in so many is taken."""

_GNUBG_SCRIPT = """
import json, os
import gnubg
gnubg.command("set threads 1")
plies = int(os.environ["PG_PLIES"])
contexts = {depth: gnubg.evalcontext(1, depth, 1, 1, 0.0) for depth in {0, plies}}
done = sum(1 for _ in open("answers.jsonl")) if os.path.exists("answers.jsonl") else 0
with open("questions.jsonl") as questions, open("answers.jsonl", "a") as answers:
    for number, line in enumerate(questions):
        if number < done:
            continue
        asked = json.loads(line)
        score = tuple(asked["score"])
        info = gnubg.cubeinfo(asked["cube"], asked["owner"], 1, asked["length"], score, asked["crawford"], 0)
        info["beavers"] = 0
        if not asked["length"]:
            info["jacoby"] = 0
            info["gammonprice"] = ((1.0, 1.0), (1.0, 1.0))
        boards = [tuple(tuple(side) for side in board) for board in asked["boards"]]
        def worth(board, depth):
            no_double, taken, passed = gnubg.cfevaluate(board, info, contexts[depth])[1:4]
            if asked["may_double"] and taken >= no_double and passed >= no_double:
                return -min(taken, passed)
            return -no_double
        shallow = [worth(board, 0) for board in boards]
        order = sorted(range(len(boards)), key=lambda row: -shallow[row])[:asked["kept"]]
        searched = {row for row in order if shallow[order[0]] - shallow[row] <= asked["within"]} | {asked["chosen"]}
        deep = {row: worth(boards[row], plies) for row in searched}
        answers.write(json.dumps([shallow, sorted(deep.items())]) + "\\n")
        answers.flush()
"""


def draw(count: int, seed: int) -> Iterator[tuple[str, Decision, Stakes]]:
    """Decisions as our model plays them, their stakes, the name of what is independent of all else: match or game."""
    engine = build_engine(EngineSpec())
    seat = CubeSeat(engine, engine.cube, engine.plays)
    seats = seat, seat
    rng = np.random.default_rng(seed)
    found = number = 0
    while found < count:
        length = LENGTHS[number % len(LENGTHS)]
        number += 1
        session = Session(("a", "b"), seed + number, length, None if length else MONEY_GAMES, cube=CubeRules())
        while not session.is_over and found < count:
            if session.state.stage is Stage.PLAY:
                decision, stakes = session.decision(), session.stakes
                is_wanted = stakes.is_match or stakes.owner != CENTRED
                if is_wanted and _is_open(decision) and rng.integers(TAKEN) == 0:
                    unit = f"{seed}/{number}" if length else f"{seed}/{number}/{session.game_number}"
                    found += 1
                    yield unit, decision.choose(engine.plays.rank_plays(decision, stakes)[0].row), stakes
            act(session, seats)


def _is_open(decision: Decision) -> bool:
    return not decision.is_forced and not has_won(decision.candidates).any()


def question(decision: Decision, stakes: Stakes) -> dict[str, Any]:
    """What GNU Backgammon is asked: the positions after each candidate, the opponent to move as its player 1."""
    theirs = stakes.swapped()
    return {
        "cube": theirs.cube,
        "owner": {CENTRED: -1, OWN: 1}.get(theirs.owner, 0),
        "length": theirs.length,
        "score": [theirs.score[1], theirs.score[0]],
        "crawford": int(theirs.is_crawford),
        "may_double": theirs.may_double,
        "boards": list(engine_boards(swap(decision.candidates))),
        "chosen": decision.chosen,
        "kept": KEPT,
        "within": WITHIN,
    }


def label(unit: str, decision: Decision, stakes: Stakes, answer: list[Any], plies: int) -> dict[str, Any]:
    """The line of a decision."""
    shallow, deep = answer
    ids = position_ids(swap(decision.candidates))
    rows = [(row, value, plies) for row, value in sorted(deep, key=lambda pair: -pair[1])]
    searched = {row for row, _ in deep}
    others = sorted(set(range(len(ids))) - searched, key=lambda row: -shallow[row])
    rows += [(row, shallow[row], 0) for row in others]
    xgid = replace(put_in_xgid(XgId(decision.position), stakes), dice=decision.roll)
    return {
        "game": unit,
        "xgid": format_xgid(xgid),
        "anchor": ids[int(np.argmax(shallow))],
        "candidates": [{"id": ids[row], "equity": round(value, 6), "ply": ply} for row, value, ply in rows],
    }


def anchor_loss(record: dict[str, Any]) -> float:
    """EMG that GNU Backgammon's own 0-ply choice loses."""
    values = {entry["id"]: entry["equity"] for entry in record["candidates"]}
    return float(max(0.0, record["candidates"][0]["equity"] - values[record["anchor"]]))


def find_gnubg(named: str | None) -> str:
    """The program: what somebody named, else the one on PATH or where Debian puts it.

    Raises:
        ConfigError: there is none.
    """
    found = named or shutil.which("gnubg", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/games"]))
    if not found:
        raise ConfigError("GNU Backgammon is missing; install it (Debian: apt-get install gnubg) or give --gnubg")
    return found


def ask_gnubg(
    folder: Path, gnubg: str, plies: int, preload: Path | None, questions: str, script: str = _GNUBG_SCRIPT
) -> None:
    """Let GNU Backgammon answer what has no answer yet in answers.jsonl of a folder, made if missing.

    Raises:
        ConfigError: the folder holds the answers to other questions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "questions.jsonl"
    if kept.exists() and kept.read_text() != questions:
        raise ConfigError(f"{folder}: holds the answers to other questions; give another --work")
    kept.write_text(questions)
    (folder / "ask.py").write_text(script)
    more = {"LD_PRELOAD": str(preload.resolve())} if preload else {}
    environment = {**os.environ, "HOME": str(folder), "PG_PLIES": str(plies), **more}
    command = [gnubg, "-t", "-q", "-r", "-p", "ask.py"]
    subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True
    )


@program(__doc__)
@click.option("--count", default=2000, show_default=True, help="Decisions.")
@click.option("--seed", default=17001, show_default=True)
@click.option("--plies", default=2, show_default=True, type=click.IntRange(1, 3), help="Depth of the judge.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write, .jsonl.xz.")
@click.option("--work", type=click.Path(path_type=Path), help="Folder of the answers so far.  [default: a new one]")
@click.option("--gnubg", default=None, help="The program.  [default: from PATH and /usr/games]")
@click.option("--preload", type=click.Path(path_type=Path, exists=True), help="A library for LD_PRELOAD.")
def main(
    count: int, seed: int, plies: int, out: Path, work: Path | None, gnubg: str | None, preload: Path | None
) -> None:
    """Draw, ask, write."""
    found = find_gnubg(gnubg)
    folder = work or Path(tempfile.mkdtemp())
    drawn = list(draw(count, seed))
    note(f"{len(drawn):,} decisions drawn; GNU Backgammon answers in {folder}")
    asked = "".join(json.dumps(question(decision, stakes)) + "\n" for _, decision, stakes in drawn)
    ask_gnubg(folder, found, plies, preload, asked)
    answers = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    lines = [json.dumps(label(*one, answer, plies)) for one, answer in zip(drawn, answers, strict=True)]
    replace_file(out, lzma.compress("".join(line + "\n" for line in lines).encode()))
    losses = [anchor_loss(json.loads(line)) for line in lines]
    units = [unit for unit, _, _ in drawn]
    numbers = np.array([units.index(unit) for unit in units])
    mean = estimate_mean(1000 * np.array(losses), numbers)
    note(f"{len(lines):,} labelled decisions in {out}; GNU Backgammon at 0-ply loses {mean.show(2)} mpt")


if __name__ == "__main__":
    main()
