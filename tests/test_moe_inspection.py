"""The look inside a mixture: gate weights, load, agreement, and the picture."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from backgammon.cli import main
from backgammon.learner.inputs.codes import gate_features
from backgammon.learner.measure.inspection import inspect_model, play_games
from backgammon.learner.measure.router_picture import draw_inspection
from backgammon.learner.net.mixture_evaluator import MixtureEvaluator
from backgammon.learner.net.model_files import make_model
from backgammon.learner.net.scorer import Scorer
from backgammon.rules.board import START, Board, swap
from backgammon.rules.phase import PHASES, phase_codes
from backgammon.tools.errors import ConfigError
from comparison_net.checkpoint import Model, save_model
from comparison_net.moe.item_mixture import ItemMixture
from comparison_net.moe.token_choice import chosen_gates
from comparison_net.network import make_network
from comparison_net.network_config import NetworkConfig
from comparison_net.training.run_folder import RunFolder
from tests.board_nets import ENCODER
from tests.test_moe_mixtures import ALL_SETTINGS, NAMES, Decisions, make, run, units, weights_of


def model_of(**settings: object) -> Model:
    torch.manual_seed(5)
    config = NetworkConfig((12, 6), **settings)  # type: ignore[arg-type]
    rates = {name: [3 + code, 10] for code, name in enumerate(PHASES)}
    return make_model(config, make_network(config, ENCODER).weights(), "none", {"by_phase": rates})


@pytest.fixture(scope="module")
def games() -> list[Board]:
    return play_games(Scorer(model_of(head="phase"), "phase"), 2, seed=3)


def test_games_of_self_play_end_when_a_side_is_off(games: list[Board]) -> None:
    for game in games:
        assert not (game[-1] > 0).any()
        assert all((board > 0).any() and (board < 0).any() for board in game[:-1])


def test_a_hard_head_gives_each_phase_to_its_expert(games: list[Board]) -> None:
    inspection = inspect_model(model_of(head="phase"), "phase", games)
    assert inspection.experts == PHASES
    seen = inspection.phase_counts > 0
    np.testing.assert_array_equal(inspection.phase_shares[seen], np.eye(6)[seen])
    assert inspection.game.argmax(1).tolist() == phase_codes(games[0]).tolist()
    assert inspection.agreement["bearoff"] == (3, 10)
    named = {line.split()[0] for line in inspection.lines()[1:]}
    assert named == {PHASES[code].split()[0] for code in np.flatnonzero(seen)}
    for line in inspection.lines()[1:]:  # a hard split: each phase goes to the expert of its name alone
        assert f" to {next(name for name in PHASES if line.startswith(f'  {name:18} '))} 100%" in line


@pytest.mark.parametrize(("route_by", "separator"), [("decision", None), ("pair", " to ")])
def test_a_head_that_looks_at_the_decision_is_shown_what_it_saw(
    route_by: str, separator: str | None, games: list[Board]
) -> None:
    inspection = inspect_model(model_of(head="phase", route_by=route_by), "by decision", games)
    first = games[0]
    before = [START, *(swap(board) for board in first[:-1])]
    for row, (was, became) in enumerate(zip(before, first, strict=True)):
        names = [PHASES[int(phase_codes(board[None])[0])] for board in (was, became)]
        expected = names[0] if separator is None else separator.join(names)
        assert inspection.experts[int(inspection.game[row].argmax())] == expected
    assert f"by the {route_by}" in inspection.router


@pytest.mark.parametrize("settings", ALL_SETTINGS, ids=NAMES)
def test_shares_of_the_experts_sum_to_one_and_are_those_of_torch(
    settings: dict[str, object], random_play: Decisions
) -> None:
    net, boards = make(settings), random_play[0][:90]
    shares = MixtureEvaluator(net.config, weights_of(net)).shares(boards)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
    with torch.no_grad():
        if isinstance(net, ItemMixture) and net.gate is not None:
            given = units(net, boards) if net.skip is not None else torch.from_numpy(gate_features(boards))
            experts, gates, _ = chosen_gates(net.gate(given), net.config.choices, is_renormalised=True)
            expected = torch.zeros(shares.shape).scatter_(1, experts, gates)
            np.testing.assert_allclose(shares, expected.numpy(), atol=1e-5)
        elif net.config.head == "soft" and net.config.token_layers == 1:
            metrics = run(net, boards).metrics
            assert metrics is not None
            np.testing.assert_allclose(shares.mean(0), metrics.load.numpy(), atol=1e-5)


@pytest.mark.parametrize("settings", [{"head": "phase", "split": "plan"}, {"head": "soft", "experts": 3}], ids=str)
def test_the_picture_is_well_formed_and_names_every_expert(settings: dict[str, object], games: list[Board]) -> None:
    inspection = inspect_model(model_of(**settings), "a <b> & c", games)
    picture = draw_inspection(inspection)
    root = ElementTree.fromstring(picture)
    texts = {element.text for element in root.iter() if element.text}
    assert set(inspection.experts) <= texts
    assert any("a <b> & c" in text for text in texts)
    json.dumps(inspection.as_dict())


def test_a_dense_model_has_no_router_to_look_at(games: list[Board]) -> None:
    with pytest.raises(ConfigError, match="train with --head"):
        inspect_model(model_of(), "dense", games)
    with pytest.raises(ConfigError, match="name logs that hold plays"):
        inspect_model(model_of(head="phase"), "phase", [])


def test_the_command_draws_a_run_beside_a_dense_model(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    save_model(folder.model, model_of(head="phase-soft", choices=2))
    for step in (50, 100):
        folder.log_event("progress", step, load=[0.5, 0.5, 0, 0, 0, 0])
    save_model(tmp_path / "dense.safetensors", model_of())
    out = tmp_path / "picture.svg"
    options = ["--dense", str(tmp_path / "dense.safetensors"), "--out", str(out), "--games", "1", "--json"]
    result = CliRunner().invoke(main, ["inspect", str(folder.path), *options])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.output)
    assert [entry["step"] for entry in figures["load"]] == [50, 100]
    assert figures["dense"]["race"] == [8, 10]
    assert "against dense" in out.read_text()
    refused = CliRunner().invoke(main, ["inspect", str(tmp_path / "dense.safetensors"), "--out", str(out)])
    assert refused.exit_code == 1
    assert "no router to look at" in refused.output
