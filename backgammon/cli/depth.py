"""How deeply a command looks: the options --ply, --filter, --time and --rollout, the same wherever they occur."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from backgammon.cli.group import PLIES_HELP

if TYPE_CHECKING:
    from backgammon.search import RolloutSettings, SearchSettings

ROLLOUT_PLIES = 2
"""Depth of the search that picks what is rolled out, where none is given."""
TIMED_PLIES = 3
"""Greatest depth of a search with a time limit, where none is given."""


@dataclass(frozen=True)
class Depth:
    """What the user asked for.

    Attributes:
        plies: None when not given.
        filter_name: see `search.filters.FILTER_NAMES`.
        seconds: of a decision; None for no limit.
        games: of a rollout; None for no rollout.
        is_pruned: a small net proposes the replies inside a search.
    """

    plies: int | None = None
    filter_name: str = "normal"
    seconds: float | None = None
    games: int | None = None
    is_pruned: bool = True

    @property
    def is_given(self) -> bool:
        """True when chances were asked for, be it at 0-ply."""
        return self.plies is not None or self.seconds is not None or self.games is not None

    def search_settings(self) -> SearchSettings:
        """Settings of the search.

        Raises:
            ConfigError: a value out of range.
        """
        from backgammon.search import SearchSettings

        plies = self.plies
        if plies is None:
            plies = TIMED_PLIES if self.seconds is not None else ROLLOUT_PLIES if self.games is not None else 0
        return SearchSettings(plies, self.filter_name, self.seconds)

    def rollout_settings(self, seed: int = 1) -> RolloutSettings | None:
        """Settings of the rollouts, None when none were asked for.

        Raises:
            ConfigError: a number of games that is no multiple of 36.
        """
        from backgammon.search import RolloutSettings

        if self.games is None:
            return None
        return RolloutSettings(games=self.games, seed=seed)


def depth_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as one argument `depth`, a `Depth`."""

    @functools.wraps(function)
    def call(
        *args: Any,
        plies: int | None,
        filter_name: str,
        seconds: float | None,
        games_rolled: int | None,
        no_prune: bool,
        **rest: Any,
    ) -> Any:
        return function(*args, depth=Depth(plies, filter_name, seconds, games_rolled, not no_prune), **rest)

    options = (
        click.option(
            "--ply",
            "plies",
            type=click.IntRange(0, 3),
            help=PLIES_HELP,
        ),
        click.option(
            "--filter",
            "filter_name",
            type=click.Choice(("tiny", "narrow", "normal", "large", "huge")),
            default="normal",
            show_default=True,
            help="Which candidates are looked at deeper, as GNU Backgammon names it.",
        ),
        click.option(
            "--time",
            "seconds",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help="Limit of a decision: look as deep as time allows, to --ply at most (3 when not given).",
        ),
        click.option(
            "--rollout",
            "games_rolled",
            type=int,
            metavar="GAMES",
            help="Roll out the best candidates, at most so many games each, a multiple of 36; 1296 is usual.",
        ),
        click.option(
            "--no-prune",
            is_flag=True,
            help="Let the model see every reply inside a search, not what the small net proposes; slower.",
        ),
    )
    decorated: Callable[..., Any] = call
    for option in reversed(options):
        decorated = option(decorated)
    return decorated
