"""The one place where an engine is put together: a specification in, an engine out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from backgammon.engine.engine import Engine
from backgammon.engine.engine_spec import PRUNER, EngineSpec
from backgammon.evaluation.bearoff import find_or_build
from backgammon.evaluation.evaluator import Evaluator
from backgammon.learner.net.scorer import load_pruner, load_scorer


def build_engine(
    spec: EngineSpec, notice: Callable[[str], None] | None = None, rollout_folder: Path | None = None
) -> Engine:
    """The engine of a specification.

    Args:
        spec: what it is made of.
        notice: told before bear-off tables are computed, see `find_or_build`; None is silent about that.
        rollout_folder: keeps the work units of rollouts; None keeps nothing.

    Raises:
        ModelError: no usable model, or a look-ahead by one without outcomes.
    """
    # where the search has all threads, each of them asks the net by itself
    net = load_scorer(spec.model, 1 if spec.is_deep else spec.threads)
    if not net.has_outcomes or not spec.bearoff:
        return Engine(spec, net, rollout_folder=rollout_folder)
    return Engine(spec, net, find_or_build(notice=notice), _open_pruner(spec.pruner), rollout_folder)


def load_engine(model: str | Path | None = None, *, plies: int = 0, threads: int = 1, **settings: Any) -> Engine:
    """An engine to ask from Python: `choose`, `analyse`, `outcomes`.

    Args:
        model: a model file or a run folder; None for the model that ships.
        plies: look-ahead, 0 (the model alone, with the exact tables of the bear-off) to 3.
        threads: share the work between so many. Numbers do not depend on it.
        **settings: of `EngineSpec`, such as filter_name="large" or seconds=2.0.

    Raises:
        ModelError: no usable model, or a look-ahead by one without outcomes.
        ConfigError: a setting out of range, or one that would have no effect.
        TypeError: a setting that `EngineSpec` does not have.
    """
    return build_engine(EngineSpec(None if model is None else str(model), plies=plies, threads=threads, **settings))


def _open_pruner(name: str | None) -> Evaluator | None:
    """The net that proposes replies inside a search; None for none."""
    if name is None:
        return None
    return load_pruner() if name == PRUNER else load_scorer(name)
