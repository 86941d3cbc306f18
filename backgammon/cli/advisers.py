"""The engine that the command line asks for, and the adviser of the protocols out of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backgammon.cli.screen import say
from backgammon.evaluation.strengths import CUBE_PLIES

if TYPE_CHECKING:
    from backgammon.engine.engine import Engine
    from backgammon.engine.engine_spec import EngineSpec
    from backgammon.protocols.adviser import Adviser


def open_engine(spec: EngineSpec, rollout_folder: Path | None = None) -> Engine:
    """The engine of a specification; what takes time is said on standard error. See `build_engine`."""
    from backgammon.learner.net.engine_builder import build_engine

    return build_engine(spec, lambda text: say(text, err=True), rollout_folder)


def make_adviser(model: str | None, plies: int = 0, threads: int | None = None, seed: int = 0) -> Adviser:
    """The adviser of a model.

    Args:
        model: a path; None for the model that ships with the package.
        plies: depth of the search; more than 0 takes a model with outcomes.
        threads: None takes every processor this process may use.
        seed: see `Adviser`.

    Raises:
        ModelError: no usable checkpoint, or one without outcomes where a search was asked for.
        ConfigError: a depth that does not exist.
    """
    from backgammon.cli.depth import Depth
    from backgammon.protocols.adviser import Adviser

    engine = open_engine(Depth(plies).spec(model, threads, cube_plies=CUBE_PLIES))
    return Adviser.of_engine(engine, seed)
