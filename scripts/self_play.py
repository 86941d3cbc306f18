"""Decisions of the engine's own games as shards, to be labelled by a teacher (`scripts.label_shards`).

    python -m scripts.self_play --games 20000 --noise 0 0.05 0.3 --seed 1 --out shards [--model RUN] [--only-forced]
    python -m scripts.self_play --games 20000 --model gnubg:0 --out shards

A net that learns only from good games errs where good games never come; so a share of the plays is random: in game k
each play is random with the probability noise[k mod number of them]. `chosen` is what the net prefers, also where a
random play was made; its result is unknown there, since the game went on from another play. Forced plays and dances are
kept, for what they say about the outcomes; with --only-forced nothing else is, to go with logs, whose shards leave them
out. All games run in lockstep; each throws its dice from a generator made of (seed, number of the game), so the set
repeats on any machine with the same net.

With `--model gnubg:0` GNU Backgammon's nets (PyPI package `gnubg`, extra [peers]) play instead, and `chosen` is their
choice: several times as fast as `scripts.make_expert_logs`, and with random plays where they are wanted.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from backgammon.evaluation.outcome import POINTS, final_outcomes
from backgammon.learner.data.decision_shards import Origin, write_decisions
from backgammon.learner.net.scorer import Scorer, load_scorer
from backgammon.records import DecisionSet
from backgammon.rules import ragged
from backgammon.rules.board import START, swap
from backgammon.rules.decisions import Decisions
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards, Dice, Int8s, Int64s
from scripts.label_shards import GnubgTeacher, judge

GNUBG = "gnubg:0"
_GAMES_AT_ONCE = 4000


class GnubgChooser:
    """GNU Backgammon at 0-ply."""

    name = "gnubg 0-ply"
    identity = GNUBG

    def __init__(self) -> None:
        """Load the engine.

        Raises:
            ImportError: the package is not installed.
        """
        self._teacher = GnubgTeacher(0)

    def choose(self, positions: Boards, dice: Dice) -> Int64s:
        """The row of each decision's best candidate, int64[N], for positions int8[N, 26] and dice int8[N, 2]."""
        return ragged.best(judge(self._teacher, positions, dice)[0], legal_candidates(positions, dice)[1])


def _throw(rngs: list[np.random.Generator], is_first: bool) -> Dice:
    """One roll for each game, int8[G, 2]; never a double for the first roll of a game."""
    dice = np.array([rng.integers(1, 7, 2) for rng in rngs], dtype=np.int8).reshape(-1, 2)
    while is_first and (equal := np.flatnonzero(dice[:, 0] == dice[:, 1])).size:
        dice[equal] = [rngs[i].integers(1, 7, 2) for i in equal]
    return dice


def play_games(
    scorer: Scorer | GnubgChooser, numbers: range, noise: list[float], seed: int
) -> tuple[Boards, Dice, Int64s, Int64s, Int8s]:
    """Every decision of some games played to their end.

    Args:
        scorer: plays both sides.
        numbers: of the games.
        noise: shares of random plays, taken in turn.
        seed: of the dice.

    Returns:
        positions int8[D, 26], dice int8[D, 2], preferred rows int64[D], game int64[D], and the points int8[D] that
        the player on roll won in the end; 0 where another play than the preferred one was made.
    """
    rngs = [np.random.default_rng([seed, number]) for number in numbers]
    share = np.array([noise[number % len(noise)] for number in numbers])
    alive = np.arange(len(numbers))
    boards = np.repeat(START[None], len(numbers), axis=0)
    points = np.zeros(len(numbers), dtype=np.int8)  # for whoever made the last play
    last_turn = np.zeros(len(numbers), dtype=np.int64)
    parts = []
    turn = 0
    while len(alive):
        dice = _throw([rngs[i] for i in alive], turn == 0)
        rows = scorer.choose(boards, dice)
        candidates, offsets = legal_candidates(boards, dice)
        is_random = np.array([rngs[i].random() for i in alive]) < share[alive]
        random_rows = np.array([rngs[i].random() for i in alive]) * np.diff(offsets)
        played = np.where(is_random, random_rows.astype(np.int64), rows)
        parts.append((boards, dice, rows, alive, np.full(len(alive), turn), played == rows))
        after = candidates[offsets[:-1] + played]
        is_over, outcomes = final_outcomes(after)
        over = alive[is_over]
        points[over] = (outcomes[is_over] @ POINTS).astype(np.int8)
        last_turn[over] = turn
        boards = swap(after[~is_over])
        alive = alive[~is_over]
        turn += 1
    positions, dice, rows, games, turns, is_played = (np.concatenate(column) for column in zip(*parts, strict=True))
    is_winner = (last_turn[games] - turns) % 2 == 0
    won = np.where(is_played, np.where(is_winner, points[games], -points[games]), 0).astype(np.int8)
    return positions, dice, rows, games + numbers.start, won


def main() -> int:
    """Play, and write the shards."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", type=int, default=20_000)
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0, 0.05, 0.3])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", help=f"who plays: a model file or run folder, or {GNUBG}; else the default model")
    parser.add_argument("--only-forced", action="store_true", help="keep the decisions with one candidate, no others")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.games < 1 or not all(0 <= share <= 1 for share in options.noise):
        parser.error("--games must be at least 1, and every --noise from 0 to 1")
    try:
        scorer = GnubgChooser() if options.model == GNUBG else load_scorer(options.model)
    except ImportError:
        print("error: GNU Backgammon's package is missing; install it: pip install -e '.[peers]'", file=sys.stderr)
        return 1
    started = time.monotonic()
    parts = []
    for first in range(0, options.games, _GAMES_AT_ONCE):
        numbers = range(first, min(first + _GAMES_AT_ONCE, options.games))
        parts.append(play_games(scorer, numbers, options.noise, options.seed))
        print(f"{numbers.stop:,d} of {options.games:,d} games, {time.monotonic() - started:.0f} s", flush=True)
    positions, dice, rows, games, points = (np.concatenate(column) for column in zip(*parts, strict=True))
    units = [f"self-play {options.seed}/{game}" for game in range(options.games)]
    found = DecisionSet(Decisions.make(positions, dice, rows, games), units, [scorer.name] * len(games), points)
    if options.only_forced:
        found = found.take(found.decisions.is_forced)
    report = {"games": options.games, "noise": options.noise, "seed": options.seed, "model": scorer.identity}
    shards = write_decisions(found, options.out, Origin(report=report), keeps_forced=True)
    print(f"{len(shards):,d} decisions in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
