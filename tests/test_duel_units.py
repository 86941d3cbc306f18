"""A duel on workers is the duel at one table: the same points, luck and verdict, whoever plays which games."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backgammon.cli.depth import Depth
from backgammon.cli.players import make_player, player_spec
from backgammon.cube.stakes import Stakes
from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.net.engine_builder import build_engine
from backgammon.learner.net.packed_model import pack_engine
from backgammon.learner.players import duel_units
from backgammon.learner.players.duel_units import DuelPlan, duel_on_workers
from backgammon.learner.players.packed_player import PackedPlayer, pack_player
from backgammon.learner.players.player_spec import build_cube_seat
from backgammon.table.cube_duel import duel_with_cube
from backgammon.table.duel import DuelChecks, DuelResult, duel
from backgammon.tools.errors import ConfigError
from backgammon.tools.jobs.workers import ProcessWorkers, ThreadWorkers, Workers
from backgammon.tools.sprt import Sprt
from comparison_net.network_config import NetworkConfig
from tests.engine_parts import kept_parts
from tests.random_nets import write_random_net


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random net with chances."""
    path = tmp_path_factory.mktemp("net") / "tiny.safetensors"
    return write_random_net(path, NetworkConfig(hidden=(4,), outcomes=True), seed=5, scale=0.5)


@pytest.fixture(scope="module", autouse=True)
def one_net() -> Iterator[None]:
    with kept_parts():
        yield


def packed(text: str, depth: Depth | None = None, seed: int = 0) -> PackedPlayer:
    return pack_player(player_spec(text, 1, depth, seed))


def without_times(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if "second" not in name or name == "second"}


@pytest.mark.parametrize("workers", [None, ThreadWorkers(2), ProcessWorkers(2)])
def test_a_duel_with_luck_is_that_of_one_table(
    net: Path, workers: Workers | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duel_units, "PAIRS_OF_UNIT", (2, 2, 2, 2))
    names = (f"{net}:casual", "pipcount")
    judge = build_engine(EngineSpec(str(net)))
    first, second = (make_player(name, 1, seed=3) for name in names)
    table = duel(first, second, 10, seed=3, checks=DuelChecks(judge.searcher))
    players = packed(names[0], seed=3), packed(names[1], seed=3)
    found = duel_on_workers(players, DuelPlan(10, 3), workers, pack_engine(EngineSpec(str(net))))
    assert isinstance(found, DuelResult)
    assert without_times(found.as_dict()) == without_times(table.as_dict())
    assert found.points.tobytes() == table.points.tobytes()
    assert found.adjusted is not None
    assert table.adjusted is not None
    assert found.adjusted.tobytes() == table.adjusted.tobytes()


@pytest.mark.parametrize("length", [0, 3])
def test_a_duel_with_the_cube_is_that_of_one_table(net: Path, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duel_units, "CUBE_PAIRS_OF_UNIT", (1, 1, 1, 1))
    spec, stakes = player_spec(str(net), 1), Stakes(length=length)
    judge = build_engine(EngineSpec(str(net))).plays
    table = duel_with_cube(build_cube_seat(spec), build_cube_seat(spec), 4, 2, stakes, luck_judge=judge)
    player = pack_player(spec, has_cube=True)
    found = duel_on_workers(
        (player, player), DuelPlan(4, 2, stakes), ThreadWorkers(2), pack_engine(EngineSpec(str(net)))
    )
    assert without_times(found.as_dict()) == without_times(table.as_dict())
    assert found.adjusted is not None
    assert table.adjusted is not None
    assert found.adjusted.tobytes() == table.adjusted.tobytes()


def test_a_sequential_test_stops_at_the_same_game_and_hands_out_no_more() -> None:
    first, second = make_player("pipcount"), make_player("random")
    table = duel(first, second, 4000, seed=1, checks=DuelChecks(sprt=Sprt(0.0, 0.5)))
    played: list[int] = []
    found = duel_on_workers(
        (packed("pipcount"), packed("random")), DuelPlan(4000, 1, sprt=Sprt(0.0, 0.5)), progress=played.append
    )
    assert (found.verdict, table.verdict) == ("high", "high")
    assert without_times(found.as_dict()) == without_times(table.as_dict())
    assert sum(played) == 1000


def test_what_depends_on_the_clock_or_has_no_cube_is_refused(net: Path) -> None:
    with pytest.raises(ConfigError, match="must not depend on the clock"):
        packed(str(net), Depth(seconds=1.0))
    for name in ("random", f"{net}:casual"):
        with pytest.raises(ConfigError, match="turns no cube"):
            pack_player(player_spec(name, 1), has_cube=True)
    with pytest.raises(ConfigError, match="not by --time or --rollout"):
        pack_player(player_spec(str(net), 1, Depth(games=36)), has_cube=True)


def test_a_player_travels_by_what_is_in_its_file(net: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / net.name
    copy.parent.mkdir()
    copy.write_bytes(net.read_bytes())
    here, there = packed(str(net)), packed(str(copy))
    assert (here.values, here.contents, here.name) == (there.values, there.contents, there.name)
    assert str(tmp_path) not in str(there.values)
