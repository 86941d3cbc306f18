"""The fused play-time kernels against the definition, and that a score depends on nothing but the candidate."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from backgammon.movegen import legal_candidates
from comparison_net.features import NUM_FEATURES, fold
from comparison_net.kernels import FoldedNet, choose_rows, evaluate_boards, fold_net
from tests.naive.network import Layers, score

Arrays = tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]
ROOT = Path(__file__).resolve().parent.parent

SHAPES = [(), (1,), (40,), (64, 8), (96, 33, 17)]


def random_net(hidden: tuple[int, ...], seed: int = 3) -> tuple[FoldedNet, Layers, npt.NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    sizes = [NUM_FEATURES, *hidden]
    layers = [
        (rng.normal(0, 1.4 / np.sqrt(before), (after, before)), rng.normal(0, 0.1, after))
        for before, after in itertools.pairwise(sizes)
    ]
    output = rng.normal(0, 1, sizes[-1])
    narrow = [(w.astype(np.float32), b.astype(np.float32)) for w, b in layers]
    if hidden:
        table, base = fold(*narrow[0])
        net = fold_net(table, base, narrow[1:], output.astype(np.float32), is_linear=False)
    else:
        table, base = fold(output.astype(np.float32)[None], None)
        net = fold_net(table, base, [], np.ones(1, dtype=np.float32), is_linear=True)
    return net, layers, output


def evaluate(net: FoldedNet, boards: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
    scores = np.empty(len(boards), dtype=np.float32)
    evaluate_boards(boards, net, scores)
    return scores


@pytest.mark.parametrize("hidden", SHAPES)
def test_scores_equal_the_definition(hidden: tuple[int, ...], random_play: Arrays, nasty: Arrays) -> None:
    net, layers, output = random_net(hidden)
    for boards, _ in (random_play, nasty):
        expected = [score(board, layers, output) for board in boards[:300]]
        np.testing.assert_allclose(evaluate(net, boards[:300]), expected, atol=5e-5, rtol=1e-5)


@pytest.mark.parametrize("hidden", SHAPES)
def test_the_choice_is_the_first_best_of_the_scores(
    hidden: tuple[int, ...], random_play: Arrays, nasty: Arrays
) -> None:
    net, _, _ = random_net(hidden)
    for boards, dice in (random_play, nasty):
        rows = np.empty(len(boards), dtype=np.int64)
        num_scored = choose_rows(boards, dice, net, rows)
        candidates, offsets = legal_candidates(boards, dice)
        scores = evaluate(net, candidates)
        expected = [int(np.argmax(scores[a:b])) for a, b in itertools.pairwise(offsets)]
        assert rows.tolist() == expected
        counts = np.diff(offsets)
        assert num_scored == counts[counts > 1].sum()


def test_a_score_does_not_depend_on_its_neighbours(random_play: Arrays) -> None:
    net, _, _ = random_net((64, 8))
    boards = random_play[0][:50]
    together = evaluate(net, boards)
    alone = np.array([evaluate(net, board[None])[0] for board in boards])
    assert together.tobytes() == alone.tobytes()


def test_large_weights_do_not_overflow_the_fixed_point() -> None:
    table = np.zeros((26, 31, 1))
    table[1:25, 16:] = 4000.0
    net = fold_net(table, np.array([-1.0]), [], np.ones(1, dtype=np.float32), is_linear=True)
    board = np.zeros((1, 26), dtype=np.int8)
    board[0, 1:16] = 1
    assert evaluate(net, board)[0] == pytest.approx(15 * 4000 - 1, rel=1e-6)


def test_plain_python_gives_the_same_numbers(random_play: Arrays, tmp_path: Path) -> None:
    boards, dice = random_play[0][:12], random_play[1][:12]
    np.savez(tmp_path / "in.npz", boards=boards, dice=dice)
    code = f"""
import numpy as np
from tests.test_kernels import random_net, evaluate
from comparison_net.kernels import choose_rows
data = np.load({str(tmp_path / "in.npz")!r})
net = random_net((40, 8))[0]
rows = np.empty(len(data["boards"]), dtype=np.int64)
choose_rows(data["boards"], data["dice"], net, rows)
np.savez({str(tmp_path / "out.npz")!r}, rows=rows, scores=evaluate(net, data["boards"]))
"""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)
    plain = np.load(tmp_path / "out.npz")
    net = random_net((40, 8))[0]
    rows = np.empty(len(boards), dtype=np.int64)
    choose_rows(boards, dice, net, rows)
    assert plain["rows"].tolist() == rows.tolist()
    np.testing.assert_allclose(plain["scores"], evaluate(net, boards), atol=1e-5)
