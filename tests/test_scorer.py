"""The play-time scorer: torch's numbers without torch, one answer however it is asked."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from backgammon.evaluation.outcome import equities
from backgammon.learner.net.model_files import make_model, weight_shapes
from backgammon.learner.net.scorer import DEFAULT_NAME, Scorer, load_scorer
from backgammon.rules.board import START, Position
from backgammon.rules.decision import Decision
from backgammon.rules.movegen import legal_candidates
from backgammon.tools.arrays import Int8s
from backgammon.tools.errors import ConfigError, DiceError, ModelError, PositionError
from comparison_net.checkpoint import MODEL_FILE, save_model
from comparison_net.network import ComparisonNet, make_network
from comparison_net.network_config import NetworkConfig
from tests.board_nets import ENCODER, alone, decisions_of, model_of
from tests.naive.network import proposals_of

Arrays = tuple[Int8s, Int8s]

SHAPES = [(), (8,), (256, 32), (40, 24, 8)]


def make_net(hidden: tuple[int, ...]) -> ComparisonNet:
    torch.manual_seed(7)
    net = ComparisonNet(NetworkConfig(hidden=hidden), ENCODER)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(3)  # scores spread as widely as a trained network's
    return net


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(model_of(make_net((64, 16))), "test")


@pytest.mark.parametrize("hidden", SHAPES, ids=str)
def test_scores_are_torchs_to_three_digits(hidden: tuple[int, ...], random_play: Arrays, nasty: Arrays) -> None:
    net = make_net(hidden)
    scorer = Scorer(model_of(net), "test")
    boards, dice = (np.concatenate([both[0][:500], both[1][:500]]) for both in zip(random_play, nasty, strict=True))
    candidates, _ = legal_candidates(boards, dice)
    assert len(candidates) > 5000
    with torch.no_grad():
        expected = net.answers(alone(candidates)).scores.numpy()
    np.testing.assert_allclose(scorer.scores(candidates), expected, rtol=0, atol=3e-4)


def test_choosing_is_taking_the_first_best_score(scorer: Scorer, random_play: Arrays, nasty: Arrays) -> None:
    for boards, dice in (random_play, nasty):
        candidates, offsets = legal_candidates(boards, dice)
        scores = scorer.scores(candidates)
        scores[(candidates <= 0).all(axis=1)] = np.inf  # a play that wins is never passed over
        expected = [int(scores[first:last].argmax()) for first, last in itertools.pairwise(offsets)]
        assert scorer.choose(boards, dice).tolist() == expected


@pytest.mark.parametrize("within", [0.0, 0.3, 2.0, 1e6])
@pytest.mark.parametrize("head", ["dense", "phase", "phase-soft"])
def test_proposals_are_the_best_few(head: str, within: float, random_play: Arrays, nasty: Arrays) -> None:
    network = NetworkConfig(hidden=(16, 8), head=head)
    scorer = Scorer(make_model(network, make_network(network, ENCODER).weights(), "", {}), "test", threads=2)
    for boards, dice in (random_play, nasty):
        boards, dice = boards[:600], dice[:600]
        candidates, offsets = legal_candidates(boards, dice)
        scores = scorer.scores(candidates)
        proposals, starts = scorer.propose(boards, dice, within)
        assert starts.shape == (len(boards) + 1,)
        for i, (first, last) in enumerate(itertools.pairwise(offsets.tolist())):
            expected = proposals_of(scores[first:last], candidates[first:last], within)
            assert proposals[starts[i] : starts[i + 1]].tolist() == expected.tolist()
    counts = np.diff(starts)
    assert counts.max() == (1 if within == 0 else 3)


@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_changes_no_bit(threads: int, random_play: Arrays) -> None:
    model = model_of(make_net((64, 16)))
    alone, together = Scorer(model, "one"), Scorer(model, "many", threads)
    boards, dice = random_play
    candidates, _ = legal_candidates(boards, dice)
    assert alone.choose(boards, dice).tolist() == together.choose(boards, dice).tolist()
    assert alone.scores(candidates).tobytes() == together.scores(candidates).tobytes()


def test_the_batch_changes_no_choice(scorer: Scorer, random_play: Arrays) -> None:
    boards, dice = random_play[0][:100], random_play[1][:100]
    singles = [int(scorer.choose(boards[i : i + 1], dice[i : i + 1])[0]) for i in range(len(boards))]
    assert scorer.choose(boards, dice).tolist() == singles


def test_a_decision_is_scored_in_its_own_order(scorer: Scorer) -> None:
    decision = Decision.make(Position.start(), (3, 1))
    scores = scorer.scores(decision.candidates)
    assert scores.dtype == np.float32


def test_nothing_to_score_is_no_error(scorer: Scorer) -> None:
    assert len(scorer.scores(np.empty((0, 26), dtype=np.int8))) == 0
    assert len(scorer.choose(np.empty((0, 26), dtype=np.int8), np.empty((0, 2), dtype=np.int8))) == 0


def test_impossible_input_is_refused(scorer: Scorer) -> None:
    with pytest.raises(PositionError):
        scorer.scores(np.full((1, 26), 100, dtype=np.int8))
    with pytest.raises(DiceError):
        scorer.choose(START[None], np.array([[7, 1]], dtype=np.int8))
    with pytest.raises(PositionError):
        scorer.choose(np.zeros((1, 26), dtype=np.int8), np.array([[2, 1]], dtype=np.int8))


def test_at_least_one_thread(scorer: Scorer) -> None:
    with pytest.raises(ConfigError, match="threads = 0"):
        Scorer(scorer.model, "none", 0)


def test_a_model_is_found_by_file_and_by_run_folder(scorer: Scorer, tmp_path: Path) -> None:
    run = tmp_path / "my run"
    save_model(run / MODEL_FILE, scorer.model)
    for place in (run, run / MODEL_FILE, str(run)):
        found = load_scorer(place)
        assert found.scores(START[None]).tobytes() == scorer.scores(START[None]).tobytes()
    assert load_scorer(run).name == "my run"


def test_a_missing_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_scorer(tmp_path / "nowhere")


def test_the_model_that_ships_plays_the_opening_like_an_expert() -> None:
    """3-1 makes the five point, 6-1 the bar point, 4-2 the four point: no program or book differs."""
    scorer = load_scorer()
    assert scorer.name == DEFAULT_NAME
    for roll, made in (((3, 1), 5), ((6, 1), 7), ((4, 2), 4)):
        decision = Decision.make(Position.start(), roll)
        chosen = decision.candidates[int(scorer.scores(decision.candidates).argmax())]
        assert chosen[made] == 2, roll


@pytest.mark.parametrize("head", ["dense", "phase"])
def test_a_model_with_patterns_chooses_what_it_scores_best(head: str, random_play: Arrays, nasty: Arrays) -> None:
    network = NetworkConfig(hidden=(40, 8), head=head, inputs="patterns", outcomes=True, score_from="sum")
    rng = np.random.default_rng(4)
    weights = {
        name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in sorted(weight_shapes(network).items())
    }
    with_patterns = Scorer(make_model(network, weights, "", {}), "patterns")
    plain_weights = {name: tensor for name, tensor in weights.items() if name != "trunk.patterns"}
    plain = Scorer(make_model(dataclasses.replace(network, inputs="counts"), plain_weights, "", {}), "counts")
    for boards, dice in (random_play, nasty):
        candidates, offsets = legal_candidates(boards[:1000], dice[:1000])
        scores = with_patterns.scores(candidates)
        assert np.abs(scores - plain.scores(candidates)).max() > 0.5
        scores[(candidates <= 0).all(axis=1)] = np.inf
        expected = [int(scores[first:last].argmax()) for first, last in itertools.pairwise(offsets)]
        assert with_patterns.choose(boards[:1000], dice[:1000]).tolist() == expected


@pytest.mark.parametrize("head", ["dense", "phase", "phase-soft"])
def test_a_sum_of_score_and_equity_is_scored_as_torch_does(head: str, random_play: Arrays, nasty: Arrays) -> None:
    network = NetworkConfig(hidden=(16, 8), head=head, outcomes=True, score_from="sum")
    torch.manual_seed(4)
    net = make_network(network, ENCODER)
    sum_scorer = Scorer(make_model(network, net.weights(), "", {}), "sum")
    for boards, dice in (random_play, nasty):
        batch = decisions_of(boards[:80], dice[:80])
        candidates = batch.items
        with torch.no_grad():
            expected = net.answers(batch).scores.numpy()
        found = sum_scorer.scores(candidates)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        equity = equities(sum_scorer.outcomes(candidates)) / np.exp(net.weights()["head.temperature"])
        assert np.abs(found - equity).max() > 0.01  # the score of its own counts too
        assert np.abs(equity).max() > 0.01
