"""Compare our analysis of matches, at the score and with the cube, with GNU Backgammon's and with the file's own.

    python -m scripts.check_analysis MATCH... [--ply 2] [--gnubg PROGRAM] [--keep FOLDER] [--model RUN_OR_FILE]

Every MATCH (any format) is judged by us and by GNU Backgammon at 2-ply (cube 2-ply, luck 0-ply: its defaults), which
takes it a minute a match. From its values losses are counted as from ours: PR by eXtreme Gammon's rule for each player.
Printed beside each other are decisions, equity lost by plays and by the cube, PR, the PR by the numbers in the file,
how many of the ten worst decisions are the same, and luck: its total, and how far single rolls differ. Where losses are
close together the ten worst are a matter of chance; so it is told too how many of ours lose as much by GNU Backgammon's
numbers as its own tenth, give or take .02.

Exit code 1 unless, in every match and for each player, the PR is within .5 of GNU Backgammon's and within .7 of the
file's, nine of the ten worst are in common in that sense, and luck is within .1 points a game. `--keep` stores GNU
Backgammon's answers in a folder and takes them from there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from backgammon.analysis.cube_figures import LEAST_SPREAD, counts_for_pr
from backgammon.analysis.cube_spots import DOUBLE, JudgedCube, action_loss, is_counted
from backgammon.analysis.judging import JudgedMatch, JudgedRoll, judge_match
from backgammon.analysis.ranking import StakesJudge
from backgammon.analysis.report import Report, make_report
from backgammon.cli.advisers import open_engine
from backgammon.cli.depth import Depth
from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.valuation import Valuation
from backgammon.records import read_logs, write_mat
from backgammon.records.replay.canonical import canonical_match
from backgammon.tools.errors import PairgammonError, RecordError

NUM_WORST, NUM_COMMON = 10, 9
PR_TOLERANCE, FILE_TOLERANCE, LUCK_TOLERANCE = 0.5, 0.7, 0.1
TIED = 0.02

_SETTINGS = (
    "set automatic game off",
    "set player 0 human",
    "set player 1 human",
    "set confirm new off",
    "set display off",
    "set analysis chequerplay evaluation plies 2",
    "set analysis cubedecision evaluation plies 2",
    "set analysis luck on",
    "set analysis cube on",
)
_SCRIPT = """import gnubg, json
for command in {settings!r}:
    gnubg.command(command)
gnubg.command("import mat " + {match!r})
gnubg.command("analyse match")
json.dump(gnubg.match(1, 1, 1, 1), open({answer!r}, "w"), default=str)
"""

Key = tuple[int, int, str]
"""Game, roll, and what was decided there: "play" or the action with the cube."""


@dataclass(frozen=True)
class Decision:
    """A decision as both see it.

    Attributes:
        seat: who decided.
        ours: equity lost by our numbers.
        theirs: by GNU Backgammon's.
        is_counted: XG's rule, by our numbers.
        is_counted_theirs: by GNU Backgammon's.
    """

    seat: int
    ours: float
    theirs: float
    is_counted: bool
    is_counted_theirs: bool


def ask_gnubg(program: str, match_text: str, kept: Path | None) -> dict[str, Any]:
    """GNU Backgammon's analysis of a .mat file, as its Python gives it.

    Raises:
        RecordError: it gave none.
    """
    if kept is not None and kept.exists():
        return _parsed(kept.read_text())
    with tempfile.TemporaryDirectory(prefix="check-analysis-") as folder:
        match, script, answer = (Path(folder) / name for name in ("match.mat", "ask.py", "answer.json"))
        match.write_text(match_text)
        script.write_text(_SCRIPT.format(settings=_SETTINGS, match=str(match), answer=str(answer)))
        done = subprocess.run([program, "-t", "-q", "-p", str(script)], capture_output=True, text=True, check=False)
        if not answer.exists():
            raise RecordError(f"{program} gave no analysis: {done.stderr.strip()[-300:]}")
        text = answer.read_text()
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(text)
    return _parsed(text)


def _parsed(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def pair_decisions(match: JudgedMatch, theirs: dict[str, Any]) -> tuple[dict[Key, Decision], np.ndarray[Any, Any]]:
    """Every decision with both losses; and luck float64[rolls, 3]: seat, ours, theirs.

    Raises:
        RecordError: GNU Backgammon has read another match.
    """
    pairs: dict[Key, Decision] = {}
    luck = []
    for game, other in zip(match.games, theirs["games"], strict=True):
        moves = [one for one in other["game"] if one["action"] == "move"]
        if len(moves) != len(game.rolls):
            raise RecordError(f"game {game.number}: {len(game.rolls)} rolls here, {len(moves)} in GNU Backgammon")
        for roll, move in zip(game.rolls, moves, strict=True):
            luck.append((roll.seat, roll.luck, move["analysis"]["luck-value"]))
            if roll.is_counted:
                pairs[game.number, roll.roll, "play"] = _pair_play(roll, move["analysis"]["moves"], move["analysis"])
        doubles = _doubles(other["game"])
        for cube in game.cubes:
            analysis = doubles.get(cube.roll) if cube.spot.events else moves[cube.roll]["analysis"]
            if analysis is not None and "nd-cubeful-eq" in analysis:
                pairs[game.number, cube.roll, cube.action] = _pair_cube(cube, analysis)
    return pairs, np.array(luck)


def _doubles(actions: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The analysis of each double by the rolls before it."""
    found: dict[int, dict[str, Any]] = {}
    rolls = 0
    for one in actions:
        rolls += one["action"] == "move"
        if one["action"] == DOUBLE:
            found.setdefault(rolls, one["analysis"])
    return found


def _pair_play(roll: JudgedRoll, moves: list[dict[str, Any]], analysis: dict[str, Any]) -> Decision:
    scores = [move["score"] for move in moves]
    loss = max(scores) - scores[analysis["imove"]]
    is_spread = max(scores) - min(scores) >= LEAST_SPREAD
    return Decision(roll.seat, roll.loss, loss, counts_for_pr(roll), is_spread)


def _pair_cube(cube: JudgedCube, analysis: dict[str, Any]) -> Decision:
    values = analysis["nd-cubeful-eq"], analysis["dt-cubeful-eq"]  # both per cube before the double
    if cube.verdict.stakes.is_match:
        valuation = Valuation(cube.verdict.stakes)
        values = float(valuation.emg(values[0])), float(valuation.emg(values[1]))
    verdict = CubeVerdict(cube.verdict.stakes, *values)
    theirs = action_loss(cube.action, verdict)
    return Decision(cube.seat, cube.loss, theirs, cube.is_counted, is_counted(cube.action, verdict))


def compare(report: Report, theirs: dict[str, Any]) -> bool:
    """Print both; True when they agree as the module's text says."""
    match = report.match
    pairs, luck = pair_decisions(match, theirs)
    print(f"{Path(match.file).name}: {match.engine} against GNU Backgammon 2-ply")
    is_good = True
    for player in report.players:
        own = [one for one in pairs.items() if one[1].seat == player.seat]
        plays = [one for key, one in own if key[2] == "play"]
        cubes = [one for key, one in own if key[2] != "play"]
        pr = 500 * mean([one.ours for _, one in own if one.is_counted])
        gnubg_pr = 500 * mean([one.theirs for _, one in own if one.is_counted_theirs])
        is_good &= abs(pr - gnubg_pr) <= PR_TOLERANCE
        counts = f"counted {sum(one.is_counted for _, one in own)} ({sum(one.is_counted_theirs for _, one in own)})"
        lost = [
            f"{sum(one.ours for one in part):.3f} ({sum(one.theirs for one in part):.3f})" for part in (plays, cubes)
        ]
        told = None if player.cube is None else player.cube.told_pr
        if told is not None:
            is_good &= abs(pr - told) <= FILE_TOLERANCE
        file_text = "" if told is None else f", by the file {told:.2f}"
        print(f"  {player.name}: {counts}, lost by plays {lost[0]}, by the cube {lost[1]}")
        print(f"    PR {pr:.2f} (gnubg {gnubg_pr:.2f}){file_text}; luck {_luck_text(luck, player.seat)}")
    ours, others = (
        sorted(pairs, key=lambda key: -getattr(pairs[key], kind))[:NUM_WORST] for kind in ("ours", "theirs")
    )
    tenth = min(pairs[key].theirs for key in others)
    near = sum(pairs[key].theirs >= tenth - TIED for key in ours)
    net = [np.where(luck[:, 0] == 0, luck[:, column], -luck[:, column]).sum() for column in (1, 2)]
    a_game = abs(net[0] - net[1]) / len(match.games)
    common = f"{len(set(ours) & set(others))}, {near} give or take {TIED}"
    print(f"  worst {NUM_WORST} in common: {common}; net luck a game differs by {a_game:.3f} points")
    return is_good and near >= NUM_COMMON and a_game <= LUCK_TOLERANCE


def _lost_text(decisions: list[Decision]) -> str:
    return f"{sum(one.ours for one in decisions):.3f} ({sum(one.theirs for one in decisions):.3f})"


def _luck_text(luck: np.ndarray[Any, Any], seat: int) -> str:
    own = luck[luck[:, 0] == seat]
    gaps = own[:, 1] - own[:, 2]
    reach = 1.96 * gaps.std(ddof=1) * np.sqrt(len(gaps))
    spread = float(np.sqrt((gaps**2).mean()))
    return f"{own[:, 1].sum():+.3f} ({own[:, 2].sum():+.3f}, +- {reach:.3f} by chance; a roll {spread:.3f} rms)"


def main() -> int:
    """Command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("matches", nargs="+", metavar="MATCH")
    parser.add_argument("--ply", type=int, default=2)
    parser.add_argument("--model", help="a run folder or checkpoint; without it the shipped model")
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/games"])  # where Debian puts it
    parser.add_argument("--gnubg", default=shutil.which("gnubg", path=search), help="the program")
    parser.add_argument("--keep", type=Path, help="a folder for GNU Backgammon's answers")
    options = parser.parse_args()
    if not options.gnubg:
        print("error: GNU Backgammon is missing; install it (Debian: apt-get install gnubg) or give --gnubg")
        return 1
    is_good = True
    try:
        judge = StakesJudge(open_engine(Depth(plies=options.ply).spec(options.model)).plays)
        for file in options.matches:
            for number, (record, replayed) in enumerate(read_logs([file]).matches()):
                kept = options.keep / f"{Path(file).stem}-{number}.json" if options.keep else None
                theirs = ask_gnubg(options.gnubg, write_mat(canonical_match(record, replayed)), kept)
                is_good &= compare(make_report(judge_match(record, replayed, judge)), theirs)
    except PairgammonError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
