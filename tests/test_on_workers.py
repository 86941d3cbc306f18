"""What an engine is measured by, and the tables of the bear-off: the same whoever computes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backgammon.cube.stakes import Stakes
from backgammon.engine.engine_spec import EngineSpec
from backgammon.evaluation.bearoff import BearoffSize, build, table_paths
from backgammon.learner.measure import choice_units
from backgammon.learner.measure.choice_units import DistantEngine
from backgammon.learner.net.engine_builder import build_engine
from backgammon.learner.net.packed_model import pack_engine
from backgammon.tools.errors import ConfigError
from backgammon.tools.jobs.workers import ProcessWorkers, ThreadWorkers, Workers
from comparison_net.network_config import NetworkConfig
from tests.engine_parts import kept_parts
from tests.random_nets import write_random_net


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small random net with chances."""
    path = tmp_path_factory.mktemp("net") / "tiny.safetensors"
    return str(write_random_net(path, NetworkConfig(hidden=(4,), outcomes=True), seed=5, scale=0.5))


@pytest.fixture(scope="module", autouse=True)
def one_net() -> Iterator[None]:
    with kept_parts():
        yield


@pytest.mark.parametrize("workers", [ThreadWorkers(1), ProcessWorkers(2)])
def test_a_distant_engine_chooses_what_it_chooses_here(
    net: str, workers: Workers, random_play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice_units, "DECISIONS_OF_UNIT", (7, 7, 7, 7))
    monkeypatch.setattr(choice_units, "STAKES_OF_UNIT", (7, 7, 7, 7))
    boards, dice = random_play[0][:30], random_play[1][:30]
    here = build_engine(EngineSpec(net))
    asked: list[int] = []
    there = DistantEngine(pack_engine(EngineSpec(net)), workers, asked.append)
    assert there.name == here.searcher.name
    assert there.choose(boards, dice).tolist() == here.searcher.choose(boards, dice).tolist()
    assert sum(asked) == 30
    stakes = [Stakes(length=5, score=(number % 4, 3)) if number % 3 else Stakes() for number in range(30)]
    assert there.choose_plays(boards, dice, stakes).tolist() == here.plays.choose(boards, dice, stakes).tolist()
    for mine, theirs in zip(here.cube.decide_cubes(boards, stakes), there.decide_cubes(boards, stakes), strict=True):
        assert (mine.no_double, mine.double_take, mine.double_pass) == (
            theirs.no_double, theirs.double_take, theirs.double_pass,
        )  # fmt: skip
        assert (mine.is_double, mine.is_take, mine.stakes) == (theirs.is_double, theirs.is_take, theirs.stakes)


def test_an_engine_with_a_limit_of_time_does_not_travel(net: str) -> None:
    with pytest.raises(ConfigError, match="must not depend on the clock"):
        pack_engine(EngineSpec(net, 1, seconds=1.0))


def test_tables_of_the_bear_off_are_the_same_bytes(tmp_path: Path) -> None:
    size = BearoffSize(3, 2, 3)
    steps: list[tuple[str, int, int]] = []
    for name, workers in (("here", None), ("there", ProcessWorkers(2))):
        written = build(size, tmp_path / name, lambda *step: steps.append(step), workers=workers)
        assert len(written) == 2
    for mine, theirs in zip(table_paths(size, tmp_path / "here"), table_paths(size, tmp_path / "there"), strict=True):
        assert mine.read_bytes() == theirs.read_bytes()
    of_table = {name: [step for step in steps if step[0] == name][-1] for name in ("one-sided", "two-sided")}
    assert all(done == total for _, done, total in of_table.values())
