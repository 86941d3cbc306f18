"""The fused play-time kernels against the definition, and that a score depends on nothing but the candidate."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backgammon.learner.inputs.features import NUM_FEATURES, fold
from backgammon.learner.inputs.patterns import MAX_PATTERNS, NUM_PATTERNS, patterns_of
from backgammon.learner.net.fold import Expert, FoldedNet, fold_net, scale_bits
from backgammon.learner.net.judge import judge_boards
from backgammon.learner.net.walk import decide
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.tools import intrinsics
from backgammon.tools.arrays import Boards, Dice, Float32s, Float64s, Int8s, Int16s, Int32s, Int64s
from backgammon.tools.jit import kernel
from tests.naive.network import Layers, outcomes, score
from tests.naive.patterns import patterns

Arrays = tuple[Int8s, Int8s]
Numbers64 = Int64s
ROOT = Path(__file__).resolve().parent.parent

PASSING = Expert([], (np.ones(1, dtype=np.float32), 0.0), None)
SHAPES = [(), (1,), (40,), (64, 8), (96, 33, 17), (32, 40)]


def random_net(hidden: tuple[int, ...], seed: int = 3) -> tuple[FoldedNet, Layers, Float64s]:
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


def evaluate(net: FoldedNet, boards: Boards) -> Float32s:
    scores = np.empty(len(boards), dtype=np.float32)
    judge_boards(boards, net, scores, np.empty((0, 6), dtype=np.float32))
    return scores


def choose(net: FoldedNet, boards: Boards, dice: Dice) -> tuple[Int64s, int]:
    rows = np.empty(len(boards), dtype=np.int64)
    num_scored = decide(boards, dice, net, rows, np.empty((0, 26), dtype=np.int8), np.empty((0, 6), dtype=np.float32))
    return rows, num_scored


@pytest.mark.parametrize("hidden", SHAPES)
def test_scores_equal_the_definition(hidden: tuple[int, ...], random_play: Arrays, nasty: Arrays) -> None:
    net, layers, output = random_net(hidden)
    for boards, _ in (random_play, nasty):
        expected = [score(board, layers, output) for board in boards[:300]]
        atol = 4e-4 if hidden else 5e-5  # rows of int16; a linear net has two for each unit
        np.testing.assert_allclose(evaluate(net, boards[:300]), expected, atol=atol, rtol=1e-5)


@pytest.mark.parametrize("hidden", [shape for shape in SHAPES if shape])
def test_nothing_but_the_rows_is_rounded(hidden: tuple[int, ...], random_play: Arrays, nasty: Arrays) -> None:
    net, layers, output = random_net(hidden)
    table, base = fold(layers[0][0].astype(np.float32), layers[0][1].astype(np.float32))
    bits = scale_bits(table, base)
    rounded, rounded_base = (np.ldexp(np.rint(np.ldexp(values, bits)), -bits) for values in (table, base))
    for boards, _ in (random_play, nasty):
        values = np.maximum(rounded_base + rounded[np.arange(26), boards + 15].sum(axis=1), 0)
        for weight, bias in layers[1:]:
            values = np.maximum(values @ weight.T + bias, 0)
        np.testing.assert_allclose(evaluate(net, boards), values @ output, atol=2e-5, rtol=1e-5)


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


def random_patterns(width: int) -> Float32s:
    return np.random.default_rng(17).normal(0, 0.2, (NUM_PATTERNS, width)).astype(np.float32)


def judged_net(
    num_experts: int,
    score_from: str = "head",
    hidden: tuple[int, ...] = (48, 24, 9),
    has_patterns: bool = False,
) -> tuple[FoldedNet, list[Layers], list[Expert]]:
    """A random net with outcomes, with `random_patterns` or without; layers and heads of every expert."""
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
    patterns = random_patterns(hidden[0]) if has_patterns else None
    scale = 0.0 if score_from == "head" else 7.0
    return fold_net(table, base, experts, score_scale=scale, patterns=patterns), layers, experts


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
            np.testing.assert_allclose(six, expected, atol=1e-4)
            assert (six[expected == 0] == 0).all()
            value = 0.0 if score_from == "head" else float(7 * expected @ [1, 2, 3, -1, -2, -3])
            if expert.score is not None:
                value += score(board, layers[code], expert.score[0]) + expert.score[1]
            np.testing.assert_allclose(found, value, atol=2e-3, rtol=1e-5)


@pytest.mark.parametrize("has_patterns", [False, True])
@pytest.mark.parametrize("num_experts", [1, len(PHASES)])
@pytest.mark.parametrize("score_from", ["head", "equity", "sum"])
def test_the_played_candidate_and_its_outcomes_are_those_of_the_choice(
    num_experts: int, score_from: str, has_patterns: bool, random_play: Arrays, nasty: Arrays
) -> None:
    net, _, _ = judged_net(num_experts, score_from, has_patterns=has_patterns)
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


def test_a_score_does_not_depend_on_its_neighbours(random_play: Arrays) -> None:
    net, _, _ = random_net((64, 8))
    boards = random_play[0][:50]
    together = evaluate(net, boards)
    alone = np.array([evaluate(net, board[None])[0] for board in boards])
    assert together.tobytes() == alone.tobytes()


@pytest.mark.parametrize("has_patterns", [False, True])
@pytest.mark.parametrize("num_experts", [1, len(PHASES)])
def test_no_batch_size_and_no_order_changes_a_bit(
    num_experts: int, has_patterns: bool, random_play: Arrays, nasty: Arrays
) -> None:
    """The inputs that a block leaves out depend on what stands in it; the sums must not."""
    net = judged_net(num_experts, "sum", (96, 40), has_patterns)[0]
    rng = np.random.default_rng(6)
    boards = np.concatenate([random_play[0][:150], nasty[0][:150]])
    expected = evaluate(net, boards)
    for size in range(1, 20):
        chosen = rng.permutation(len(boards))[: 3 * size]
        found = [evaluate(net, boards[part]) for part in np.split(chosen, range(size, len(chosen), size))]
        assert np.concatenate(found).tobytes() == expected[chosen].tobytes()


@pytest.mark.parametrize("width", [20, 64])
def test_patterns_are_added_to_the_first_layer(width: int, random_play: Arrays, nasty: Arrays) -> None:
    rng = np.random.default_rng(14)
    weight, bias = rng.normal(0, 0.2, (width, NUM_FEATURES)).astype(np.float32), rng.normal(0, 0.1, width)
    output, rows = rng.normal(0, 1, width), random_patterns(width)
    table, base = fold(weight, bias.astype(np.float32))
    head = Expert([], (output.astype(np.float32), 0.0), None)
    net = fold_net(table, base, [head], patterns=rows)
    bits = scale_bits(table, base, rows)
    parts = (table, base, rows.astype(np.float64))
    rounded, rounded_base, rounded_rows = (np.ldexp(np.rint(np.ldexp(part, bits)), -bits) for part in parts)
    for boards, _ in (random_play, nasty):
        found = evaluate(net, boards[:400])
        for board, value in zip(boards[:400], found, strict=True):
            named = patterns(board.tolist())
            units = base + table[np.arange(26), board + 15].sum(axis=0) + rows[named].sum(axis=0)
            np.testing.assert_allclose(value, np.maximum(units, 0) @ output, atol=1e-3)
            units = rounded_base + rounded[np.arange(26), board + 15].sum(axis=0) + rounded_rows[named].sum(axis=0)
            np.testing.assert_allclose(value, np.maximum(units, 0) @ output, atol=2e-5, rtol=1e-5)


def test_patterns_that_add_nothing_change_no_score_and_no_choice(random_play: Arrays, nasty: Arrays) -> None:
    table, base = fold(np.random.default_rng(2).normal(0, 0.2, (40, NUM_FEATURES)).astype(np.float32), None)
    head = Expert([], (np.random.default_rng(3).normal(0, 1, 40).astype(np.float32), 0.0), None)
    without = fold_net(table, base, [head])
    silent = fold_net(table, base, [head], patterns=np.zeros((NUM_PATTERNS, 40), dtype=np.float32))
    assert without.patterns_at == 0
    assert len(without.rows) == silent.patterns_at == 26 * 36 * 64
    for boards, dice in (random_play, nasty):
        assert evaluate(without, boards).tobytes() == evaluate(silent, boards).tobytes()
        assert choose(without, boards, dice)[0].tolist() == choose(silent, boards, dice)[0].tolist()


@pytest.mark.parametrize("size", [1e-3, 1.0, 300.0, 1e5])
def test_the_fixed_point_has_room_for_the_patterns(size: float) -> None:
    """All patterns at the largest value that a row may have, and as many of them as a position can have."""
    rows = np.full((NUM_PATTERNS, 1), size, dtype=np.float32)
    head = Expert([], (np.ones(1, dtype=np.float32), 0.0), None)
    net = fold_net(np.zeros((26, 31, 1)), np.array([size]), [head], patterns=rows)
    boards = np.zeros((2, 26), dtype=np.int8)
    boards[0, 1:25:2], boards[0, 2:26:2] = 1, -1
    boards[1, 1:16] = 1
    expected = [size * (1 + len(found)) for found in patterns_of(boards)]
    assert len(patterns_of(boards)[0]) == 48 < MAX_PATTERNS
    np.testing.assert_allclose(evaluate(net, boards), expected, rtol=2e-5)
    assert np.abs(net.rows.astype(np.int64)).max() > 8000  # the precision of int16 is used


def test_a_net_whose_first_layer_is_silent_scores_its_bias(random_play: Arrays) -> None:
    silent = Expert([(np.ones((8, 5), np.float32), np.full(8, 2, np.float32))], (np.ones(8, np.float32), 0.5), None)
    net = fold_net(np.zeros((26, 31, 5)), np.full(5, -1.0), [silent])
    assert (evaluate(net, random_play[0][:20]) == 16.5).all()


@kernel
def _find(values: Float32s, at: int, stride: int, rows: int, length: int, found: Int32s) -> int:
    return intrinsics.find_nonzero(values, at, stride, rows, length, found)


@pytest.mark.parametrize("rows", range(1, 9))
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 1.0])
def test_the_columns_in_use_are_found(rows: int, share: float) -> None:
    rng = np.random.default_rng(rows)
    for length in (16, 32, 48, 64, 512):
        values = np.full(9 * 520, 7, dtype=np.float32)  # rows that are not asked for are full
        inside = np.lib.stride_tricks.as_strided(values[5:], (rows, length), (4 * 520, 4))
        inside[:] = np.where(rng.random((rows, length)) < share, rng.normal(0, 1, (rows, length)), 0)
        found = np.full(length + 8, -1, dtype=np.int32)
        number = _find(values, 5, 520, rows, length, found)
        assert found[:number].tolist() == np.flatnonzero((inside != 0).any(axis=0)).tolist()


SHAPES_OF_TILES = [(6, 16), (4, 16), (8, 32), (4, 32), (8, 16)]
"""All that any processor uses; each must be right on every other too."""


@pytest.mark.parametrize(("rows", "columns"), SHAPES_OF_TILES, ids=str)
@pytest.mark.parametrize("num_used", [0, 1, 7, 96])
def test_a_tile_is_a_matrix_product_over_a_list(rows: int, columns: int, num_used: int) -> None:
    tile = intrinsics._make_tile(rows, columns)

    @kernel
    def run(
        inputs: Float32s,
        used: Int32s,
        num_used: int,
        numbers: Float32s,
        outputs: Float32s,
        floor: float,
    ) -> None:
        tile(inputs, 3, 100, used, num_used, numbers, 64, 96 * 16, numbers, 1, outputs, 2, 40, np.float32(floor))

    rng = np.random.default_rng(5)
    inputs, numbers = (rng.normal(0, 1, size).astype(np.float32) for size in (900, 64 + 96 * 32))
    used = np.sort(rng.permutation(96)[:num_used]).astype(np.int32)
    given = np.lib.stride_tricks.as_strided(inputs[3:], (rows, 96), (400, 4))
    weights = numbers[64:].reshape(2, 96, 16)[: columns // 16].transpose(1, 0, 2).reshape(96, columns)
    for floor in (0.0, -np.inf):
        outputs = np.zeros(2 + 40 * 8, dtype=np.float32)
        run(inputs, used, num_used, numbers, outputs, floor)
        found = outputs[2:].reshape(8, 40)
        expected = numbers[1 : 1 + columns] + given[:, used].astype(np.float64) @ weights[used]
        np.testing.assert_allclose(found[:rows, :columns], np.maximum(expected, floor), atol=2e-5)
        found[:rows, :columns] = 0
        assert not found.any()
        assert not outputs[:2].any()


@kernel
def _sum_both(
    whole: Int32s,
    real: Float32s,
    base: Int32s,
    base_at: int,
    table: Int16s,
    starts: Numbers64,
    plus: int,
    minus: int,
) -> None:
    intrinsics.sum_rows(whole, 3, base, base_at, table, starts, plus, minus, 64)
    intrinsics.sum_rows_to_floats(real, 5, base, base_at, table, starts, plus, minus, 64, np.float32(0))


@kernel
def _walk_both(
    whole: Int32s, real: Float32s, base: Int32s, table: Int16s, places: Numbers64, words: Numbers64, changed: Numbers64
) -> None:
    plus, minus, bar, patterns_at = places
    intrinsics.walk_row(
        whole, 3, base, 2, table, plus, minus, bar, words, 4, changed[0], changed[1], patterns_at, 128
    )  # fmt: skip
    intrinsics.walk_row_to_floats(
        real, 5, base, 2, table, plus, minus, bar, words, 4, changed[0], changed[1], patterns_at, 128, np.float32(0)
    )  # fmt: skip


@pytest.mark.parametrize("is_hit", [False, True])
def test_a_move_adds_and_subtracts_the_rows_of_what_it_changes(is_hit: bool) -> None:
    rng = np.random.default_rng(6)
    num_counts, first, second = 40, 12, 30
    table = rng.integers(-32768, 32768, 128 * (num_counts + 4 * 26 * 64), dtype=np.int16)
    base = rng.integers(-(1 << 22), 1 << 22, 130).astype(np.int32)
    places = np.array([128 * first, 128 * second, 128 * 5 if is_hit else 0, 128 * num_counts])
    mask = ((1 << 26) - 1) << 32 | (1 << 26) - 1
    words = rng.integers(0, 1 << 58, 12) & mask
    words[[5, 7, 9, 11]] = rng.integers(0, 1 << 62, 4)  # what is seen
    changed = rng.integers(0, 1 << 58, 2) & rng.integers(0, 1 << 58, 2)
    rows = table.reshape(-1, 128).astype(np.int64)
    expected = base[2:].astype(np.int64) + rows[first] - rows[second]
    if is_hit:
        expected += rows[first + 1] - rows[5]
    for sign, at in ((1, 8), (-1, 4)):
        for family in range(4):
            word, shift = at + family // 2 * 2, 32 * (family % 2)
            for place in range(26):
                if int(words[word] & changed[family // 2]) >> (shift + place) & 1:
                    seen = int(words[word + 1]) >> (shift + place) & 63
                    expected += sign * rows[num_counts + (26 * family + place) * 64 + seen]
    whole, real = np.zeros(140, dtype=np.int32), np.zeros(140, dtype=np.float32)
    _walk_both(whole, real, base, table, places, words, changed)
    assert whole[3:131].tolist() == expected.tolist()
    assert real[5:133].tolist() == np.maximum(expected, 0).tolist()


@pytest.mark.parametrize(("plus", "minus"), [(0, 0), (1, 0), (0, 1), (9, 4), (26, 24)])
def test_rows_of_int16_are_summed_exactly(plus: int, minus: int) -> None:
    rng = np.random.default_rng(4)
    table = rng.integers(-32768, 32768, 64 * 60, dtype=np.int16)
    base = rng.integers(-(1 << 22), 1 << 22, 64).astype(np.int32)
    starts = rng.integers(0, 64 * 59, 50)
    rows = np.stack([table[at : at + 64].astype(np.int64) for at in starts])
    expected = base + rows[:plus].sum(axis=0) - rows[plus : plus + minus].sum(axis=0)
    whole, real = np.zeros(80, dtype=np.int32), np.zeros(80, dtype=np.float32)
    _sum_both(whole, real, np.concatenate([np.full(7, 99, dtype=np.int32), base]), 7, table, starts, plus, minus)
    assert whole[3:67].tolist() == expected.tolist()
    assert real[5:69].tolist() == np.maximum(expected, 0).tolist()
    assert not whole[:3].any()
    assert not whole[67:].any()
    assert not real[:5].any()
    assert not real[69:].any()


@kernel
def _count(boards: Boards, at: int) -> tuple[int, int]:
    return intrinsics.count_own(boards, at), intrinsics.count_theirs(boards, at)


def test_checkers_are_counted(random_play: Arrays, nasty: Arrays) -> None:
    for boards, _ in (random_play, nasty):
        flat = np.concatenate([np.full(3, 9, np.int8), boards.ravel(), np.full(3, -9, np.int8)])
        for k, board in enumerate(boards[:500]):
            assert _count(flat, 3 + 26 * k) == (board.clip(0).sum(), (-board).clip(0).sum())


def test_the_tiles_follow_the_processor_that_is_compiled_for() -> None:
    code = "from backgammon.tools.intrinsics import TILE_COLUMNS, TILE_ROWS; print(TILE_ROWS, TILE_COLUMNS)"
    for features, shape in (("+avx,+avx2,-avx512f", "6 16"), ("+avx2,+avx512f", "8 32"), ("", "6 16")):
        environment = {**os.environ, "NUMBA_CPU_FEATURES": features}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment)
        assert done.stdout.strip() == shape, done.stderr


def test_large_weights_do_not_overflow_the_fixed_point() -> None:
    table = np.zeros((26, 31, 1))
    table[1:25, 16:] = 4000.0
    net = fold_net(table, np.array([-1.0]), [PASSING], is_linear=True)
    board = np.zeros((1, 26), dtype=np.int8)
    board[0, 1:16] = 1
    assert evaluate(net, board)[0] == pytest.approx(15 * 4000 - 1, rel=1e-6)


def nets() -> list[tuple[str, FoldedNet]]:
    """Nets of all kinds; 40 units above the first layer are a tile of 32 and one of 16 with AVX-512."""
    return [
        ("plain", random_net((40, 8))[0]),
        ("wide", random_net((32, 40))[0]),
        ("patterns", judged_net(6, "sum", (40, 8), True)[0]),
    ]


@pytest.mark.parametrize("features", ["+avx2", "+avx2,+avx512f"])
def test_plain_python_gives_the_same_numbers(features: str, random_play: Arrays, tmp_path: Path) -> None:
    boards, dice = random_play[0][:12], random_play[1][:12]
    np.savez(tmp_path / "in.npz", boards=boards, dice=dice)
    code = f"""
import numpy as np
from tests.test_kernels import choose, evaluate, nets
data = np.load({str(tmp_path / "in.npz")!r})
for name, net in nets():
    rows, _ = choose(net, data["boards"], data["dice"])
    np.savez({str(tmp_path)!r} + "/" + name + ".npz", rows=rows, scores=evaluate(net, data["boards"]))
"""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "NUMBA_CPU_FEATURES": features}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)
    for name, net in nets():
        plain = np.load(tmp_path / f"{name}.npz")
        rows, _ = choose(net, boards, dice)
        assert plain["rows"].tolist() == rows.tolist()
        np.testing.assert_allclose(plain["scores"], evaluate(net, boards), atol=2e-5)
