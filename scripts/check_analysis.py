"""Compare our analysis of matches, at the score and with the cube, with GNU Backgammon's and with the file's own.

    python -m scripts.check_analysis MATCH... [--ply 2] [--luck-ply 0] [--gnubg PROGRAM] [--keep FOLDER] [--model FILE]

Every MATCH (any format) is judged by us and by GNU Backgammon at 2-ply (cube 2-ply, luck 0-ply: its defaults), which
takes it a minute a match. From its values losses are counted as from ours: PR by eXtreme Gammon's rule for each player.
Printed beside each other are decisions, equity lost by plays and by the cube, PR, the PR by the numbers in the file,
how many of the ten worst decisions are the same (and of those by the file, where it holds some), and luck: its total,
and how far single rolls differ. Where losses are close together the ten worst are a matter of chance; so it is told too
how many of ours lose as much by GNU Backgammon's numbers as its own tenth, give or take .02, and by how much the net
luck of a game differs. `--luck-ply` 1 shows how far GNU Backgammon's luck one ply deeper is from its own.

Exit code 1 unless, in every match and for each player, the PR is within .5 of GNU Backgammon's and within .7 of the
file's, nine of the ten worst are the same, and the total of the luck is within .1 points. `--keep` stores GNU
Backgammon's answers in a folder and takes them from there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import click
import numpy as np

from backgammon.analysis.cube_figures import LEAST_SPREAD, counts_for_pr, told_loss
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
from backgammon.tools.errors import RecordError
from scripts.program import program

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
    "set analysis luckanalysis plies {luck_plies}",
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
        told: equity lost by the numbers in the file; None where it has none.
    """

    seat: int
    ours: float
    theirs: float
    is_counted: bool
    is_counted_theirs: bool
    told: float | None = None


def ask_gnubg(peer: str, match_text: str, kept: Path | None, luck_plies: int) -> dict[str, Any]:
    """GNU Backgammon's analysis of a .mat file, as its Python gives it, its luck at `luck_plies`.

    Raises:
        RecordError: it gave none.
    """
    if kept is not None and kept.exists():
        return _parsed(kept.read_text())
    with tempfile.TemporaryDirectory(prefix="check-analysis-") as folder:
        match, script, answer = (Path(folder) / name for name in ("match.mat", "ask.py", "answer.json"))
        match.write_text(match_text)
        settings = [one.format(luck_plies=luck_plies) for one in _SETTINGS]
        script.write_text(_SCRIPT.format(settings=settings, match=str(match), answer=str(answer)))
        done = subprocess.run([peer, "-t", "-q", "-p", str(script)], capture_output=True, text=True, check=False)
        if not answer.exists():
            raise RecordError(f"{peer} gave no analysis: {done.stderr.strip()[-300:]}")
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
    return Decision(roll.seat, roll.loss, loss, counts_for_pr(roll), is_spread, told_loss(roll))


def _pair_cube(cube: JudgedCube, analysis: dict[str, Any]) -> Decision:
    values = analysis["nd-cubeful-eq"], analysis["dt-cubeful-eq"]  # both per cube before the double
    if cube.verdict.stakes.is_match:
        valuation = Valuation(cube.verdict.stakes)
        values = float(valuation.emg(values[0])), float(valuation.emg(values[1]))
    verdict = CubeVerdict(cube.verdict.stakes, *values)
    theirs = action_loss(cube.action, verdict)
    return Decision(cube.seat, cube.loss, theirs, cube.is_counted, is_counted(cube.action, verdict), cube.told_loss)


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
        own_luck = luck[luck[:, 0] == player.seat]
        is_good &= abs(float(own_luck[:, 1].sum() - own_luck[:, 2].sum())) <= LUCK_TOLERANCE
        told = None if player.cube is None else player.cube.told_pr
        if told is not None:
            is_good &= abs(pr - told) <= FILE_TOLERANCE
        file_text = "" if told is None else f", by the file {told:.2f}"
        print(f"  {player.name}: {counts}, lost by plays {_lost_text(plays)}, by the cube {_lost_text(cubes)}")
        print(f"    PR {pr:.2f} (gnubg {gnubg_pr:.2f}){file_text}; luck {_luck_text(own_luck)}")
    ours, others = _worst(pairs, "ours"), _worst(pairs, "theirs")
    tenth = min(pairs[key].theirs for key in others)
    near = sum(pairs[key].theirs >= tenth - TIED for key in ours)
    net = [np.where(luck[:, 0] == 0, luck[:, column], -luck[:, column]).sum() for column in (1, 2)]
    a_game = abs(net[0] - net[1]) / len(match.games)
    num_common = len(set(ours) & set(others))
    common = f"{num_common}, {near} give or take {TIED}"
    print(f"  worst {NUM_WORST} in common: {common}; net luck a game differs by {a_game:.3f} points")
    if any(one.told for one in pairs.values()):
        by_file = set(_worst(pairs, "told"))
        shared = f"{len(by_file & set(ours))} with ours, {len(by_file & set(others))} with GNU Backgammon's"
        print(f"  worst {NUM_WORST} by the file: {shared}")
    return is_good and num_common >= NUM_COMMON


def _worst(pairs: dict[Key, Decision], kind: str) -> list[Key]:
    """The decisions that lost most by the numbers of `kind`, most first."""
    return sorted(pairs, key=lambda key: -(getattr(pairs[key], kind) or 0.0))[:NUM_WORST]


def _lost_text(decisions: list[Decision]) -> str:
    return f"{sum(one.ours for one in decisions):.3f} ({sum(one.theirs for one in decisions):.3f})"


def _luck_text(own: np.ndarray[Any, Any]) -> str:
    gaps = own[:, 1] - own[:, 2]
    reach = 1.96 * gaps.std(ddof=1) * np.sqrt(len(gaps))
    spread = float(np.sqrt((gaps**2).mean()))
    return f"{own[:, 1].sum():+.3f} ({own[:, 2].sum():+.3f}, +- {reach:.3f} by chance; a roll {spread:.3f} rms)"


SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/games"])
"""Where the program is looked for; Debian puts it into the last one."""


@program(__doc__)
@click.argument("matches", nargs=-1, required=True, metavar="MATCH...")
@click.option("--ply", type=click.IntRange(0, 3), default=2, show_default=True)
@click.option("--luck-ply", "luck_plies", type=click.IntRange(0, 2), default=0, show_default=True, help="Of its luck.")
@click.option("--model", help="A run folder or checkpoint; without it the shipped model.")
@click.option("--gnubg", "peer", default=lambda: shutil.which("gnubg", path=SEARCH), help="GNU Backgammon's program.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for GNU Backgammon's answers.")
@click.pass_context
def main(
    ctx: click.Context,
    matches: tuple[str, ...],
    ply: int,
    luck_plies: int,
    model: str | None,
    peer: str | None,
    keep: Path | None,
) -> None:
    """Compare each match."""
    if peer is None:
        raise RecordError("GNU Backgammon is missing; install it (Debian: apt-get install gnubg) or give --gnubg")
    is_good = True
    judge = StakesJudge(open_engine(Depth(plies=ply).spec(model)).plays)
    for file in matches:
        for number, (record, replayed) in enumerate(read_logs([file]).matches()):
            luck = f"-luck-{luck_plies}" if luck_plies else ""
            kept = keep / f"{Path(file).stem}-{number}{luck}.json" if keep else None
            theirs = ask_gnubg(peer, write_mat(canonical_match(record, replayed)), kept, luck_plies)
            is_good &= compare(make_report(judge_match(record, replayed, judge)), theirs)
    if not is_good:
        ctx.exit(1)


if __name__ == "__main__":
    main()
