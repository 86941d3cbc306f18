"""Speed of look-ahead and rollouts against the peers that PyPI has, in one run on one pinned core.

    python -m scripts.bench_search --model FILE [--rounds 9] [--threads two] [--json] [--log docs/bench-log.jsonl]

MODEL must have outcomes. What is timed is checked first: values at 1 and 2 ply against the recursive twin, and the
number of candidates that the filter leaves. Every round gives all of them the same unforced decisions of engine play,
which nobody has seen before (the peers cache evaluations). One core is measured in seconds of CPU of this process, in
which all of them run, so that a busy machine changes little; figures are medians over the rounds, ratios are medians of
the rounds' ratios. gnubg-nn's `best_move` has its own filters; `gnubg` judges the candidates of the "normal" filter, we
those of our default, whose plays lose no more (docs/experiments/look-ahead.md), and in rows of their own those of
"normal"; both with pruning nets. Two threads over one are measured on all cores, in rounds where a second process that
does the same work at the same time got a core of its own too, before and after.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
import numpy as np

from backgammon.cube.stakes import Stakes
from backgammon.engine.engine import Engine
from backgammon.engine.engine_spec import PRUNER, EngineSpec
from backgammon.engine.peers.peer_name import PeerName
from backgammon.engine.peers.worker import JudgeChooser, choose_rows
from backgammon.evaluation.evaluator import Evaluator
from backgammon.evaluation.exact import PROPOSED_WITHIN
from backgammon.evaluation.strengths import DEFAULT_FILTER
from backgammon.learner.net.engine_builder import build_engine
from backgammon.rules import ragged
from backgammon.rules.board import START
from backgammon.rules.decisions import Decisions
from backgammon.rules.movegen import legal_candidates
from backgammon.search import RolloutSettings, RolloutUnit, Searcher, SearchSettings, Workshop, play_games
from backgammon.tools.arrays import Boards
from scripts.bench import Framed, Row, machine, midgame, optional, report, show
from scripts.program import program
from scripts.verify_movegen import engine_decisions, peer_board
from tests.naive.search import look_ahead

DECISIONS = {1: 400, 2: 40, 3: 8}
"""Of a round, by ply; the peers get the first PEER_DECISIONS of them."""
PEER_DECISIONS = {1: 80, 2: 16}
GAMES = 360


def make_engine(model: str | None, pruner: str | None, within: float) -> Engine:
    """The engine that is timed.

    Args:
        model: a model file or run folder with outcomes; None for the default.
        pruner: the same; None for the one that ships, "none" for none.
        within: see `ExactEvaluator`.
    """
    if pruner == "none":
        return build_engine(EngineSpec(model, pruner=None))
    return build_engine(EngineSpec(model, pruner=pruner or PRUNER, within=within))


def fresh_decisions(count: int) -> tuple[Boards, Boards]:
    """Unforced decisions in the middle of games of the default model, 5 % of whose plays are random."""
    boards, dice = midgame(*engine_decisions(60_000, 18, 0.05, num_games=64), 64)
    open_rows = np.flatnonzero(np.diff(legal_candidates(boards, dice)[1]) > 1)
    order = np.random.default_rng(19).permutation(open_rows)[:count]
    return boards[order], dice[order]


def check_values(engine: Evaluator, boards: Boards, dice: Boards) -> None:
    """Compare the batched search with the recursive twin, and its filter with a count by hand."""
    for plies, count in ((1, 6), (2, 1)):
        searcher = Searcher(engine, SearchSettings(plies, shallow=0.0))
        analysis = searcher.analyse(boards[:count], dice[:count])
        best = analysis.order[analysis.decisions.offsets[:-1]]
        for at in best.tolist():
            expected = look_ahead(engine, analysis.decisions.candidates[at], plies, engine.reply)
            assert np.abs(analysis.outcomes[at] - expected).max() < 1e-5, "the search differs from its twin"
        searched = ragged.total(analysis.plies == plies, analysis.decisions.offsets)
        assert searched.min() >= 1, "the filter keeps nothing"
        assert searched.max() <= 8, "the filter keeps too many"


def search_rows(engine: Engine, boards: Boards, dice: Boards) -> list[Row]:
    """Decisions at 1, 2 and 3 ply, ours and the peers'."""
    rows = []
    for plies, name, must, dream in (
        (1, DEFAULT_FILTER, 10.0, 30.0),
        (2, DEFAULT_FILTER, 5.0, 15.0),
        (1, "normal", None, None),
        (2, "normal", None, None),
        (3, DEFAULT_FILTER, None, None),
    ):
        searcher = engine.at(plies=plies, filter_name=name).searcher
        peer = f"gnubg-nn best_move {plies}-ply" if plies in PEER_DECISIONS else None
        work = _ours(searcher, plies, boards, dice)
        rows.append(Row(f"{plies}-ply, filter {name}", "decisions/s", work, peer, must, dream))
    work = _at_stakes(engine.at(plies=2), boards, dice)
    rows.append(Row("2-ply with the cube, filter normal", "decisions/s", work))
    gnubg_nn = optional("gnubg_nn")
    if gnubg_nn is not None:
        rows += [
            Row(f"gnubg-nn best_move {plies}-ply", "decisions/s", _best_move(gnubg_nn, plies, boards, dice))
            for plies in PEER_DECISIONS
        ]
    if optional("gnubg") is not None:
        rows += [
            Row(f"gnubg {plies}-ply, filter normal", "decisions/s", _gnubg(plies, boards, dice))
            for plies in PEER_DECISIONS
        ]
    return rows


def _block(plies: int, number: int, count: int) -> slice:
    start = number * DECISIONS[plies]
    return slice(start, start + count)


def _ours(searcher: Searcher, plies: int, boards: Boards, dice: Boards) -> Callable[[int], int]:
    def work(number: int) -> int:
        block = _block(plies, number, DECISIONS[plies])
        return len(searcher.choose(boards[block], dice[block]))

    return work


def _at_stakes(engine: Engine, boards: Boards, dice: Boards) -> Callable[[int], int]:
    """Plays with the cube at 3-2 to 7, one decision after the other."""
    plays, stakes = engine.plays, Stakes(7, (3, 2))

    def work(number: int) -> int:
        block = _block(2, number, DECISIONS[2])
        decisions = Decisions.make(boards[block], dice[block])
        return sum(len(plays.rank_plays(decisions.one(index), stakes)) > 1 for index in range(len(decisions)))

    return work


def _best_move(gnubg_nn: Any, plies: int, boards: Boards, dice: Boards) -> Callable[[int], int]:
    def work(number: int) -> int:
        block = _block(plies, number, PEER_DECISIONS[plies])
        for board, roll in zip(boards[block], dice[block].tolist(), strict=True):
            gnubg_nn.best_move(peer_board(board), *roll, plies)
        return PEER_DECISIONS[plies]

    return work


def _gnubg(plies: int, boards: Boards, dice: Boards) -> Callable[[int], int]:
    chooser = JudgeChooser(PeerName("gnubg", plies))

    def work(number: int) -> int:
        block = _block(plies, number, PEER_DECISIONS[plies])
        return len(choose_rows(chooser, boards[block], dice[block]))

    return work


def run_rows(rows: list[Row], rounds: int) -> None:
    """One untimed round, then `rounds` rounds that time each row once, in turn, in seconds of CPU."""
    for row in rows:
        row.work(0)
    for number in range(1, rounds + 1):
        for row in rows:
            started = time.process_time()
            count = row.work(number)
            row.rates.append(count / (time.process_time() - started))


def one_core(rows: list[Row], rounds: int) -> list[dict[str, Any]]:
    """What `report` says of the rows, timed on one pinned core where the system can pin."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if cores:
        os.sched_setaffinity(0, {max(cores)})
    run_rows(rows, rounds)
    if cores:
        os.sched_setaffinity(0, cores)
    return report(rows)


def rollout_rows(engine: Evaluator) -> list[Row]:
    """Games of rollouts from the starting position, without and with the luck of every roll subtracted."""
    rows = []
    for name, luck_turns, games in (("no luck", 0, 1296), ("luck of 2 turns", 2, 1296), ("all luck", None, 72)):
        settings = RolloutSettings(games=games, horizon=None, luck_turns=luck_turns)

        def work(number: int, settings: RolloutSettings = settings) -> int:
            first = number * settings.games
            return len(play_games(engine, START, np.arange(first, first + settings.games), settings))

        rows.append(Row(f"rollout games to the end, {name}", "games/s", work))
    return rows


class Works:
    """What two threads are to do: a search and rollouts."""

    def __init__(self, engine: Evaluator) -> None:
        boards, dice = fresh_decisions(120)
        units = [RolloutUnit(START.tobytes(), first, GAMES) for first in range(0, 8 * GAMES, GAMES)]
        searches = {threads: Searcher(engine, SearchSettings(2), threads) for threads in (1, 2)}
        plain = RolloutSettings(horizon=None, luck_turns=0)
        shops = {threads: Workshop(engine, plain, threads=threads) for threads in (1, 2)}
        self.by_name: dict[str, Callable[[int], bytes]] = {
            "2-ply search": lambda threads: searches[threads].choose(boards, dice).tobytes(),
            "rollouts": lambda threads: b"".join(part.tobytes() for part in shops[threads].results(units)),
        }


def seconds(work: Callable[[int], object], threads: int) -> float:
    """How long the work takes so many threads."""
    started = time.perf_counter()
    work(threads)
    return time.perf_counter() - started


class Twin:
    """A second process that does the same work when it is told to: what the machine grants two that share nothing."""

    def __init__(self, make_engine: Callable[[], Engine]) -> None:
        """Start it; its first work comes late."""
        context = multiprocessing.get_context("spawn")
        self._end, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(make_engine, other), daemon=True)
        self._process.start()

    def beside(self, name: str, work: Callable[[int], object]) -> float:
        """Seconds until both have done it, one thread each."""
        started = time.perf_counter()
        self._end.send(name)
        work(1)
        self._end.recv()
        return time.perf_counter() - started

    def close(self) -> None:
        """Let it go."""
        self._end.send(None)
        self._process.join()


def _serve(make_engine: Callable[[], Engine], end: Connection) -> None:
    works = Works(make_engine().evaluator).by_name
    while (name := end.recv()) is not None:
        works[name](1)
        end.send(name)


def twin_ratios(name: str, work: Callable[[int], object], twin: Twin, rounds: int) -> tuple[Framed, list[float]]:
    """How much faster two threads are than one; each round is framed by two processes that do the same.

    Plain arithmetic is no measure for work of this length: on shared machines it gets two cores in rounds in which two
    processes of this work do not, and the other way round. What the processes were granted is measured against the
    median of one thread alone, so that a round does not count as one with two cores because its one thread was slow.

    Args:
        name: of the work.
        work: does it on so many threads.
        twin: does the same.
        rounds: how many.

    Returns:
        The rounds, each with the worse one of its two frames, and what two processes were worth in every frame.
    """
    ones, twos, frames = [], [], [twin.beside(name, work)]
    for _ in range(rounds):
        ones.append(seconds(work, 1))
        frames.append(twin.beside(name, work))
        twos.append(seconds(work, 2))
        frames.append(twin.beside(name, work))
    alone = statistics.median(ones)
    cores = [2 * alone / frame for frame in frames[1:]]  # the first was a warm-up
    ratios = [one / two for one, two in zip(ones, twos, strict=True)]
    return Framed(ratios, [min(pair) for pair in zip(cores[::2], cores[1::2], strict=True)]), cores


def time_threads(make_engine: Callable[[], Engine], rounds: int) -> list[dict[str, Any]]:
    """Two threads over one, of the search at 2 ply and of rollouts; see `twin_ratios` for the method."""
    lines: list[dict[str, Any]] = []
    twin = Twin(make_engine)
    for name, work in Works(make_engine().evaluator).by_name.items():
        assert work(1) == work(2), "the result depends on the number of threads"
        found, cores = twin_ratios(name, work, twin, 2 * rounds)
        parts: list[tuple[str, list[float], dict[str, float]]] = [
            ("two threads over one, all rounds", found.ratios, {}),
            ("two processes with the same work", cores, {}),
        ]
        if found.real:
            parts.append((f"two threads, {found.counted}", found.real, {"must": 1.8, "dream": 1.95}))
        for part, values, goals in parts:
            line = {"name": f"{name}, {part}", "ratio": statistics.median(values)}
            lines.append(line | {"ratio_range": [min(values), max(values)], **goals})
    twin.close()
    return lines


@program(__doc__)
@click.option("--model", help="A model file or run folder with outcomes; without it, the default model.")
@click.option("--pruner", help="A small model for the replies inside the search; else the one that ships.")
@click.option("--no-prune", is_flag=True)
@click.option("--within", default=PROPOSED_WITHIN, show_default=True, help="See `score_labels`.")
@click.option("--rounds", default=9, show_default=True)
@click.option("--threads", type=click.Choice(("one", "two", "both")), default="both", help="Which timings.")
@click.option("--json", "as_json", is_flag=True)
@click.option("--log", type=click.Path(path_type=Path), help="Append one line to this file.")
def main(
    model: str | None,
    pruner: str | None,
    no_prune: bool,
    within: float,
    rounds: int,
    threads: str,
    as_json: bool,
    log: Path | None,
) -> None:
    """Check, time, print, and log."""
    chosen = "none" if no_prune else pruner
    setup = functools.partial(make_engine, model, chosen, within)
    engine = setup()
    boards, dice = fresh_decisions((rounds + 1) * DECISIONS[1])
    check_values(engine.evaluator, boards, dice)
    lines = []
    if threads != "two":
        lines += one_core(search_rows(engine, boards, dice) + rollout_rows(engine.evaluator), rounds)
    if threads != "one":
        lines += time_threads(setup, rounds)
    names = {"model": engine.name, "pruner": engine.spec.pruner}
    result = {"kind": "search", **names, "machine": machine(), "lines": lines}
    if log:
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **result}) + "\n")
    if as_json:
        print(json.dumps(result))
    else:
        show(lines)


if __name__ == "__main__":
    main()
