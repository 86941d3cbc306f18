"""Make expert logs: GNU Backgammon (PyPI package `gnubg`) plays itself, cubeless money, at a chosen ply.

    python -m scripts.make_expert_logs --plies 0 --games 1000 --seed 1 --out logs/ [--labels] [--workers 2]

Writes sessions of 100 independent games, gnubg-PLYply-SEED.mat.xz, SEED being the seed of the first game; game k of the
run throws its dice from seed SEED + k, so a set can be made in parts and repeats on any machine with the same package.
With --labels also labels-PLYply-SEED.jsonl.xz: one line an unforced play, `{"game": SEED/number, "turn", "id": Position
ID of the player on roll, "dice", "played": ID after the play (opponent on roll), "n": distinct results, "cands": [[ID
after, equity of the mover, ply], ...]}`: the searched candidates at the chosen ply, best first, then the others at
0-ply.

At ply 1 and more the 8 best of 0-ply within 0.16 of the top are searched (gnubg's "normal" filter). A session appears
whole or not at all; sessions that exist are left alone, so an interrupted run is continued by the same command.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from backgammon.engine.peers.gnubg_judge import GnubgJudge, Ranked
from backgammon.notation import format_play, position_id, position_ids
from backgammon.records import GameRecord, MatchRecord, ResultAction, RollAction, write_mat
from backgammon.rules import game
from backgammon.rules.board import swap
from backgammon.rules.decision import Decision
from backgammon.rules.dice import Roll, make_roll
from backgammon.rules.game import Stage
from backgammon.tools.storage import replace_file

GAMES_A_FILE = 100
EngineBoard = tuple[tuple[int, ...], tuple[int, ...]]
"""Counts of the player who has just moved and of the player on roll, as GNU Backgammon takes a position."""


def play_game(
    expert: GnubgJudge, seed: int, number: int, points: tuple[int, int]
) -> tuple[GameRecord, list[dict[str, Any]]]:
    """One game of the expert against itself, and the labels of its unforced plays.

    Args:
        expert: plays both sides.
        seed: of the dice.
        number: of the game in its session, from 1.
        points: score of the session before it.
    """
    rng = np.random.default_rng(seed)
    state = game.open_game(game.new_game(has_cube=False), *throw_opening(rng))
    actions: list[RollAction | ResultAction] = []
    labels: list[dict[str, Any]] = []
    turn = 0
    while not state.is_over:
        if state.stage is Stage.ROLL:
            state = game.roll_dice(state, *throw(rng))
        decision = state.decision()
        row = 0
        if not decision.is_forced:
            ranked = expert.rank(decision.candidates)
            row = ranked.rows[0]
            labels.append({"turn": turn, **label(decision, ranked)})
        actions.append(
            RollAction(state.turn, (decision.roll.high, decision.roll.low), format_play(decision.plays[row]))
        )
        state = game.play(state, decision.candidates[row])
        turn += 1
    assert state.result is not None
    actions.append(ResultAction(state.result.winner, state.result.points))
    return GameRecord(number, players(expert), points, tuple(actions)), labels


def throw(rng: np.random.Generator) -> Roll:
    """Two fair dice from `rng`; the sets that were made depend on this way of drawing them."""
    first, second = rng.integers(1, 7, size=2)
    return make_roll(int(first), int(second))


def throw_opening(rng: np.random.Generator) -> tuple[int, int]:
    """One die each until they differ: (player 0's, player 1's); the larger starts and plays both."""
    while True:
        first, second = (int(die) for die in rng.integers(1, 7, size=2))
        if first != second:
            return first, second


def players(expert: GnubgJudge) -> tuple[str, str]:
    """Names of the two seats."""
    return f"gnubg{expert.plies}ply-A", f"gnubg{expert.plies}ply-B"


def label(decision: Decision, ranked: Ranked) -> dict[str, Any]:
    """One decision as a line of labels."""
    ids = position_ids(swap(decision.candidates[ranked.rows]))
    return {
        "id": position_id(decision.position),
        "dice": list(decision.roll),
        "played": ids[0],
        "n": len(decision.candidates),
        "cands": [
            [after, round(equity, 5), plies]
            for after, equity, plies in zip(ids, ranked.equities, ranked.plies, strict=True)
        ],
    }


def make_session(plies: int, seed: int, num_games: int, out: Path, with_labels: bool) -> int:
    """Play and store one session; gives the number of unforced plays."""
    expert = GnubgJudge(plies)
    tag = f"{seed:07d}"
    games, lines = [], []
    points = (0, 0)
    for number in range(1, num_games + 1):
        record, labels = play_game(expert, seed + number - 1, number, points)
        result = record.actions[-1]
        assert isinstance(result, ResultAction)
        assert result.points is not None
        points = (points[0] + result.points * (result.seat == 0), points[1] + result.points * (result.seat == 1))
        games.append(record)
        lines += [json.dumps({"game": f"{tag}/{number}", **one}, separators=(",", ":")) for one in labels]
    event = ("Event", f"gnubg {plies}-ply self-play, cubeless money")
    match = MatchRecord(0, tuple(games), headers=(event,))
    if with_labels:
        store(out / f"labels-{plies}ply-{tag}.jsonl.xz", "\n".join(lines) + "\n")
    store(out / f"gnubg-{plies}ply-{tag}.mat.xz", write_mat(match))
    return len(lines)


def store(path: Path, text: str) -> None:
    """Write a packed text so that it appears whole or not at all."""
    replace_file(path, lzma.compress(text.encode(), preset=9))


def main() -> int:
    """Play the sessions that are missing, over worker processes, with progress."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plies", type=int, default=2)
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--labels", action="store_true", help="store the equities of the candidates too")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if options.plies < 0 or options.games < 1:
        parser.error("--plies must not be negative and --games at least 1")
    try:
        import gnubg  # noqa: F401 - only to say early and clearly that it is missing
    except ImportError:
        print("error: GNU Backgammon's package is missing; install it: pip install -e '.[peers]'", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    jobs = []
    for first in range(0, options.games, GAMES_A_FILE):
        seed = options.seed + first
        if not (options.out / f"gnubg-{options.plies}ply-{seed:07d}.mat.xz").exists():
            jobs.append((options.plies, seed, min(GAMES_A_FILE, options.games - first), options.out, options.labels))
    started = time.monotonic()
    plays = done = 0
    with ProcessPoolExecutor(options.workers) as pool:
        for future in as_completed([pool.submit(make_session, *job) for job in jobs]):
            plays += future.result()
            done += 1
            seconds = time.monotonic() - started
            left = seconds / done * (len(jobs) - done)
            print(
                f"{done}/{len(jobs)} sessions, {plays:,d} unforced plays, {seconds:.0f} s, {left:.0f} s left",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
