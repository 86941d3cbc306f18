"""Speed of the kernels against the peers that PyPI has, in one run on one pinned core. Usage: make bench.

    python -m scripts.bench [--model FILE] [--rounds 9] [--json] [--log docs/bench-log.jsonl] [--no-startup]

What is timed is checked first: the number of candidates of the fixed set of rolls, one by one against the slow twin,
and the chosen moves against scores computed without the fused path. Every round times each row once, in turn, so that
a machine that slows down slows all of them; figures are medians over the rounds, ratios are medians of the rounds'
ratios. The peers cache evaluations: each round gives them positions they have not seen.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from backgammon.learner.net.model_files import make_model, weight_shapes
from backgammon.learner.net.scorer import Scorer, load_scorer
from backgammon.rules.board import START
from backgammon.rules.dice import ROLLS
from backgammon.rules.movegen import MAX_CANDIDATES, generate_batch, legal_candidates
from backgammon.tools.arrays import Boards
from comparison_net.network_config import NetworkConfig
from scripts.ceilings import two_cores
from scripts.program import program
from scripts.verify_movegen import engine_decisions, peer_board
from tests.naive.movegen import legal_results
from tests.positions import random_play_decisions

ROOT = Path(__file__).resolve().parent.parent
NUM_PAIRS = 2000
REFERENCE = "net 256-32"
REAL_CORES = 1.9
"""Two threads of plain arithmetic this much faster than one: the machine has two cores for us."""
REAL_ROUNDS = 100
"""Rounds with two cores that are wanted for a figure of two threads."""
_MOST_ROUNDS = 24
"""Rounds of two threads for each of the others at most; they are short, since a core comes and goes within seconds."""


@dataclass
class Row:
    """One timed thing: work(round) does `count` units; the peer's row is what it is compared with."""

    name: str
    unit: str
    work: Callable[[int], int]
    peer: str | None = None
    must: float | None = None
    dream: float | None = None
    candidates: float | None = None  # mean candidates of a decision, to tell candidates a second
    rates: list[float] = field(default_factory=list)


def midgame(boards: Boards, dice: Boards, games: int) -> tuple[Boards, Boards]:
    """Decisions from the sixth turn on: both arrays hold `games` games side by side."""
    return boards[6 * games :], dice[6 * games :]


def fixed_pairs() -> tuple[Boards, Boards]:
    """2,000 mid-game rolls, half from random and half from engine play, and the start with all 21 rolls."""
    half = NUM_PAIRS // 2
    parts = []
    for boards, dice in (
        midgame(*random_play_decisions(40 * half, seed=5, num_games=64), 64),
        midgame(*engine_decisions(40 * half, 6, 0.0, num_games=64), 64),
    ):
        picked = np.random.default_rng(7).choice(len(boards), half, replace=False)
        parts.append((boards[picked], dice[picked]))
    rolls = np.array(ROLLS, dtype=np.int8)
    boards = np.concatenate([parts[0][0], parts[1][0], np.repeat(START[None], len(rolls), axis=0)])
    return boards, np.concatenate([parts[0][1], parts[1][1], rolls])


def check_exact(boards: Boards, dice: Boards) -> int:
    """The number of distinct results of the set, after comparing every one with the slow twin."""
    candidates, offsets = legal_candidates(boards, dice)
    for i in range(len(boards)):
        expected = legal_results(tuple(boards[i].tolist()), int(dice[i, 0]), int(dice[i, 1]))
        found = [tuple(row) for row in candidates[offsets[i] : offsets[i + 1]].tolist()]
        if found != expected:
            raise AssertionError(f"{boards[i].tolist()} {dice[i].tolist()}: not the twin's results")
    return len(candidates)


def check_choices(scorer: Scorer, boards: Boards, dice: Boards) -> None:
    """The fused choice must be the first best of the scores of all candidates."""
    candidates, offsets = legal_candidates(boards, dice)
    scores = scorer.scores(candidates)
    scores[(candidates <= 0).all(axis=1)] = np.inf  # a play that wins is never passed over
    expected = [int(np.argmax(scores[offsets[i] : offsets[i + 1]])) for i in range(len(boards))]
    if scorer.choose(boards, dice).tolist() != expected:
        raise AssertionError("the fused choice differs from the scores")


def generator_rows(boards: Boards, dice: Boards, total: int) -> list[Row]:
    """Move generation: compiled core, one Python call for the batch, and the peers."""
    out = np.empty((total + 2 * MAX_CANDIDATES, 26), dtype=np.int8)
    offsets = np.zeros(len(boards) + 1, dtype=np.int64)
    scratch = np.empty((3, 26), dtype=np.int8)
    repeats = 20

    def core(_: int) -> int:
        for _repeat in range(repeats):
            generate_batch(boards, dice, out, offsets, 0, scratch)
            assert offsets[-1] == total
        return repeats * total

    def call(_: int) -> int:
        for _repeat in range(repeats):
            candidates, _offsets = legal_candidates(boards, dice)
            assert len(candidates) == total
        return repeats * total

    rows = [
        Row("move generation, compiled", "positions/s", core, "gnubg-nn moves", 7.5, 15),
        Row("move generation, one call a batch", "positions/s", call, "gnubg-nn moves", 5, 10),
    ]
    gnubg_nn = optional("gnubg_nn")
    if gnubg_nn is not None:
        pairs = [(peer_board(board), *map(int, roll)) for board, roll in zip(boards, dice, strict=True)]

        def peer(_: int) -> int:
            found = sum(max(1, len(gnubg_nn.moves(*pair))) for pair in pairs)
            assert found == total
            return found

        rows.append(Row("gnubg-nn moves", "positions/s", peer))
    return rows


def reference_scorer(head: str, threads: int = 1) -> Scorer:
    """A net 254-256-32-1 with random weights: larger than GNU Backgammon's 250-128-5, and always the same.

    What ships changes from version to version; this stays, so that figures of different days compare.
    """
    network = NetworkConfig(hidden=(256, 32), head=head)
    rng = np.random.default_rng(12)
    weights = {
        name: rng.normal(0, 1 / np.sqrt(shape[-1]), shape).astype(np.float32)
        for name, shape in weight_shapes(network).items()
    }
    return Scorer(make_model(network, weights, "", {}), f"{REFERENCE}, {head}", threads)


def scorer_rows(model: str | None, rounds: int) -> list[Row]:
    """Decisions and evaluations of the reference nets, the model, and the peers on positions they have not seen."""
    reference, routed, shipped = reference_scorer("dense"), reference_scorer("phase"), load_scorer(model)
    boards, dice = midgame(*engine_decisions(60_000, 8, 0.05, num_games=64), 64)
    keep = np.diff(legal_candidates(boards, dice)[1]) > 1
    boards, dice = boards[keep], dice[keep]
    order = np.random.default_rng(9).permutation(len(boards))
    boards, dice = boards[order], dice[order]
    for scorer in (reference, routed, shipped):
        check_choices(scorer, boards[:2000], dice[:2000])
    candidates, offsets = legal_candidates(boards, dice)
    one_each = candidates[offsets[:-1]]
    mean = len(candidates) / len(boards)
    shuffled = candidates[np.random.default_rng(10).permutation(len(candidates))[:100_000]]

    def choose(scorer: Scorer, number: int) -> int:
        block = slice(number * 2000 % 40_000, number * 2000 % 40_000 + 2000)
        scorer.choose(boards[block], dice[block])
        return len(boards[block])

    def evaluate(_: int) -> int:
        reference.scores(shuffled)
        return len(shuffled)

    dense = f"decisions at 0-ply, {REFERENCE}"
    peer = "gnubg-nn best_move 0-ply"
    rows = [
        Row(dense, "decisions/s", partial(choose, reference), peer, 8, 20, mean),
        Row("the same, six experts by phase", "decisions/s", partial(choose, routed), dense, 0.77, 1, mean),
        Row("decisions at 0-ply, the model", "decisions/s", partial(choose, shipped), peer, 5, 10, mean),
        Row(f"unrelated evaluations, {REFERENCE}", "evaluations/s", evaluate, "gnubg-nn probabilities 0-ply", 6, 15),
    ]
    gnubg_nn = optional("gnubg_nn")
    if gnubg_nn is not None:
        per_round = min(2000, len(boards) // (rounds + 1))
        # The peers evaluate the side on roll after the play: the opponent, whose view is the swapped board.
        played = [peer_board(np.ascontiguousarray(-board[::-1])) for board in one_each[: per_round * (rounds + 1)]]
        pairs = [(peer_board(b), *map(int, d)) for b, d in zip(boards, dice, strict=True)][: per_round * (rounds + 1)]

        def best_move(number: int) -> int:
            for board, die1, die2 in pairs[number * per_round : (number + 1) * per_round]:
                gnubg_nn.best_move(board, die1, die2, 0)
            return per_round

        def probabilities(number: int) -> int:
            for board in played[number * per_round : (number + 1) * per_round]:
                gnubg_nn.probabilities(board, 0)
            return per_round

        # best_move would fill the cache that probabilities reads, so the latter goes through the positions backwards.
        played.reverse()
        rows.append(Row("gnubg-nn best_move 0-ply", "decisions/s", best_move))
        rows.append(Row("gnubg-nn probabilities 0-ply", "evaluations/s", probabilities))
    return rows


def optional(name: str) -> Any:
    """A peer's module, or None with a line that says how to get it."""
    try:
        return __import__(name)
    except ImportError:
        print(f"{name} is not installed: pip install -e '.[peers]'", file=sys.stderr)
        return None


def run_rows(rows: list[Row], rounds: int) -> None:
    """One untimed round, then `rounds` rounds that time each row once, in turn."""
    for row in rows:
        row.work(0)
    for number in range(1, rounds + 1):
        for row in rows:
            started = time.perf_counter()
            count = row.work(number)
            row.rates.append(count / (time.perf_counter() - started))


class Framed(NamedTuple):
    """Rounds of two threads against one.

    Attributes:
        ratios: how much faster two threads were, round by round.
        granted: what the machine granted meanwhile, the smaller one of two measurements around each.
    """

    ratios: list[float]
    granted: list[float]

    @property
    def real(self) -> list[float]:
        """The ratios of the rounds that had two cores from beginning to end."""
        return [ratio for ratio, cores in zip(self.ratios, self.granted, strict=True) if cores >= REAL_CORES]

    @property
    def counted(self) -> str:
        """How many rounds had two cores."""
        return f"{len(self.real)} of {len(self.ratios)} rounds on two cores"


def framed_ratios(work: Callable[[int], object], limit: int) -> Framed:
    """How much faster two threads do a piece of work than one, round by round, and what the machine granted meanwhile.

    A shared machine gives a second core at some moments and not at others, so each round is framed by two measurements
    of `two_cores`. What counts is the work done while the threads run: the host lends a core that idles to others, and
    the first call that wants it back waits for it, so each timed call follows one that is not timed.

    Args:
        work: does the work on so many threads.
        limit: rounds at most; `REAL_ROUNDS` with two cores are enough.
    """
    two_cores()
    found = Framed([], [])
    before = two_cores()
    while len(found.ratios) < limit and len(found.real) < REAL_ROUNDS:
        seconds = []
        for threads in (1, 2):
            work(threads)
            started = time.perf_counter()
            work(threads)
            seconds.append(time.perf_counter() - started)
        after = two_cores()
        found.ratios.append(seconds[0] / seconds[1])
        found.granted.append(min(before, after))
        before = after
    return found


def time_threads(rounds: int) -> list[dict[str, Any]]:
    """Decisions/s of two threads over one, on all cores, interleaved with what the machine grants two threads at all.

    The figure with a target is the median of the rounds that had two cores from beginning to end (`REAL_CORES`, see
    `framed_ratios`), and the median of all rounds stands beside it.
    """
    boards, dice = engine_decisions(60_000, 11, 0.0, num_games=64)
    scorers = {threads: reference_scorer("dense", threads) for threads in (1, 2)}
    results = {threads: scorer.choose(boards, dice) for threads, scorer in scorers.items()}
    assert (results[1] == results[2]).all(), "the choice depends on the number of threads"
    found = framed_ratios(lambda threads: scorers[threads].choose(boards, dice), _MOST_ROUNDS * rounds)
    goals = {"must": 1.85, "dream": 1.95}
    lines: list[dict[str, Any]] = []
    for name, values in (("two threads over one, all rounds", found.ratios), ("the same of arithmetic", found.granted)):
        lines.append({"name": name, "ratio": statistics.median(values), "ratio_range": [min(values), max(values)]})
    if real := found.real:
        name = f"two threads, {found.counted}"
        lines.append({"name": name, "ratio": statistics.median(real), "ratio_range": [min(real), max(real)], **goals})
    else:
        print(f"two threads: {found.counted}, so no figure", file=sys.stderr)
    return lines


def time_startup(repeats: int) -> list[dict[str, Any]]:
    """Seconds of whole processes: help; load and first move with warm kernels; the same with none compiled yet."""
    first_move = (
        "import numpy as np; from backgammon.learner.net.scorer import load_scorer; "
        "from backgammon.rules.board import START; "
        "load_scorer().choose(START[None], np.array([[3, 1]], np.int8))"
    )
    command = [sys.executable, "-c", first_move]
    pairgammon = str(Path(sys.executable).parent / "pairgammon")

    def seconds(arguments: list[str], times: int, fresh_cache: bool = False) -> float:
        measured = []
        for _ in range(times):
            with tempfile.TemporaryDirectory() as folder:
                environment = {**os.environ, **({"NUMBA_CACHE_DIR": folder} if fresh_cache else {})}
                environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's Python keeps its bytecode
                started = time.perf_counter()
                subprocess.run(arguments, check=True, capture_output=True, env=environment, cwd=ROOT)
                measured.append(time.perf_counter() - started)
        return statistics.median(measured)

    seconds(command, 1)
    return [
        {"name": "pairgammon --help", "seconds": seconds([pairgammon, "--help"], repeats), "must": 0.3, "dream": 0.15},
        {"name": "first engine move, warm", "seconds": seconds(command, repeats), "must": 1.0, "dream": 0.6},
        {"name": "first engine move, cold", "seconds": seconds(command, 1, fresh_cache=True), "must": 40, "dream": 15},
    ]


def report(rows: list[Row]) -> list[dict[str, Any]]:
    """Medians of the rates, and of the ratios round by round."""
    by_name = {row.name: row for row in rows}
    lines = []
    for row in rows:
        line: dict[str, Any] = {"name": row.name, "unit": row.unit, "rate": statistics.median(row.rates)}
        line["rate_range"] = [min(row.rates), max(row.rates)]
        if row.candidates:
            line["candidates_per_second"] = line["rate"] * row.candidates
        if row.peer in by_name:
            ratios = [a / b for a, b in zip(row.rates, by_name[row.peer].rates, strict=True)]
            line.update(peer=row.peer, ratio=statistics.median(ratios), ratio_range=[min(ratios), max(ratios)])
            line.update(must=row.must, dream=row.dream)
        lines.append(line)
    return lines


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"processor": model, "cores": os.cpu_count(), "python": platform.python_version(), "load": load}


def show(lines: list[dict[str, Any]]) -> None:
    """One line a figure, with its target where it has one."""
    for line in lines:
        figure = f"{line['rate']:14,.0f} {line['unit']}" if "rate" in line else ""
        if "seconds" in line:
            figure = f"{line['seconds']:14.2f} s"
        ratio = f"{line['ratio']:6.2f} x" if "ratio" in line else ""
        goal = f"must {line['must']}, dream {line['dream']}" if line.get("must") else ""
        print(f"{line['name']:48s} {figure:30s} {ratio:10s} {goal}")
        if "candidates_per_second" in line:
            print(f"{'':48s} {line['candidates_per_second']:14,.0f} candidates/s")


def describe(network: NetworkConfig) -> str:
    """Head and widths, for instance "phase 512-64"."""
    return f"{network.head} {'-'.join(map(str, network.hidden))}"


@program(__doc__)
@click.option("--model", help="A model file or run folder instead of the default model.")
@click.option("--rounds", default=9, show_default=True)
@click.option("--json", "as_json", is_flag=True)
@click.option("--log", type=click.Path(path_type=Path), help="Append one line to this file.")
@click.option("--no-startup", is_flag=True, help="Leave out the whole-process timings.")
def main(model: str | None, rounds: int, as_json: bool, log: Path | None, no_startup: bool) -> None:
    """Check, time, print, and log."""
    boards, dice = fixed_pairs()
    total = check_exact(boards, dice)
    rows = generator_rows(boards, dice, total) + scorer_rows(model, rounds)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if cores:
        os.sched_setaffinity(0, {max(cores)})
    run_rows(rows, rounds)
    if cores:
        os.sched_setaffinity(0, cores)
    lines = report(rows)
    lines += time_threads(rounds)
    if not no_startup:
        lines += time_startup(5)
    network = load_scorer(model).model.network
    result = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "net": describe(network),
        "candidates": total,
        "rounds": rounds,
        "figures": lines,
    }
    if as_json:
        print(json.dumps(result, indent=1))
    else:
        print(f"{total:,d} distinct results of {len(boards):,d} rolls, each checked; model {describe(network)}")
        show(lines)
    if log:
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
