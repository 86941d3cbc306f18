"""Cube decisions a processor second, ours and GNU Backgammon's at the same plies, in one run.

    python -m scripts.bench_cube [--plies 2] [--rounds 9] [--decisions 16] [--seed 41] [--json]

The decisions are drawn from our own play with the cube as `scripts.label_cubes` draws them, matches and money, close
and clear ones; every round has its own, which nobody has seen before (GNU Backgammon keeps what it evaluates). In turn,
GNU Backgammon 1.07 (Debian package `gnubg`, `cfevaluate` with its pruning nets, one thread) answers them one by one, we
answer them one by one, and we answer those of a round at once, as an analysis asks them. Each process counts its own
CPU seconds, so a busy machine changes little; rates are medians of rounds, ratios medians of the rounds' ratios.

What was answered is compared first: actions that differ, and the mean difference of no double and double/take in EMG.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from backgammon.cube.cube_verdict import cube_choice
from backgammon.engine.at_stakes import StakesEngine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.net.engine_builder import build_engine
from backgammon.tools.errors import PairgammonError
from scripts.bench import Row, machine, report, show
from scripts.label_at_stakes import find_gnubg
from scripts.label_cubes import GNUBG_CUBES, CubeCase, draw, question
from scripts.program import program

PEER = "gnubg 1.07, one by one"
LEAST_AGREEMENT = 0.8
"""Actions in common with GNU Backgammon below which something is wrong, so that no time is told."""

_SCRIPT = (
    GNUBG_CUBES
    + """
import time
with os.fdopen(int(os.environ["PG_ASKED"])) as asked, os.fdopen(int(os.environ["PG_TOLD"]), "w") as told:
    for line in asked:
        questions = json.loads(line)
        started = time.process_time()
        answers = [judge(one) for one in questions]
        told.write(json.dumps([time.process_time() - started, answers]) + "\\n")
        told.flush()
"""
)


class GnubgProcess:
    """GNU Backgammon with a pipe to ask it through."""

    def __init__(self, plies: int, folder: Path) -> None:
        """Start it; raises ConfigError where it is not installed."""
        (folder / "ask.py").write_text(_SCRIPT)
        asked, self._ask = os.pipe()
        self._told, told = os.pipe()
        names = {"PG_PLIES": str(plies), "PG_ASKED": str(asked), "PG_TOLD": str(told), "HOME": str(folder)}
        self._process = subprocess.Popen(
            [find_gnubg(None), "-t", "-q", "-r", "-p", "ask.py"],
            cwd=folder, env={**os.environ, **names}, pass_fds=(asked, told),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(asked)
        os.close(told)
        self._answers = os.fdopen(self._told)

    def answer(self, cases: Sequence[CubeCase]) -> tuple[float, list[list[float]]]:
        """CPU seconds that it took, and the three equities of each.

        Raises:
            PairgammonError: it has ended.
        """
        os.write(self._ask, (json.dumps([question(case) for case in cases]) + "\n").encode())
        line = self._answers.readline()
        if not line:
            raise PairgammonError("GNU Backgammon has ended without an answer")
        seconds, answers = json.loads(line)
        return seconds, answers

    def close(self) -> None:
        """Let it go."""
        os.close(self._ask)
        self._answers.close()
        self._process.wait()


def answer_singly(engine: StakesEngine, cases: Sequence[CubeCase]) -> list[tuple[float, ...]]:
    """Our equities, one question after the other."""
    return [engine.decide_cube(case.board, case.stakes).equities for case in cases]


def answer_together(engine: StakesEngine, cases: Sequence[CubeCase]) -> list[tuple[float, ...]]:
    """Our equities, all questions at once."""
    verdicts = engine.decide_cubes(np.array([case.board for case in cases]), [case.stakes for case in cases])
    return [verdict.equities for verdict in verdicts]


def run_rounds(
    engine: StakesEngine, peer: GnubgProcess, rounds: Sequence[Sequence[CubeCase]], rows: Sequence[Row]
) -> tuple[list[Any], list[Any]]:
    """Time every round in turn, the first for nothing; all answers, theirs and ours."""
    theirs: list[Any] = []
    ours: list[Any] = []
    for number, cases in enumerate(rounds):
        seconds, answers = peer.answer(cases)
        spent = [seconds]
        for answer in (answer_singly, answer_together):
            started = time.process_time()
            own = answer(engine, cases)
            spent.append(time.process_time() - started)
        theirs += answers
        ours += own
        if number:
            for row, one in zip(rows, spent, strict=True):
                row.rates.append(row.work(number) / one)
    return theirs, ours


@program(__doc__)
@click.option("--plies", default=2, show_default=True, type=click.IntRange(0, 3))
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(1))
@click.option("--decisions", default=16, show_default=True, type=click.IntRange(1), help="Of a round.")
@click.option("--seed", default=41, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(plies: int, rounds: int, decisions: int, seed: int, as_json: bool) -> None:
    """Draw, answer, compare, print."""
    cases = list(draw(decisions * (rounds + 1), seed))
    engine = build_engine(EngineSpec(cube_plies=plies)).cube
    ours_singly, ours_together = (f"ours, {how}" for how in ("one by one", "a round at once"))
    must, dream = (5.0, 15.0) if plies == 2 else (None, None)
    blocks = [cases[first : first + decisions] for first in range(0, len(cases), decisions)]

    def count(number: int) -> int:
        return len(blocks[number])

    rows = [
        Row(PEER, "decisions/s", count),
        Row(ours_singly, "decisions/s", count, PEER, must, dream),
        Row(ours_together, "decisions/s", count, PEER),
    ]
    with tempfile.TemporaryDirectory(prefix="bench-cube-") as folder:
        peer = GnubgProcess(plies, Path(folder))
        try:
            theirs, ours = run_rounds(engine, peer, blocks, rows)
        finally:
            peer.close()
    agreement = float(np.mean([cube_choice(*a) == cube_choice(*b) for a, b in zip(theirs, ours, strict=True)]))
    apart = np.abs(np.array(theirs) - np.array(ours))[:, :2].mean(axis=0).tolist()
    assert agreement >= LEAST_AGREEMENT, f"only {agreement:.2f} of the actions are GNU Backgammon's"
    lines = report(rows)
    found = {"plies": plies, "decisions": len(cases), "seed": seed, "agreement": agreement, "mean_difference": apart}
    if as_json:
        print(json.dumps({"kind": "cube", **found, "machine": machine(), "lines": lines}))
        return
    print(f"{len(cases)} cube decisions at {plies} plies: {agreement:.3f} of the actions in common, no double "
          f"{apart[0]:.4f} and double/take {apart[1]:.4f} EMG apart on average")  # fmt: skip
    show(lines)


if __name__ == "__main__":
    main()
