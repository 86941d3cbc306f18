"""Compare the move generator with its slow twin and with GNU Backgammon's on many rolls; print differences and counts.

    python -m scripts.verify_movegen [--pairs 1000000] [--seed 1] [--workers 2] [--no-peer]

Four kinds of decisions in equal parts: uniformly random play, play of the default model, play of the model spoilt
by 30 % random plays, and positions built to be nasty (crowded bars, blots everywhere, closed boards, last checkers,
bear-offs). The twin (tests/naive) must agree in content AND order, gnubg-nn (`moves`, PyPI) in content. Exit code 1
on a difference.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import click
import numpy as np

from backgammon.learner.net.scorer import load_scorer
from backgammon.rules.board import START, points_won, swap
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Boards
from scripts.program import program
from tests.naive.movegen import legal_results
from tests.positions import nasty_decisions, random_play_decisions

BLOCK = 5000
KINDS = ("random play", "engine play", "engine play, 30 % random", "nasty")


class Outcome(NamedTuple):
    """What one block of decisions showed."""

    kind: str
    pairs: int
    candidates: int
    twin_differences: int
    peer_differences: int
    first_difference: str


def engine_decisions(num: int, seed: int, random_share: float, num_games: int = 200) -> tuple[Boards, Boards]:
    """Decisions (boards int8[num, 26], dice int8[num, 2]) from games of the default model against itself."""
    rng = np.random.default_rng(seed)
    scorer = load_scorer()
    boards = np.repeat(START[None], num_games, axis=0)
    all_boards: list[Boards] = []
    all_dice: list[Boards] = []
    while num_games * len(all_boards) < num:
        dice = rng.integers(1, 7, size=(len(boards), 2)).astype(np.int8)
        all_boards.append(boards)
        all_dice.append(dice)
        candidates, offsets = legal_candidates(boards, dice)
        rows = scorer.choose(boards, dice)
        stray = rng.random(len(boards)) < random_share
        rows = np.where(stray, rng.integers(0, np.diff(offsets)), rows)
        boards = swap(candidates[offsets[:-1] + rows])
        for i in range(len(boards)):
            if points_won(boards[i]):
                boards[i] = START
    return np.concatenate(all_boards)[:num], np.concatenate(all_dice)[:num]


def make_decisions(kind: str, num: int, seed: int) -> tuple[Boards, Boards]:
    """Decisions of one of KINDS."""
    if kind == "random play":
        return random_play_decisions(num, seed)
    if kind == "nasty":
        return nasty_decisions(num, seed)
    return engine_decisions(num, seed, random_share=0.3 if kind.endswith("random") else 0.0)


def peer_keys(boards: Boards) -> list[bytes]:
    """GNU Backgammon's 20-letter keys of results int8[M, 26] seen by the mover: the opponent's half first.

    Each count is written as that many ones and a zero, least significant bit first; a byte is two letters, high nibble
    first.
    """
    own = np.maximum(boards[:, 1:], 0)
    opponent = np.maximum(-boards[:, 24::-1], 0)
    counts = np.concatenate([opponent, own], axis=1).astype(np.int64)
    zeros = np.cumsum(counts + 1, axis=1) - 1
    bits = np.arange(80)[None, :] < zeros[:, -1:]
    np.put_along_axis(bits, zeros, False, axis=1)
    octets = np.packbits(bits, axis=1, bitorder="little")
    letters = np.empty((len(boards), 20), dtype=np.uint8)
    letters[:, 0::2] = ord("A") + (octets >> 4)
    letters[:, 1::2] = ord("A") + (octets & 15)
    return [bytes(row) for row in letters]


def peer_board(board: Boards) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(opponent, player on roll), each 25 counts from its own side, the bar last."""
    own = np.maximum(board[1:], 0).tolist()
    opponent = np.maximum(-board[24::-1], 0).tolist()
    return tuple(opponent), tuple(own)


def compare_block(kind: str, num: int, seed: int, with_peer: bool) -> Outcome:
    """Compare `num` decisions of one kind with the twin and, if wanted, the peer."""
    boards, dice = make_decisions(kind, num, seed)
    candidates, offsets = legal_candidates(boards, dice)
    twin_differences = peer_differences = 0
    first = ""
    keys = peer_keys(candidates) if with_peer else []
    if with_peer:
        import gnubg_nn
    for i in range(num):
        start, end = int(offsets[i]), int(offsets[i + 1])
        die1, die2 = int(dice[i, 0]), int(dice[i, 1])
        found = [tuple(row) for row in candidates[start:end].tolist()]
        if found != legal_results(tuple(boards[i].tolist()), die1, die2):
            twin_differences += 1
            first = first or f"twin: {boards[i].tolist()} {die1}-{die2}"
        if with_peer:
            theirs = sorted(key.encode() for key in gnubg_nn.moves(peer_board(boards[i]), die1, die2))
            ours = sorted(keys[start:end])
            is_dance = not theirs and found == [tuple(boards[i].tolist())]
            if theirs != ours and not is_dance:
                peer_differences += 1
                first = first or f"gnubg-nn: {boards[i].tolist()} {die1}-{die2}"
    return Outcome(kind, num, len(candidates), twin_differences, peer_differences, first)


@program(__doc__)
@click.option("--pairs", default=1_000_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--workers", default=2, show_default=True)
@click.option("--no-peer", is_flag=True, help="Leave gnubg-nn out.")
@click.pass_context
def main(ctx: click.Context, pairs: int, seed: int, workers: int, no_peer: bool) -> None:
    """Run the comparison over worker processes and print one line a kind."""
    per_kind = -(-pairs // len(KINDS))
    jobs = [
        (kind, min(BLOCK, per_kind - begin), seed * 1_000_003 + begin + 7919 * number)
        for number, kind in enumerate(KINDS)
        for begin in range(0, per_kind, BLOCK)
    ]
    started = time.monotonic()
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(workers) as pool:
        futures = [pool.submit(compare_block, *job, not no_peer) for job in jobs]
        for done, future in enumerate(futures, 1):
            outcomes.append(future.result())
            if sys.stderr.isatty():
                print(f"\r{done}/{len(jobs)} blocks, {time.monotonic() - started:.0f} s", end="", file=sys.stderr)
    for kind in KINDS:
        mine = [o for o in outcomes if o.kind == kind]
        print(
            f"{kind:26s} {sum(o.pairs for o in mine):9,d} rolls {sum(o.candidates for o in mine):11,d} candidates   "
            f"differences: twin {sum(o.twin_differences for o in mine)}"
            + ("" if no_peer else f", gnubg-nn {sum(o.peer_differences for o in mine)}")
        )
    bad = [o.first_difference for o in outcomes if o.first_difference]
    print(*bad[:10], sep="\n", end="\n" if bad else "")
    print(
        f"{sum(o.pairs for o in outcomes):,d} rolls, {len(bad)} blocks with differences, "
        f"{time.monotonic() - started:.0f} s"
    )
    ctx.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
