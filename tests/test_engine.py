"""The engine: tables where they reach, the net elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from backgammon.evaluation.bearoff import Bearoff, find_or_build
from backgammon.evaluation.evaluator import Evaluator, Judgement
from backgammon.evaluation.exact import ExactEvaluator
from backgammon.evaluation.outcome import equities, final_outcomes
from backgammon.learner.net.scorer import Scorer, load_pruner, load_scorer
from backgammon.rules.board import START, Board, swap
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.rolls import expand_rolls
from backgammon.tools.arrays import Boards, Dice, Float32s, Int8s, Int64s
from comparison_net.network import make_network
from comparison_net.network_config import NetworkConfig
from tests.board_nets import ENCODER, model_of
from tests.evaluators import NoEvaluator, PipEvaluator
from tests.naive.search import look_ahead
from tests.test_bearoff import random_boards

Arrays = tuple[Int8s, Int8s]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Bearoff:
    return find_or_build(directory=tmp_path_factory.mktemp("bearoff"))


@pytest.fixture(scope="module")
def engine(tables: Bearoff) -> ExactEvaluator:
    return ExactEvaluator(PipEvaluator(), tables)


def bearoff_decisions(count: int, checkers: int, seed: int) -> Arrays:
    boards = random_boards(count, 6, checkers, seed)
    return boards, np.random.default_rng(seed).integers(1, 7, size=(count, 2), dtype=np.int8)


@pytest.mark.parametrize("checkers", [6, 15])
def test_covered_decisions_take_the_candidate_of_greatest_table_equity(tables: Bearoff, checkers: int) -> None:
    engine = ExactEvaluator(NoEvaluator(), tables)
    boards, dice = bearoff_decisions(300, checkers, seed=3)
    candidates, offsets = legal_candidates(boards, dice)
    exact = -tables.equities(swap(candidates))
    rows = engine.choose(boards, dice)
    afters, outcomes = engine.play_best(boards, dice)
    for i, row in enumerate(rows.tolist()):
        values = exact[offsets[i] : offsets[i + 1]]
        assert values[row] >= values.max() - 1e-12
        assert afters[i].tolist() == candidates[offsets[i] + row].tolist()
        assert float(equities(outcomes[i])) == pytest.approx(values.max(), abs=1e-6)


def test_positions_after_a_play_are_judged_from_the_right_side(tables: Bearoff) -> None:
    boards, _ = bearoff_decisions(200, 6, seed=4)
    outcomes = ExactEvaluator(NoEvaluator(), tables).outcomes(boards)
    np.testing.assert_allclose(equities(outcomes), -tables.equities(swap(boards)), atol=1e-6)
    np.testing.assert_allclose(outcomes.sum(axis=1), 1, atol=1e-6)


def test_finished_games_are_certain_wherever_the_loser_stands(engine: ExactEvaluator) -> None:
    boards = np.zeros((4, 26), dtype=np.int8)
    boards[0, 24] = -3  # one checker off and more: a single game
    boards[1, 12] = -15  # none off, outside the winner's home board
    boards[2, 0] = -1  # one on the bar ...
    boards[2, 20] = -14
    boards[3, 6] = -15  # all in the winner's home board
    outcomes = engine.outcomes(boards)
    assert outcomes.argmax(axis=1).tolist() == [0, 1, 2, 2]
    assert (outcomes.max(axis=1) == 1).all()
    assert outcomes.tobytes() == final_outcomes(boards)[1].tobytes()


def test_what_the_tables_do_not_cover_is_the_nets(engine: ExactEvaluator, random_play: Arrays) -> None:
    net = PipEvaluator()
    boards, dice = random_play
    open_rows = engine.bearoff.coverage(boards) == 0
    boards, dice = boards[open_rows][:500], dice[open_rows][:500]
    assert engine.choose(boards, dice).tolist() == net.choose(boards, dice).tolist()
    assert engine.play_best(boards, dice)[0].tobytes() == net.play_best(boards, dice)[0].tobytes()


def test_after_a_dance_the_replies_can_be_judged(tables: Bearoff, random_play: Arrays) -> None:
    engine = ExactEvaluator(PipEvaluator(), tables, expands_dances=True)
    positions, dice = random_play
    on_bar = positions[:, 25] > 0
    afters, outcomes = engine.play_best(positions[on_bar], dice[on_bar])
    is_on_bar = afters[:, 25] > 0
    closed = np.array([sum(count <= -2 for count in after[19:25].tolist()) for after in afters])
    is_stuck = is_on_bar & (closed >= 2)  # against one closed point a dance is too rare to matter
    assert 5 < is_stuck.sum() < is_on_bar.sum() < len(afters)
    plain = ExactEvaluator(PipEvaluator(), tables)
    for after, found in zip(afters[is_stuck][:10], outcomes[is_stuck][:10], strict=True):
        np.testing.assert_allclose(found, look_ahead(plain, after, 1), atol=1e-6)
    free = ~is_stuck
    assert outcomes[free].tobytes() == plain.play_best(positions[on_bar], dice[on_bar])[1][free].tobytes()
    assert engine.outcomes(afters).tobytes() == outcomes.tobytes()


def test_a_mixed_batch_gives_each_position_what_it_gets_alone(engine: ExactEvaluator, random_play: Arrays) -> None:
    easy = bearoff_decisions(60, 15, seed=5)
    boards = np.concatenate([random_play[0][:60], easy[0]])
    dice = np.concatenate([random_play[1][:60], easy[1]])
    mixed = np.random.default_rng(1).permutation(len(boards))
    boards, dice = boards[mixed], dice[mixed]
    afters, outcomes = engine.play_best(boards, dice)
    rows = engine.choose(boards, dice)
    judged = engine.outcomes(afters)
    assert judged.tobytes() == outcomes.tobytes()
    for i in range(len(boards)):
        alone: tuple[Board, Float32s] = engine.play_best(boards[i : i + 1], dice[i : i + 1])
        assert alone[0][0].tobytes() == afters[i].tobytes()
        assert alone[1][0].tobytes() == outcomes[i].tobytes()
        assert engine.choose(boards[i : i + 1], dice[i : i + 1])[0] == rows[i]


def test_the_identity_names_net_and_tables(engine: ExactEvaluator) -> None:
    assert engine.name == "pips"
    assert engine.identity == "pips+bearoff-6/6x6"
    expanding = ExactEvaluator(PipEvaluator(), engine.bearoff, expands_dances=True)
    assert expanding.identity == "pips+bearoff-6/6x6+dances-2"


def test_the_pruner_that_ships_plays_legally_and_sensibly(random_play: Arrays) -> None:
    pruner = load_pruner()
    if pruner is None:
        pytest.skip("this copy ships no pruner")
    boards, dice = random_play[0][:200], random_play[1][:200]
    candidates, offsets = legal_candidates(boards, dice)
    proposals, starts = pruner.propose(boards, dice, 1.0)
    assert starts[-1] == len(proposals) > 1.1 * len(boards)
    rows = pruner.choose(boards, dice)
    assert proposals[starts[:-1]].tobytes() == candidates[offsets[:-1] + rows].tobytes()
    opening, _ = pruner.propose(START[None].copy(), np.array([[3, 1]], dtype=np.int8), 0.0)
    assert opening[0, 5] == 2, "31 makes the 5-point"


def test_the_net_chooses_as_if_it_had_seen_all_when_everything_is_proposed(
    tables: Bearoff, random_play: Arrays
) -> None:
    class Everything(PipEvaluator):
        def propose(self, boards: Boards, dice: Dice, within: float) -> tuple[Board, Int64s]:
            assert within == 3.5
            return legal_candidates(boards, dice)

    net = load_scorer()
    candidates, offsets = legal_candidates(*random_play)
    wins = np.logical_or.reduceat(~(candidates > 0).any(axis=1), offsets[:-1])
    boards, dice = (values[~wins][:400] for values in random_play)
    expected = ExactEvaluator(net, tables).play_best(boards, dice)
    found = ExactEvaluator(net, tables, Everything(), within=3.5).reply(boards, dice)
    assert found[0].tobytes() == expected[0].tobytes()
    assert found[1].tobytes() == expected[1].tobytes()
    small = load_pruner()
    assert small is not None
    seen = [ExactEvaluator(net, tables, small, within=within).reply(boards, dice)[0] for within in (-1.0, 1.0, 1e6)]
    same = [(afters == expected[0]).all(axis=1).mean() for afters in seen]
    assert same[0] < same[1] < same[2], "the more the net sees, the more it plays as it would"


class Relay(Evaluator):
    """A pruner that hands on what another proposes: a net that has it is asked roll by roll."""

    def __init__(self, pruner: Scorer) -> None:
        self._pruner = pruner

    def judge(self, boards: Boards) -> Judgement:
        return self._pruner.judge(boards)

    def propose(self, boards: Boards, dice: Dice, within: float) -> tuple[Boards, Int64s]:
        return self._pruner.propose(boards, dice, within)


def small_scorer(outcomes: bool, seed: int, **network: Any) -> Scorer:
    torch.manual_seed(seed)
    net = make_network(NetworkConfig(outcomes=outcomes, **network), ENCODER)
    return Scorer(model_of(net), "small", threads=2)


def all_replies(engine: Evaluator, boards: Boards) -> tuple[Boards, Boards]:
    """The replies of an engine, and what it says of them, as bytes."""
    afters, outcomes = engine.reply_to_rolls(boards)
    return afters, outcomes.view(np.int32)


def assert_proposals_are_those_to_each_roll(fast: Evaluator, plain: Evaluator, boards: Boards) -> None:
    expected = plain.proposals(*expand_rolls(boards))
    for found in (fast.proposals_to_rolls(boards), plain.proposals_to_rolls(boards)):
        assert [part.tobytes() for part in found] == [part.tobytes() for part in expected]


@pytest.mark.parametrize("within", [-1.0, 0.0, 1.0])
def test_the_replies_to_all_rolls_are_those_to_each(tables: Bearoff, random_play: Arrays, within: float) -> None:
    net, small = load_scorer(), load_pruner()
    assert small is not None
    boards = np.concatenate([swap(random_play[0][:150]), random_boards(30, 8, 12, 5)])
    for expands in (False, True):
        fast, plain = (ExactEvaluator(net, tables, pruner, expands, within) for pruner in (small, Relay(small)))
        for found, expected in zip(all_replies(fast, boards), all_replies(plain, boards), strict=True):
            assert found.tobytes() == expected.tobytes()
        assert fast.outcomes(boards).tobytes() == plain.outcomes(boards).tobytes()
        assert_proposals_are_those_to_each_roll(fast, plain, boards)
    assert_proposals_are_those_to_each_roll(fast, plain, boards[:0])
    assert_proposals_are_those_to_each_roll(fast, plain, boards[-30:])


@pytest.mark.parametrize(
    "network",
    [
        {"hidden": ()},
        {"hidden": (8,)},
        {"hidden": (72, 24, 8)},
        {"hidden": (16, 8), "head": "phase"},
        {"hidden": (72, 24), "inputs": "patterns", "head": "phase", "score_from": "sum"},
    ],
    ids=str,
)
def test_so_they_are_for_nets_of_any_shape(
    tables: Bearoff, random_play: Arrays, nasty: Arrays, network: dict[str, Any]
) -> None:
    net = small_scorer(True, 1, **network)
    small = small_scorer(network.get("score_from") == "sum", 2, **network)
    boards = np.concatenate([swap(play[0][:60]) for play in (random_play, nasty)])
    fast, plain = (ExactEvaluator(net, tables, pruner, within=0.5) for pruner in (small, Relay(small)))
    for found, expected in zip(all_replies(fast, boards), all_replies(plain, boards), strict=True):
        assert found.tobytes() == expected.tobytes()
    assert_proposals_are_those_to_each_roll(fast, plain, boards)


def test_without_a_pruner_the_net_replies(tables: Bearoff, random_play: Arrays) -> None:
    boards = swap(random_play[0][:40])
    engine = ExactEvaluator(load_scorer(), tables)
    afters, outcomes = engine.reply_to_rolls(boards)
    expected = engine.play_best(*expand_rolls(boards))
    assert afters.tobytes() == expected[0].tobytes()
    assert outcomes.tobytes() == expected[1].tobytes()
    assert_proposals_are_those_to_each_roll(engine, engine, boards)
