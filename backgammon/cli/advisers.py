"""The engine by the model that the command line names, as protocols, hints and analysis want it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from backgammon.cli.depth import Depth
    from backgammon.engine.at_stakes import StakesEngine
    from backgammon.evaluation.exact import ExactEvaluator
    from backgammon.learner.net.scorer import Scorer
    from backgammon.protocols.adviser import Adviser
    from backgammon.search import Searcher

CUBE_PLIES = 2
"""Least depth of cube decisions: thousandths of a second, and a tenth of the errors of the model alone."""
DEFAULT_PLIES = 0
"""Depth of plays in protocols and hints; as GNU Backgammon counts, 0 is the model alone."""


def make_adviser(model: str | None, plies: int = DEFAULT_PLIES, threads: int | None = None, seed: int = 0) -> Adviser:
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

    scorer = load_model_scorer(model, threads)
    if not scorer.has_outcomes and not plies:
        return Adviser(scorer, ranker=scorer, seed=seed)
    searcher = make_searcher(scorer, plies, threads)
    cube = make_stakes_engine(scorer, Depth(plies=max(plies, CUBE_PLIES)), threads)
    plays = make_stakes_engine(scorer, Depth(plies=plies), threads)
    return Adviser(searcher, searcher=searcher, seed=seed, cube=cube, plays=plays)


def load_model_scorer(model: str | None, threads: int | None = None) -> Scorer:
    """The scorer of a model, on every processor unless told otherwise; see `make_adviser`."""
    from backgammon.learner.net.scorer import load_scorer
    from backgammon.tools.processors import usable_processors

    return load_scorer(model, threads=threads or usable_processors())


def make_searcher(scorer: Scorer, plies: int, threads: int | None = None) -> Searcher:
    """The search of a model with outcomes, joined with the exact tables of the bear-off.

    Raises:
        ModelError: the model has no outcomes.
        ConfigError: a depth that does not exist.
    """
    from backgammon.search import Searcher, SearchSettings
    from backgammon.tools.processors import usable_processors

    return Searcher(make_engine(scorer, plies=plies), SearchSettings(plies=plies), threads or usable_processors())


def make_engine(scorer: Scorer, is_pruned: bool = True, plies: int = 0) -> ExactEvaluator:
    """A model with outcomes, joined with the exact tables of the bear-off.

    Args:
        scorer: the model.
        is_pruned: let the small net that ships propose the replies inside a search.
        plies: of the search that it is for; at 1 ply it pays to judge dances by their replies.

    Raises:
        ModelError: the model has no outcomes.
    """
    from backgammon.evaluation.bearoff import find_or_build
    from backgammon.evaluation.exact import ExactEvaluator
    from backgammon.learner.net.scorer import load_pruner

    scorer.require_outcomes()
    return ExactEvaluator(scorer, find_or_build(notice=_announce), load_pruner() if is_pruned else None, plies == 1)


def make_stakes_engine(scorer: Scorer, depth: Depth, threads: int | None = None) -> StakesEngine:
    """A model with outcomes for decisions at a score and cube, at the plies of a depth.

    Args:
        scorer: the model.
        depth: its plies and filter count; time and games are refused by who asks for them.
        threads: None takes every processor this process may use.

    Raises:
        ModelError: the model has no outcomes.
    """
    from backgammon.engine.at_stakes import StakesEngine
    from backgammon.search import CubefulSearcher
    from backgammon.tools.processors import usable_processors

    settings = depth.search_settings()
    engine = make_engine(scorer, depth.is_pruned, settings.plies)
    return StakesEngine(CubefulSearcher(engine, threads or usable_processors()), settings)


def _announce(text: str) -> None:
    click.echo(text, err=True)
