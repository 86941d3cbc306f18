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

from backgammon.evaluation.outcome import final_outcomes, possible_outcomes
from backgammon.movegen import legal_candidates
from backgammon.phase import PHASES, phase_codes
from comparison_net.features import NUM_FEATURES, fold
from comparison_net.kernels import Expert, FoldedNet, decide, fold_net, judge_boards, possible_mask
from tests.naive.network import Layers, outcomes, score

Arrays = tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]
ROOT = Path(__file__).resolve().parent.parent

PASSING = Expert([], (np.ones(1, dtype=np.float32), 0.0), None)
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
        net = fold_net(table, base, [Expert(narrow[1:], (output.astype(np.float32), 0.0), None)])
    else:
        table, base = fold(output.astype(np.float32)[None], None)
        net = fold_net(table, base, [PASSING], is_linear=True)
    return net, layers, output


def evaluate(net: FoldedNet, boards: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
    scores = np.empty(len(boards), dtype=np.float32)
    judge_boards(boards, net, scores, np.empty((0, 6), dtype=np.float32))
    return scores


def choose(
    net: FoldedNet, boards: npt.NDArray[np.int8], dice: npt.NDArray[np.int8]
) -> tuple[npt.NDArray[np.int64], int]:
    rows = np.empty(len(boards), dtype=np.int64)
    num_scored = decide(boards, dice, net, rows, np.empty((0, 26), dtype=np.int8), np.empty((0, 6), dtype=np.float32))
    return rows, num_scored


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
        rows, num_scored = choose(net, boards, dice)
        candidates, offsets = legal_candidates(boards, dice)
        scores = evaluate(net, candidates)
        scores[(candidates <= 0).all(axis=1)] = np.inf  # a play that wins is never passed over
        expected = [int(np.argmax(scores[a:b])) for a, b in itertools.pairwise(offsets)]
        assert rows.tolist() == expected
        counts = np.diff(offsets)
        assert num_scored == counts[counts > 1].sum()


def judged_net(
    num_experts: int, score_from: str = "head", hidden: tuple[int, ...] = (48, 24, 9)
) -> tuple[FoldedNet, list[Layers], list[Expert]]:
    """A random net with outcomes; layers and heads of every expert."""
    rng = np.random.default_rng(8)
    first = (rng.normal(0, 0.2, (hidden[0], NUM_FEATURES)), rng.normal(0, 0.1, hidden[0]))
    layers, experts = [], []
    for _ in range(num_experts):
        upper = [
            (rng.normal(0, 0.3, (after, before)).astype(np.float32), rng.normal(0, 0.1, after).astype(np.float32))
            for before, after in itertools.pairwise(hidden)
        ]
        head = (
            None if score_from == "equity" else (rng.normal(0, 1, hidden[-1]).astype(np.float32), float(rng.normal()))
        )
        outcome = rng.normal(0, 1, (6, hidden[-1])).astype(np.float32), rng.normal(0, 1, 6).astype(np.float32)
        experts.append(Expert(upper, head, outcome))
        layers.append([first, *((w.astype(np.float64), b.astype(np.float64)) for w, b in upper)])
    table, base = fold(first[0].astype(np.float32), first[1].astype(np.float32))
    return fold_net(table, base, experts, score_scale=0.0 if score_from == "head" else 7.0), layers, experts


@pytest.mark.parametrize("num_experts", [1, len(PHASES)])
@pytest.mark.parametrize("score_from", ["head", "equity", "sum"])
def test_outcomes_and_experts_equal_the_definition(
    num_experts: int, score_from: str, random_play: Arrays, nasty: Arrays
) -> None:
    net, layers, experts = judged_net(num_experts, score_from)
    for boards, dice in (random_play, nasty):
        positions = np.ascontiguousarray(legal_candidates(boards[:60], dice[:60])[0][::3][:400])
        scores = np.empty(len(positions), dtype=np.float32)
        chances = np.empty((len(positions), 6), dtype=np.float32)
        judge_boards(positions, net, scores, chances)
        codes = phase_codes(positions) if num_experts > 1 else np.zeros(len(positions), dtype=np.int8)
        for board, found, six, code in zip(positions, scores, chances, codes, strict=True):
            expert = experts[code]
            assert expert.outcome is not None
            expected = outcomes(board, layers[code], *expert.outcome)
            np.testing.assert_allclose(six, expected, atol=2e-6)
            assert (six[expected == 0] == 0).all()
            value = 0.0 if score_from == "head" else float(7 * expected @ [1, 2, 3, -1, -2, -3])
            if expert.score is not None:
                value += score(board, layers[code], expert.score[0]) + expert.score[1]
            np.testing.assert_allclose(found, value, atol=2e-4, rtol=1e-5)


@pytest.mark.parametrize("num_experts", [1, len(PHASES)])
@pytest.mark.parametrize("score_from", ["head", "equity", "sum"])
def test_the_played_candidate_and_its_outcomes_are_those_of_the_choice(
    num_experts: int, score_from: str, random_play: Arrays, nasty: Arrays
) -> None:
    net, _, _ = judged_net(num_experts, score_from)
    for boards, dice in (random_play, nasty):
        candidates, offsets = legal_candidates(boards, dice)
        scores = np.empty(len(candidates), dtype=np.float32)
        chances = np.empty((len(candidates), 6), dtype=np.float32)
        judge_boards(candidates, net, scores, chances)
        scores[(candidates <= 0).all(axis=1)] = np.inf
        best = [first + int(np.argmax(scores[first:last])) for first, last in itertools.pairwise(offsets)]
        rows = np.empty(len(boards), dtype=np.int64)
        after = np.empty((len(boards), 26), dtype=np.int8)
        six = np.empty((len(boards), 6), dtype=np.float32)
        decide(boards, dice, net, rows, after, six)
        assert (rows + offsets[:-1]).tolist() == best
        assert (after == candidates[best]).all()
        assert six.tobytes() == chances[best].tobytes()
        assert choose(net, boards, dice)[0].tolist() == rows.tolist()


def test_the_mask_of_possible_outcomes_follows_the_rules(random_play: Arrays, nasty: Arrays) -> None:
    for boards, dice in (random_play, nasty):
        positions = legal_candidates(boards, dice)[0]
        is_over, final = final_outcomes(positions)
        allowed = np.where(is_over[:, None], final > 0, possible_outcomes(positions))
        flat = np.zeros((len(positions), 32), dtype=np.int8)
        flat[:, :26] = positions
        masks = [possible_mask(flat.ravel(), 32 * k) for k in range(len(positions))]
        assert masks == (allowed @ (1 << np.arange(6))).tolist()


def test_a_score_does_not_depend_on_its_neighbours(random_play: Arrays) -> None:
    net, _, _ = random_net((64, 8))
    boards = random_play[0][:50]
    together = evaluate(net, boards)
    alone = np.array([evaluate(net, board[None])[0] for board in boards])
    assert together.tobytes() == alone.tobytes()


def test_large_weights_do_not_overflow_the_fixed_point() -> None:
    table = np.zeros((26, 31, 1))
    table[1:25, 16:] = 4000.0
    net = fold_net(table, np.array([-1.0]), [PASSING], is_linear=True)
    board = np.zeros((1, 26), dtype=np.int8)
    board[0, 1:16] = 1
    assert evaluate(net, board)[0] == pytest.approx(15 * 4000 - 1, rel=1e-6)


def test_plain_python_gives_the_same_numbers(random_play: Arrays, tmp_path: Path) -> None:
    boards, dice = random_play[0][:12], random_play[1][:12]
    np.savez(tmp_path / "in.npz", boards=boards, dice=dice)
    code = f"""
import numpy as np
from tests.test_kernels import choose, evaluate, random_net
data = np.load({str(tmp_path / "in.npz")!r})
net = random_net((40, 8))[0]
rows, _ = choose(net, data["boards"], data["dice"])
np.savez({str(tmp_path / "out.npz")!r}, rows=rows, scores=evaluate(net, data["boards"]))
"""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)
    plain = np.load(tmp_path / "out.npz")
    net = random_net((40, 8))[0]
    rows, _ = choose(net, boards, dice)
    assert plain["rows"].tolist() == rows.tolist()
    np.testing.assert_allclose(plain["scores"], evaluate(net, boards), atol=1e-5)
