"""Mixtures over positions and over the locations of a board: formulas, freedom of context, upcycling."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.inputs.codes import GATE_FEATURES, PLANS, expert_codes, gate_features
from backgammon.learner.inputs.head_names import HEAD_NAMES, HEADS
from backgammon.learner.inputs.tokens import token_rows
from backgammon.rules.board import Board
from backgammon.rules.movegen import legal_candidates
from backgammon.rules.phase import PHASES, phase_code
from backgammon.tools.arrays import Boards, Float32s, Int8s, Int64s
from comparison_net.comparator import Answers, CandidateNet, TrainingDraw
from comparison_net.moe.experts import ItemExperts
from comparison_net.moe.item_mixture import ItemMixture
from comparison_net.moe.token_mixture import TokenMixture
from comparison_net.moe.upcycle import upcycle, upcycle_moments
from comparison_net.network import ComparisonNet, make_network
from comparison_net.network_config import GROUP_ROUTERS, TOKEN_CHOICES, NetworkConfig
from comparison_net.tools import ConfigError, ModelError
from tests.board_nets import ENCODER, DenseBoardEncoder, alone
from tests.naive import moe as naive

Net = ItemMixture | TokenMixture
Decisions = tuple[Board, Int8s]

POSITION_SETTINGS: tuple[dict[str, object], ...] = (
    {"head": "phase"},
    {"head": "phase", "split": "plan"},
    {"head": "phase-soft", "choices": 2},
    {"head": "phase-soft", "choices": 6},
    {"head": "phase-learned", "split": "plan", "choices": 2},
    {"head": "softmax-token"},
    {"head": "softmax-token", "choices": 2, "renormalise": True},
    {"head": "sinkhorn-token", "choices": 2},
)
LOCATION_SETTINGS: tuple[dict[str, object], ...] = (
    {"head": "dense"},
    {"head": "softmax-token", "batch_priority": True},
    {"head": "soft", "experts": 3, "slots": 2, "token_layers": 2},
    *({"head": head, "token_layers": 2} for head in (*TOKEN_CHOICES, *GROUP_ROUTERS)),
    {"head": "dense", "attention": 3, "token_layers": 2},
    {"head": "soft", "attention": 2, "token_layers": 3, "expert_layers": 1, "slots": 3},
    {"head": "softmax-expert", "attention": 2, "token_layers": 2, "expert_layers": 1, "token_hidden": 180},
    {"head": "us", "attention": 1, "token_layers": 2, "token_hidden": 180},
)


def make_net(hidden: tuple[int, ...], has_outcomes: bool = False, **settings: object) -> Net:
    config = NetworkConfig(hidden, outcomes=has_outcomes, **settings)  # type: ignore[arg-type]
    return TokenMixture(config, ENCODER) if config.tokens == "locations" else ItemMixture(config, ENCODER)


def make(settings: dict[str, object], has_outcomes: bool = False) -> Net:
    """A small net, with gates far from even so that routers differ."""
    torch.manual_seed(7)
    sizes = {"token_width": 6, "token_hidden": 5, "experts": 4} if "tokens" in settings else {}
    net = make_net((24, 8), has_outcomes, **{**sizes, **settings})
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith(("gate.weight", "skip.weight", "score.bias")):
                parameter.normal_(std=0.7)
    return net


ALL_SETTINGS = [*POSITION_SETTINGS, *({"tokens": "locations", **settings} for settings in LOCATION_SETTINGS)]
NAMES = ["-".join(str(value) for value in settings.values()) for settings in ALL_SETTINGS]
every_router = pytest.mark.parametrize("settings", ALL_SETTINGS, ids=NAMES)


def units(net: Net | ComparisonNet, boards: Boards) -> Tensor:
    return net.first_units(alone(boards), 0.0)


def run(net: CandidateNet, boards: Boards, draw: TrainingDraw | None = None) -> Answers:
    return net.answers(alone(boards), draw=draw)


@pytest.fixture(autouse=True)
def _deterministic() -> Iterator[None]:
    """As in training: sums over rows that several experts share are made in one order."""
    saved = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(saved)


@pytest.fixture(scope="module")
def batch(random_play: Decisions) -> tuple[Board, Int64s]:
    """(candidates int8[M, 26], offsets int64[B + 1]) of some decisions."""
    boards, dice = random_play
    return legal_candidates(boards[:24], dice[:24])


Batch = tuple[Board, Int64s]


@every_router
def test_a_score_does_not_change_with_rivals_batch_or_order(settings: dict[str, object], batch: Batch) -> None:
    """At play time f(a) is a function of the candidate a."""
    candidates, _ = batch
    net = make(settings, has_outcomes=True)
    with torch.no_grad():
        together = run(net, candidates)
        order = np.random.default_rng(1).permutation(len(candidates))
        moved = run(net, np.ascontiguousarray(candidates[order]))
        torch.testing.assert_close(moved.scores, together.scores[order], atol=2e-6, rtol=1e-5)
        assert together.logits is not None
        assert moved.logits is not None
        torch.testing.assert_close(moved.logits, together.logits[order], atol=2e-6, rtol=1e-5)
        for row in (0, 17, len(candidates) - 1):
            single = run(net, candidates[row : row + 1])
            torch.testing.assert_close(single.scores[0], together.scores[row], atol=2e-6, rtol=1e-5)
            twins = run(net, np.repeat(candidates[row : row + 1], 9, axis=0))
            torch.testing.assert_close(twins.scores, together.scores[row].expand(9), atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("settings", POSITION_SETTINGS, ids=NAMES[: len(POSITION_SETTINGS)])
def test_a_mixture_over_positions_equals_its_formula(settings: dict[str, object], batch: Batch) -> None:
    candidates = batch[0][:40]
    net = make(settings)
    assert isinstance(net, ItemMixture)
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    with torch.no_grad():
        hidden = units(net, candidates)
        scores = run(net, candidates).scores
    for row, board in enumerate(candidates):
        if net.gate is None:
            shares = np.eye(net.num_experts)[expert_codes(board[None], net.config.split)[0]]
        else:
            given = hidden[row].numpy() if net.skip is not None else gate_features(board[None])[0]
            logits = weights["gate.weight"].astype(float) @ given + weights.get("gate.bias", np.zeros(1))
            shares = naive.softmax(logits)
            kept = np.argsort(-shares)[: net.config.choices]
            shares = np.where(np.isin(np.arange(len(shares)), kept), shares, 0)
            if net.skip is None or net.config.renormalise:
                shares = shares / shares.sum()
        assert float(scores[row]) == pytest.approx(naive.position_score(board, weights, shares), abs=2e-5)


def test_a_mixture_over_locations_equals_its_formula(batch: Batch) -> None:
    candidates = batch[0][:20]
    net = make({"tokens": "locations", "head": "softmax-expert", "capacity": 1.5})
    assert isinstance(net, TokenMixture)
    weights = {name: tensor.numpy().astype(float) for name, tensor in net.state_dict().items()}
    layer = net.token_layers[0]
    with torch.no_grad():
        hidden, scores = units(net, candidates), run(net, candidates).scores
        routing, _ = layer.route(net.first_tokens(hidden, alone(candidates)), None)  # type: ignore[operator]
    place_of = "token_layers.0.experts."
    experts = {name.removeprefix(place_of): value for name, value in weights.items() if name.startswith(place_of)}
    for row, board in enumerate(candidates):
        view = weights["context.weight"] @ hidden[row].numpy() + weights["context.bias"]
        tokens = np.array(
            [weights["embedding.weight"][31 * place + count + 15] + view for place, count in naive.token_counts(board)]
        )
        shares = naive.gates(tokens @ weights["token_layers.0.gate.weight"].T)
        np.testing.assert_allclose(routing.gates[row].numpy(), shares * naive.expert_choice(shares, 10), atol=1e-5)
        mixed = tokens + naive.token_result(
            tokens, routing.dispatch[row].numpy(), routing.combine[row].numpy(), experts
        )
        joined = np.concatenate([hidden[row].numpy(), np.maximum(mixed, 0).mean(0)])
        last = np.maximum(weights["layers.0.weight"] @ joined + weights["layers.0.bias"], 0)
        assert float(scores[row]) == pytest.approx(float(weights["head.score.weight"][0] @ last), abs=2e-5)


def test_a_block_of_a_transformer_equals_its_formula(batch: Batch) -> None:
    net = make({"tokens": "locations", "head": "softmax-token", "attention": 2, "choices": 2, "capacity": 4.0})
    assert isinstance(net, TokenMixture)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if ".norm." in name:
                parameter.uniform_(0.5, 1.5)
    every = {name: tensor.numpy().astype(float) for name, tensor in net.state_dict().items()}
    prefix = "token_layers.0."
    block = {name.removeprefix(prefix): value for name, value in every.items() if name.startswith(prefix)}
    parts = {
        part: {name.removeprefix(f"{part}."): value for name, value in block.items() if name.startswith(f"{part}.")}
        for part in ("attention", "experts", "norm")
    }
    candidates = batch[0][:6]
    with torch.no_grad():
        first = net.first_tokens(units(net, candidates), alone(candidates))
        found, _, _ = net.token_layers[0](first, None)
    for row in range(len(candidates)):
        tokens = first[row].numpy().astype(float)
        tokens = tokens + naive.attention(tokens, parts["attention"], 2)
        given = np.array([naive.normalised(token, parts["norm"]["weight"], parts["norm"]["bias"]) for token in tokens])
        shares = naive.gates(given @ block["gate.weight"].T)
        slots = naive.token_choice(shares, 2, 28, is_priority=False)
        dispatch = (slots[..., None] == np.arange(28)).astype(float)
        mixed = tokens + naive.token_result(given, dispatch, dispatch * shares[..., None], parts["experts"])
        np.testing.assert_allclose(found[row].numpy(), mixed, atol=2e-5)


def test_tokens_are_the_locations_and_what_each_side_has_borne_off(random_play: Decisions, nasty: Decisions) -> None:
    for boards in (random_play[0][:200], nasty[0][:200]):
        for board, rows in zip(boards, token_rows(boards), strict=True):
            assert rows.tolist() == [31 * place + count + 15 for place, count in naive.token_counts(board)]


def draw_for(batch: Batch, **settings: object) -> TrainingDraw:
    return TrainingDraw(np.random.default_rng(3), batch[1], **settings)  # type: ignore[arg-type]


@every_router
def test_training_is_deterministic_and_reaches_every_parameter(settings: dict[str, object], batch: Batch) -> None:
    net = make(settings, has_outcomes=True)
    results = []
    for _ in range(2):
        mixed = run(net, batch[0], draw_for(batch, balance="importance-load", tilt=2.0))
        assert mixed.logits is not None
        assert mixed.balance is not None
        loss = mixed.scores.sum() + mixed.logits.square().sum() + mixed.balance
        results.append((mixed, torch.autograd.grad(loss, list(net.parameters()))))
    (first, gradients), (second, again) = results
    assert first.scores.detach().numpy().tobytes() == second.scores.detach().numpy().tobytes()
    for (name, parameter), gradient, repeated in zip(net.named_parameters(), gradients, again, strict=True):
        assert gradient.equal(repeated), name
        assert torch.isfinite(gradient).all(), name
        assert gradient.shape == parameter.shape
        assert (gradient != 0).any(), name
    assert first.metrics is not None
    assert float(first.metrics.load.sum()) == pytest.approx(1, abs=1e-5)


DEFAULTS = [{"head": head} for head in HEADS]


@pytest.mark.parametrize("settings", DEFAULTS, ids=[settings["head"] for settings in DEFAULTS])
def test_every_parameter_of_every_head_at_its_defaults_learns(
    settings: dict[str, str], random_play: Decisions, nasty: Decisions
) -> None:
    """The comparison alone: a batch of all phases, the first candidate chosen in each decision."""
    torch.manual_seed(3)
    net = make_network(NetworkConfig((24, 8), **settings), ENCODER)  # type: ignore[arg-type]
    boards, dice = (np.concatenate([one[:150], other[:150]]) for one, other in zip(random_play, nasty, strict=True))
    candidates, offsets = legal_candidates(boards, dice)
    draw = TrainingDraw(np.random.default_rng(3), offsets)
    scores = run(net, candidates, draw).scores.ravel()
    groups = torch.split(scores, np.diff(offsets).tolist())
    loss = sum((torch.logsumexp(group, 0) - group[0] for group in groups), scores.new_zeros(()))
    gradients = torch.autograd.grad(loss / len(groups), list(net.parameters()))
    for (name, _), gradient in zip(net.named_parameters(), gradients, strict=True):
        assert float(gradient.abs().max()) > 1e-6, name


def test_one_phase_equals_a_single_expert(batch: Batch) -> None:
    """All candidates of one phase: the mixture is the dense net of that expert."""
    candidates = batch[0][expert_codes(batch[0], "phase") == PHASES.index("other")]
    net = make({"head": "phase"})
    assert isinstance(net, ItemMixture)
    single = net.experts.expert(PHASES.index("other"), units(net, candidates))
    torch.testing.assert_close(run(net, candidates).scores, single[:, 0])


def test_experts_that_are_not_asked_cost_nothing() -> None:
    torch.manual_seed(1)
    experts = ItemExperts(4, 6, (5,), num_outcomes=0)
    hidden, asked = torch.randn(30, 6), torch.randint(0, 3, (30, 2))
    gates = torch.rand(30, 2) * (torch.rand(30, 2) < 0.7)
    result = experts(hidden, asked, gates, ENCODER)
    said = torch.stack([experts.expert(e, hidden)[:, 0] for e in range(4)], 1)
    expected = (said.gather(1, asked) * gates).sum(1)
    torch.testing.assert_close(result[:, 0], expected)
    (gradient,) = torch.autograd.grad(result.sum(), experts.layers[0].weight)  # type: ignore[arg-type]
    assert (gradient[3] == 0).all()


def test_the_tilt_gives_every_expert_foreign_decisions_at_the_stated_weight() -> None:
    decisions, size = 60_000, 3
    offsets = np.arange(decisions + 1) * size
    codes = np.repeat(np.arange(decisions) % 6, size)
    drawn = TrainingDraw(np.random.default_rng(1), offsets, tilt=4.0).tilted(codes, 6).reshape(decisions, size)
    assert (drawn == drawn[:, :1]).all(), "a drawn decision goes whole to one expert"
    own = float((drawn[:, 0] == codes[::size]).mean())
    foreign = (1 - own) / 5
    assert own / foreign == pytest.approx(4.0, rel=0.05)
    assert TrainingDraw(np.random.default_rng(1), offsets).tilted(codes, 6) is codes


def test_phase_learned_starts_like_the_hard_split(batch: Batch) -> None:
    for split, names in (("phase", PHASES), ("plan", PLANS)):
        net = make_net((8, 4), head="phase-learned", split=split)
        assert isinstance(net, ItemMixture)
        assert net.gate is not None
        logits = net.gate(torch.from_numpy(gate_features(batch[0])))
        assert logits.argmax(1).tolist() == expert_codes(batch[0], split).tolist()
        assert logits.shape[1] == len(names)


def test_plans_refine_the_phases_and_equal_the_slow_twin(random_play: Decisions, nasty: Decisions) -> None:
    for boards, dice in (random_play, nasty):
        candidates = legal_candidates(boards[:150], dice[:150])[0]
        in_play = (candidates > 0).any(1) & (candidates < 0).any(1)
        for board, code in zip(candidates[in_play], expert_codes(candidates, "plan")[in_play], strict=True):
            phase = PHASES[int(phase_code(board))]
            assert PLANS[code] == naive.plan_name(board, phase)


def test_codes_of_finished_games_are_legal() -> None:
    boards = np.zeros((2, 26), dtype=np.int8)
    boards[0, 0], boards[0, 24] = -1, -14
    boards[1, 6] = 15
    assert ((expert_codes(boards, "plan") >= 0) & (expert_codes(boards, "plan") < len(PLANS))).all()
    assert np.isfinite(gate_features(boards)).all()


def test_gate_features_of_both_sides_change_places_when_the_board_is_turned(random_play: Decisions) -> None:
    boards = random_play[0][:500]
    turned = np.ascontiguousarray(-boards[:, ::-1])
    features, mirrored = gate_features(boards), gate_features(turned)
    for index, name in enumerate(GATE_FEATURES[len(PLANS) :], len(PLANS)):
        if name.startswith("own "):
            other = GATE_FEATURES.index(name.replace("own ", "opponent "))
            np.testing.assert_array_equal(features[:, index], mirrored[:, other])
    lead, contact = GATE_FEATURES.index("pip lead"), GATE_FEATURES.index("contact")
    np.testing.assert_allclose(features[:, lead], -mirrored[:, lead], atol=1e-6)
    np.testing.assert_allclose(features[:, contact], mirrored[:, contact], atol=1e-6)


@pytest.mark.parametrize("head", GROUP_ROUTERS)
def test_routers_of_a_group_are_refused_for_positions(head: str) -> None:
    with pytest.raises(ConfigError, match=r"network\.tokens = 'locations'"):
        NetworkConfig(head=head, tokens="positions")


@pytest.mark.parametrize("head", HEAD_NAMES.values())
def test_phase_heads_are_refused_for_locations(head: str) -> None:
    with pytest.raises(ConfigError, match=r"network\.tokens = 'positions'"):
        NetworkConfig(head=head, tokens="locations").for_domain(BOARDS)


@pytest.mark.parametrize(
    "settings",
    [
        {"head": "best"},
        {"experts": 0},
        {"choices": 7, "head": "phase"},
        {"capacity": 0.0},
        {"alpha": 2.0},
        {"slots": 27},
        {"token_layers": 5},
        {"attention": 3, "tokens": "locations"},
        {"attention": 2},
        {"expert_layers": 2, "tokens": "locations", "head": "soft"},
        {"expert_layers": 1, "tokens": "locations"},
        {"token_width": 0},
        {"noise": -1.0},
        {"split": "x"},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"network\."):
        NetworkConfig(**settings).for_domain(BOARDS)  # type: ignore[arg-type]


def test_every_head_can_be_made() -> None:
    held_to_the_same_elsewhere = {"phase-merged"}  # it asks for decisions: test_moe_decisions
    assert {settings["head"] for settings in ALL_SETTINGS} | held_to_the_same_elsewhere == set(HEADS)


def dense_net() -> ComparisonNet:
    torch.manual_seed(11)
    return ComparisonNet(NetworkConfig(hidden=(24, 8)), ENCODER)


def weights_of(net: torch.nn.Module) -> dict[str, Float32s]:
    return {name: tensor.numpy().copy() for name, tensor in net.state_dict().items()}


@pytest.mark.parametrize("split", ["phase", "plan"])
def test_upcycling_to_hard_phases_keeps_every_score_to_the_last_bit(split: str, batch: Batch) -> None:
    dense, candidates = dense_net(), batch[0][:64]
    net = make_net((24, 8), head="phase", split=split)
    assert isinstance(net, ItemMixture)
    upcycle(net, weights_of(dense))
    dense.encoder = DenseBoardEncoder()
    hidden, expected = units(dense, candidates), run(dense, candidates).scores
    # one expert a time, so that both sides multiply matrices of the same shape
    for code in range(net.num_experts):
        torch.testing.assert_close(net.experts.expert(code, hidden)[:, 0], expected, atol=0, rtol=0)
    torch.testing.assert_close(run(net, candidates).scores, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("settings", "is_same"),
    [
        ({"head": "phase-soft", "choices": 3}, True),
        ({"head": "softmax-token", "choices": 2, "renormalise": True}, True),
        ({"head": "sinkhorn-token", "choices": 1, "renormalise": True}, True),
        ({"head": "softmax-token", "choices": 2, "renormalise": False}, False),
    ],
    ids=str,
)
def test_upcycling_to_a_learned_gate_keeps_the_scores_when_renormalised(
    settings: dict[str, object], is_same: bool, batch: Batch
) -> None:
    dense = dense_net()
    net = make_net((24, 8), **settings)  # type: ignore[arg-type]
    upcycle(net, weights_of(dense))
    with torch.no_grad():
        difference = run(net, batch[0]).scores - run(dense, batch[0]).scores
    assert (float(difference.abs().max()) < 1e-6) == is_same


@pytest.mark.parametrize("head", ["softmax-token", "sinkhorn-token"])
def test_upcycling_inside_the_board_keeps_the_scores_when_no_token_is_dropped(head: str, batch: Batch) -> None:
    dense = make({"tokens": "locations", "head": "dense"})
    settings = {"head": head, "choices": 2, "capacity": 4.0, "renormalise": True}
    net = make({"tokens": "locations", **settings})
    upcycle(net, weights_of(dense))
    with torch.no_grad():
        torch.testing.assert_close(run(net, batch[0]).scores, run(dense, batch[0]).scores, atol=1e-5, rtol=1e-5)


def test_moments_are_copied_to_every_expert_and_the_router_has_none(batch: Batch) -> None:
    dense = dense_net()
    optimizer = torch.optim.AdamW(dense.parameters())
    run(dense, batch[0]).scores.square().mean().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    moments = {
        key: {name: optimizer.state[parameter][key].numpy() for name, parameter in dense.named_parameters()}
        for key in ("step", "exp_avg", "exp_avg_sq")
    }
    net = make_net((24, 8), head="softmax-token", renormalise=True)
    assert isinstance(net, ItemMixture)
    upcycle(net, weights_of(dense))
    fresh = torch.optim.AdamW(net.parameters())
    upcycle_moments(net, fresh, moments)
    state = fresh.state[net.experts.layers[0].weight]  # type: ignore[index]
    for expert in range(6):
        np.testing.assert_array_equal(state["exp_avg"][expert].numpy(), moments["exp_avg"]["trunk.layers.1.weight"])
    assert float(state["step"]) == 1
    assert net.gate is not None
    assert net.gate.weight not in fresh.state
    run(net, batch[0], draw_for(batch)).scores.sum().backward()  # type: ignore[no-untyped-call]
    fresh.step()


def test_upcycling_refuses_other_widths() -> None:
    net = make_net((24, 9), head="phase")
    with pytest.raises(ModelError, match="widths"):
        upcycle(net, weights_of(dense_net()))
    with_outcomes = make_net((24, 8), has_outcomes=True, head="phase")
    with pytest.raises(ModelError, match="same heads"):
        upcycle(with_outcomes, weights_of(dense_net()))
