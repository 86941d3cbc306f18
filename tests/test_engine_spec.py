"""What an engine is made of: settings that would have no effect are refused, equal specifications are equal engines."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from backgammon.cli.depth import Depth
from backgammon.cube.stakes import Stakes
from backgammon.engine.engine import Engine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.learner.net.engine_builder import build_engine, load_engine
from backgammon.rules.board import START
from backgammon.search import RolloutSettings
from backgammon.tools.errors import ConfigError
from tests.evaluators import PipEvaluator


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"plies": 4}, "plies = 4"),
        ({"cube_plies": -1}, "cube_plies = -1"),
        ({"filter_name": "wide"}, "tiny, narrow, normal"),
        ({"threads": 0}, "at least 1"),
        ({"bearoff": False}, "pruner=None"),
        ({"pruner": None, "within": 1.0}, "within"),
        ({"plies": 2, "shallow": 0.1}, "1 ply only"),
    ],
)
def test_a_setting_out_of_range_or_without_effect_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        EngineSpec(**wrong)


def test_a_specification_is_hashed_named_and_sent() -> None:
    spec = EngineSpec(plies=2, filter_name="large", rollout=RolloutSettings(games=36))
    again = pickle.loads(pickle.dumps(spec))
    assert again == spec
    assert len({spec, again, EngineSpec()}) == 2
    assert EngineSpec(plies=2, filter_name="large").name == "plies=2 filter_name=large"
    assert EngineSpec().name == "the engine that ships"


@pytest.mark.parametrize(
    ("depth", "words"),
    [
        (Depth(filter_name="large"), "--filter"),
        (Depth(plies=0, filter_name="normal"), "--filter"),
        (Depth(is_pruned=False), "--no-prune"),
        (Depth(plies=0, seconds=1.0), "--time"),
        (Depth(error=0.1), "--rollout"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(depth: Depth, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        depth.spec(None)


def test_the_cube_is_looked_at_no_less_deeply_than_plays() -> None:
    engine = Engine(EngineSpec(plies=1, cube_plies=2), PipEvaluator())
    decided = [one.decide_cube(START, Stakes()).plies for one in (engine.plays, engine.cube)]
    assert decided == [1, 2]
    deep = Engine(EngineSpec(plies=2, cube_plies=0), PipEvaluator())
    assert deep.cube is deep.plays


def test_only_depth_changes_without_building_anew() -> None:
    engine = Engine(EngineSpec(), PipEvaluator())
    assert engine.at(plies=1).searcher.settings.plies == 1
    with pytest.raises(ConfigError, match="build another"):
        engine.at(model="elsewhere")


def test_an_engine_at_0_ply_knows_the_tables_and_threads_change_nothing() -> None:
    one, two = build_engine(EngineSpec()), load_engine(threads=2)
    assert one.bearoff is not None
    assert build_engine(EngineSpec(bearoff=False, pruner=None)).bearoff is None
    boards, dice = np.repeat(START[None], 2, axis=0), np.array([[3, 1], [6, 5]], dtype=np.int8)
    assert one.choose(boards, dice).tolist() == two.choose(boards, dice).tolist()
    assert one.analyse(boards, dice).equities.tobytes() == two.analyse(boards, dice).equities.tobytes()
