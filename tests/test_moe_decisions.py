"""Nets that look at the decision: formulas, what a score may depend on, gradients, the same at play time, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.inputs.codes import expert_codes, gate_features
from backgammon.learner.net.arithmetic import CompiledNet
from backgammon.learner.net.mixture_evaluator import Asked, MixtureEvaluator
from backgammon.learner.net.model_files import weight_shapes
from backgammon.learner.net.scorer import Scorer
from backgammon.rules import ragged
from backgammon.rules.board import Board, swap
from backgammon.rules.decisions import Decisions as DecisionArrays
from backgammon.rules.phase import PHASES
from backgammon.rules.rolls import expand_rolls
from backgammon.tools.arrays import Float64s, Int8s
from backgammon.tools.errors import ModelError as EngineModelError
from comparison_net.choices import ChoiceSets
from comparison_net.comparator import CandidateNet, TrainingDraw
from comparison_net.config import load_config
from comparison_net.encoders import Encoder, FeatureEncoder
from comparison_net.moe.cost import decision_multiply_adds, multiply_adds
from comparison_net.moe.item_mixture import HARDENED, ItemMixture, merging_shares
from comparison_net.network import make_network
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import ConfigError, DataError
from comparison_net.training.choice_source import ChoiceSource
from comparison_net.training.loop import fit
from tests.board_nets import ENCODER, decisions_of, dense_twin, model_of
from tests.naive import moe as naive

Decisions = tuple[Board, Int8s]
SETTINGS: tuple[dict[str, object], ...] = (
    {"head": "dense", "context": True},
    {"head": "phase", "context": True},
    {"head": "phase", "route_by": "decision"},
    {"head": "phase", "route_by": "decision", "context": True, "split": "plan"},
    {"head": "phase", "route_by": "pair"},
    {"head": "phase", "route_by": "pair", "context": True},
    {"head": "phase-soft", "route_by": "decision"},
    {"head": "phase-learned", "route_by": "decision", "choices": 2},
    {"head": "softmax-token", "route_by": "decision"},
    {"head": "sinkhorn-token", "route_by": "decision", "choices": 2, "renormalise": True},
    {"head": "phase-merged"},
    {"head": "phase-merged", "context": True, "split": "plan"},
)
every_head = pytest.mark.parametrize("settings", SETTINGS, ids=lambda one: "-".join(map(str, one.values())))


def make(settings: dict[str, object], outcomes: bool = False) -> CandidateNet:
    """A small net whose gates are far from even and whose context counts."""
    torch.manual_seed(7)
    net = make_network(NetworkConfig((24, 8), outcomes=outcomes, **settings), ENCODER)  # type: ignore[arg-type]
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith(("gate.weight", "skip.weight", "score.bias", "decision.weight")):
                parameter.normal_(std=0.7)
    return net


@pytest.fixture(scope="module")
def batch(random_play: Decisions, nasty: Decisions) -> ChoiceSets:
    boards, dice = (np.concatenate([one[:40], other[:20]]) for one, other in zip(random_play, nasty, strict=True))
    return decisions_of(boards, dice)


def shares_by_formula(net: CandidateNet, before: Int8s, candidate: Int8s) -> Float64s:
    """What part each expert has in a candidate."""
    shares: Float64s
    config, weights = net.config, net.weights()
    if not config.is_mixture:
        return np.ones(1)
    kind, num_experts = config.kind(BOARDS), config.num_experts(BOARDS)
    if kind == "split":
        code, own = (int(expert_codes(board[None], config.split)[0]) for board in (before, candidate))
        if config.route_by == "pair":
            code = code * len(BOARDS.splits[config.split]) + own
        shares = np.eye(num_experts)[own if config.route_by == "alternative" else code]
        return shares
    if config.routes_learned:
        logits = weights["gate.weight"].astype(float) @ naive.first_units(before, weights)
    else:
        logits = weights["gate.weight"].astype(float) @ gate_features(before[None])[0] + weights["gate.bias"]
    if kind == "merged":
        shares = np.eye(num_experts)[logits.argmax()]
        return shares
    shares = naive.softmax(logits)
    shares = np.where(np.isin(np.arange(num_experts), np.argsort(-shares)[: config.choices]), shares, 0)
    return shares / shares.sum() if config.renormalise or kind in ("gate", "split-gate") else shares


def as_experts(net: CandidateNet) -> dict[str, np.ndarray]:
    """The weights by the names of a mixture."""
    weights = net.weights()
    if not net.config.is_mixture:
        weights["experts.layers.0.weight"] = weights["trunk.layers.1.weight"][None]
        weights["experts.layers.0.bias"] = weights["trunk.layers.1.bias"][None]
        weights["experts.score.weight"] = weights["head.score.weight"]
    return weights


@every_head
def test_a_net_that_looks_at_the_decision_equals_its_formula(settings: dict[str, object], batch: ChoiceSets) -> None:
    net = make(settings)
    some = batch.take(np.arange(0, len(batch), 7))
    with torch.no_grad():
        scores = net.answers(some).scores.numpy()
    weights = as_experts(net)
    for row, owner in enumerate(some.owners().tolist()):
        before, candidate = some.context[owner], some.items[row]
        shares = shares_by_formula(net, before, candidate)
        expected = naive.position_score(candidate, weights, shares, before if net.config.context else None)
        assert scores[row] == pytest.approx(expected, abs=3e-5)


@every_head
def test_a_score_depends_on_the_decision_and_the_candidate_alone(
    settings: dict[str, object], batch: ChoiceSets
) -> None:
    """So the order within a decision is total and transitive, whatever rivals there are."""
    net = make(settings)
    with torch.no_grad():
        scores = net.answers(batch).scores
        kept = np.flatnonzero(np.random.default_rng(1).random(batch.num_items) < 0.5)
        owners = batch.owners()[kept]
        present = np.unique(owners)
        offsets = np.append(np.searchsorted(owners, present), len(kept))
        fewer = ChoiceSets(batch.items[kept], offsets, np.zeros(len(present), np.int64), batch.context[present])
        torch.testing.assert_close(net.answers(fewer).scores, scores[kept], atol=3e-6, rtol=1e-5)
        for decision in (3, 50):
            alone = net.answers(batch.take(np.array([decision]))).scores
            own = slice(int(batch.offsets[decision]), int(batch.offsets[decision + 1]))
            torch.testing.assert_close(alone, scores[own], atol=3e-6, rtol=1e-5)


@every_head
def test_every_parameter_learns_from_comparisons_alone(
    settings: dict[str, object], random_play: Decisions, nasty: Decisions
) -> None:
    torch.manual_seed(3)
    net = make_network(NetworkConfig((24, 8), **settings), ENCODER)  # type: ignore[arg-type]
    boards, dice = (np.concatenate([one[:400], other[:400]]) for one, other in zip(random_play, nasty, strict=True))
    sets = decisions_of(boards, dice)
    scores = net.answers(sets, draw=TrainingDraw(np.random.default_rng(3), sets.offsets)).scores
    padded = torch.full(sets.mask().shape, -torch.inf).masked_scatter(torch.from_numpy(sets.mask()), scores)
    loss = (torch.logsumexp(padded, 1) - padded[:, 0]).mean()
    gradients = torch.autograd.grad(loss, list(net.parameters()))
    for (name, _), gradient in zip(net.named_parameters(), gradients, strict=True):
        assert float(gradient.abs().max()) > 1e-6, name


@every_head
def test_kernels_and_plain_matrices_give_the_same_gradients(settings: dict[str, object], batch: ChoiceSets) -> None:
    net = make(settings)
    results = []
    for one in (net, dense_twin(net)):
        scores = one.answers(batch, draw=TrainingDraw(np.random.default_rng(3), batch.offsets, progress=0.3)).scores
        weights = torch.linspace(-1, 1, len(scores))
        results.append((scores, torch.autograd.grad((scores * weights).sum(), list(one.parameters()))))
    torch.testing.assert_close(results[0][0], results[1][0], atol=1e-5, rtol=1e-4)
    for mine, plain in zip(results[0][1], results[1][1], strict=True):
        torch.testing.assert_close(mine, plain, atol=2e-3, rtol=1e-3)


@every_head
def test_play_without_torch_says_what_torch_says(settings: dict[str, object], batch: ChoiceSets) -> None:
    net = make(settings)
    evaluator = MixtureEvaluator(net.config, net.weights())
    asked = Asked(batch.context, batch.owners())
    scores, _ = evaluator.outputs(batch.items, asked)
    with torch.no_grad():
        expected = net.answers(batch).scores.numpy()
    assert scores is not None
    np.testing.assert_allclose(scores, expected, atol=3e-5)
    np.testing.assert_allclose(evaluator.shares(batch.items, asked).sum(1), 1, atol=1e-6)
    half = np.arange(0, batch.num_items, 2)
    again, _ = evaluator.outputs(batch.items[half], Asked(batch.context, batch.owners()[half]))
    assert again is not None
    assert again.tobytes() == scores[half].tobytes()


@every_head
def test_the_engine_plays_by_whole_decisions(settings: dict[str, object], random_play: Decisions) -> None:
    scorer = Scorer(model_of(make(settings)), "looks around")
    decisions = DecisionArrays.make(random_play[0][:40], random_play[1][:40])
    rows = scorer.choose(decisions.boards, decisions.dice)
    assert rows.tolist() == ragged.best(scorer.preferences(decisions), decisions.offsets).tolist()
    proposals, offsets = scorer.propose(decisions.boards, decisions.dice, 1.0)
    np.testing.assert_array_equal(proposals[offsets[:-1]], decisions.candidates[decisions.offsets[:-1] + rows])
    with pytest.raises(EngineModelError, match="ask for those of whole decisions"):
        scorer.scores(decisions.candidates)


COMPILED: tuple[dict[str, object], ...] = (
    {"head": "dense", "context": True},
    {"head": "phase", "context": True, "inputs": "patterns"},
    {"head": "phase", "context": True, "outcomes": True},
    {"head": "phase", "context": True, "outcomes": True, "score_from": "sum", "inputs": "patterns"},
    {"head": "phase", "route_by": "decision"},
    {"head": "phase", "route_by": "decision", "context": True, "inputs": "patterns"},
    {"head": "phase", "route_by": "pair", "context": True},
)


@pytest.mark.parametrize("settings", COMPILED, ids=lambda one: "-".join(map(str, one.values())))
def test_the_compiled_walk_says_what_torch_says_to_the_decision(
    settings: dict[str, object], random_play: Decisions, nasty: Decisions
) -> None:
    torch.manual_seed(7)
    net = make_network(NetworkConfig((40, 19), **settings), ENCODER)  # type: ignore[arg-type]
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith(("patterns", "score.bias", "decision.weight")):
                parameter.normal_(std=0.3)
    scorer = Scorer(model_of(net), "compiled")
    assert isinstance(scorer._arithmetic, CompiledNet)
    boards, dice = (np.concatenate([one[:150], other[:100]]) for one, other in zip(random_play, nasty, strict=True))
    decisions = DecisionArrays.make(boards, dice)
    preferred = scorer.preferences(decisions)
    sets = decisions_of(boards, dice)
    with torch.no_grad():
        answers = net.answers(sets)
    is_finite = np.isfinite(preferred)
    np.testing.assert_allclose(preferred[is_finite], answers.scores.numpy()[is_finite], atol=2e-3)
    rows = scorer.choose(boards, dice)
    assert rows.tolist() == ragged.best(preferred, decisions.offsets).tolist(), "the walk gives the same bits"
    if net.config.outcomes:
        after, chances = scorer.play_best(boards, dice)
        best = decisions.places(rows)
        np.testing.assert_array_equal(after, decisions.candidates[best])
        np.testing.assert_allclose(chances, answers.probabilities().numpy()[best], atol=1e-3)
        assert scorer.outcomes(after).tobytes() == chances.tobytes()


def test_replies_in_a_look_ahead_see_the_decision_in_one_kernel_too(random_play: Decisions) -> None:
    torch.manual_seed(7)
    config = NetworkConfig((40, 19), head="phase", context=True, outcomes=True, score_from="sum")
    net = make_network(config, ENCODER)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith(("score.bias", "decision.weight")):
                parameter.normal_(std=0.3)
    scorer = Scorer(model_of(net), "compiled")
    pruner = Scorer(model_of(make_network(NetworkConfig((8,)), ENCODER)), "pruner")
    boards = random_play[0][:30]
    together = scorer.play_proposed_to_rolls(boards, pruner, 1.0)
    apart = scorer.play_proposed(*expand_rolls(swap(boards)), pruner, 1.0)
    assert together[0].tobytes() == apart[0].tobytes()
    assert together[1].tobytes() == apart[1].tobytes()


@pytest.mark.parametrize("head", ["dense", "phase"])
def test_the_context_moves_scores_and_never_chances(head: str, batch: ChoiceSets) -> None:
    net = make({"head": head, "context": True}, outcomes=True)
    elsewhere = ChoiceSets(batch.items, batch.offsets, batch.chosen, np.ascontiguousarray(batch.context[::-1]))
    with torch.no_grad():
        here, there = net.answers(batch), net.answers(elsewhere)
    assert here.logits is not None
    assert there.logits is not None
    torch.testing.assert_close(here.logits, there.logits, atol=1e-6, rtol=0)
    assert not torch.allclose(here.scores, there.scores)
    scorer = Scorer(model_of(net), "context")
    judgement = scorer.judge(batch.items)
    assert judgement.scores is None, "equities order positions that stand alone"
    assert judgement.outcomes is not None
    np.testing.assert_allclose(judgement.outcomes, here.probabilities().numpy(), atol=3e-5)


def test_a_context_that_is_still_zero_changes_nothing(batch: ChoiceSets) -> None:
    torch.manual_seed(5)
    plain = make_network(NetworkConfig((24, 8), head="phase"), ENCODER)
    with_context = make_network(NetworkConfig((24, 8), head="phase", context=True), ENCODER)
    with_context.load_state_dict(plain.state_dict(), strict=False)
    with torch.no_grad():
        torch.testing.assert_close(with_context.answers(batch).scores, plain.answers(batch).scores, atol=1e-6, rtol=0)


def test_merged_experts_start_at_the_phases_and_end_alone(batch: ChoiceSets) -> None:
    logits = torch.tensor([[1.0, 0.5, -1.0]])
    torch.testing.assert_close(merging_shares(logits, 0.0), torch.softmax(logits, 1))
    sharper = [float(merging_shares(logits, done)[0, 0]) for done in (0.0, 0.2, 0.5, 0.69)]
    assert sharper == sorted(sharper)
    assert sharper[-1] > 0.99
    assert merging_shares(logits, HARDENED).tolist() == [[1.0, 0.0, 0.0]]
    fresh = make_network(NetworkConfig((24, 8), head="phase-merged"), ENCODER)
    assert isinstance(fresh, ItemMixture)
    shares = merging_shares(fresh._logits(batch, torch.zeros(0)), 1.0)
    assert shares.argmax(1).tolist() == expert_codes(batch.context, "phase").tolist()


def test_merging_averages_the_experts_weights_before_they_are_used(batch: ChoiceSets) -> None:
    net = make({"head": "phase-merged"})
    assert isinstance(net, ItemMixture)
    draw = TrainingDraw(np.random.default_rng(1), batch.offsets, progress=0.35)
    with torch.no_grad():
        scores = net.answers(batch, draw=draw).scores
        shares = merging_shares(net._logits(batch, torch.zeros(0)), 0.35).numpy().astype(float)
    weights = net.weights()
    for row in range(0, batch.num_items, 37):
        own = shares[batch.owners()[row]]
        merged = {
            name: np.tensordot(own, values, 1)[None] if name.startswith("experts.") else values
            for name, values in weights.items()
        }
        assert float(scores[row]) == pytest.approx(naive.position_score(batch.items[row], merged, np.ones(1)), abs=3e-5)


@every_head
@pytest.mark.parametrize("inputs", ["counts"])
def test_shapes_are_known_without_torch(settings: dict[str, object], inputs: str) -> None:
    config = NetworkConfig((12, 7), inputs=inputs, **settings)  # type: ignore[arg-type]
    net = make_network(config, ENCODER)
    assert {name: tuple(tensor.shape) for name, tensor in net.named_parameters()} == weight_shapes(config)


def test_what_a_decision_costs_is_counted_apart() -> None:
    dense = multiply_adds(NetworkConfig((256, 61)), BOARDS)
    for settings in ({"context": True}, {"route_by": "decision"}, {"route_by": "pair", "context": True}):
        config = NetworkConfig((256, 61), head="phase", **settings)
        assert multiply_adds(config, BOARDS) == dense
        assert decision_multiply_adds(config, BOARDS) == (256 * 61 if "context" in settings else 0)
    merged = NetworkConfig((256, 61), head="phase-merged")
    assert multiply_adds(merged, BOARDS) == dense
    assert decision_multiply_adds(merged, BOARDS) == len(BOARDS.gate_features) * len(PHASES)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("head=dense", "route_by=decision"), r'route_by = .*must be "alternative" without a router'),
        (("head=soft", "route_by=decision"), r"without a router of whole items"),
        (("head=phase", "route_by=both"), r"one of alternative, decision, pair"),
        (("head=phase-soft", "route_by=pair"), r'must be "alternative" or "decision"'),
        (("head=phase", "split=plan", "route_by=pair"), r"at most 64 experts"),
        (("head=phase-merged", "route_by=alternative"), r'must be "decision"'),
        (("head=phase", "route_by=decision", "outcomes=true"), r"chances are those of the alternative alone"),
        (("head=softmax-token", "context=true"), r"the heads dense, phase, phase-merged"),
        (("head=phase", "context=true", "hidden=[16]"), r"two hidden layers"),
        (("head=phase", "context=true", "outcomes=true", "score_from=equity"), r"score_from"),
    ],
)
def test_settings_without_an_effect_are_refused(overrides: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(overrides=[f"network.{one}" for one in overrides], domain=BOARDS)


def test_decisions_without_a_context_are_refused() -> None:
    encoder = FeatureEncoder(4, splits={"side": (3, ("left", "right"))})
    with pytest.raises(ConfigError, match="these decisions have no context"):
        make_network(NetworkConfig((8, 4), context=True), encoder)
    encoder = FeatureEncoder(4, splits={"side": (3, ("left", "right"))}, num_context=1)
    net = make_network(NetworkConfig((8, 4), head="split", route_by="decision"), encoder)
    sets = ChoiceSets(np.zeros((2, 4), np.float32), np.array([0, 2]), np.zeros(1, np.int64))
    with pytest.raises(DataError, match="have no context"):
        net.answers(sets)


def test_any_choices_can_be_routed_by_what_they_have_in_common() -> None:
    """Two kinds of decisions that want the opposite: one expert cannot, and an expert for each kind can."""
    rng = np.random.default_rng(1)
    kinds = rng.integers(0, 2, 600)
    items = rng.normal(size=(600, 4, 2)).astype(np.float32)
    wanted = np.where(kinds == 0, items[:, :, 0].argmax(1), items[:, :, 0].argmin(1))
    sets = ChoiceSets(
        items.reshape(-1, 2), np.arange(601) * 4, wanted, np.column_stack([kinds, kinds]).astype(np.float32)[:, :1]
    )
    encoder: Encoder = FeatureEncoder(3, splits={"kind": (2, ("up", "down"))}, num_context=1)
    common = ["network.hidden=[8,4]", "epochs=12", "batch_decisions=50", "learning_rate=0.03", "held_out=0"]
    agreed = {}
    settings = {"split": ["network.head=split", "network.route_by=decision"], "context": ["network.context=true"]}
    for name, more in settings.items():
        config = load_config(overrides=[*common, *more], domain=encoder.domain)
        state = fit(ChoiceSource(sets), encoder, config)
        with torch.no_grad():
            scores = state.net.answers(sets).scores.reshape(600, 4)
        agreed[name] = float((scores.argmax(1).numpy() == wanted).mean())
    assert agreed["split"] > 0.9
    assert agreed["context"] > 0.9
