"""How deeply a command looks: --ply, --filter, --time, --rollout and --error, the same wherever they occur."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from backgammon.cli.group import PLIES_HELP

if TYPE_CHECKING:
    from backgammon.search import RolloutSettings, SearchSettings

ROLLOUT_PLIES = 2
"""Depth of the search that picks what is rolled out, where none is given."""
TIMED_PLIES = 3
"""Greatest depth of a search with a time limit, where none is given."""
ROLLOUT_GAMES = 1296
"""Games of a rollout at most, where no number is given."""


@dataclass(frozen=True)
class Depth:
    """What the user asked for.

    Attributes:
        plies: None when not given.
        filter_name: see `search.filters.FILTER_NAMES`.
        seconds: of a decision; None for no limit.
        games: of a rollout at most; None for no rollout.
        error: of a rollout, see `RolloutSettings.max_error`; None for its default.
        is_pruned: a small net proposes the replies inside a search.
    """

    plies: int | None = None
    filter_name: str = "normal"
    seconds: float | None = None
    games: int | None = None
    error: float | None = None
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
            ConfigError: a number of games that is no multiple of 36, or an error without a rollout.
        """
        from backgammon.search import RolloutSettings
        from backgammon.tools.errors import ConfigError

        if self.games is None:
            if self.error is not None:
                raise ConfigError("--error says how exact rollouts are to be: add --rollout")
            return None
        settings = RolloutSettings(games=self.games, seed=seed)
        return settings if self.error is None else replace(settings, max_error=self.error)


class _Games(click.ParamType[int]):
    """A number of games; what stands behind a bare --rollout by mistake is named."""

    name = "games"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        try:
            return int(value)
        except ValueError:
            self.fail(f"{value!r} is not a number of games; put a bare --rollout behind the arguments", param, ctx)


def depth_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as one argument `depth`, a `Depth`."""

    @functools.wraps(function)
    def call(
        *args: Any,
        plies: int | None,
        filter_name: str,
        seconds: float | None,
        games_rolled: int | None,
        error: float | None,
        no_prune: bool,
        **rest: Any,
    ) -> Any:
        return function(*args, depth=Depth(plies, filter_name, seconds, games_rolled, error, not no_prune), **rest)

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
            type=_Games(),
            is_flag=False,
            flag_value=ROLLOUT_GAMES,
            metavar="[GAMES]",
            help="Roll out the best candidates until they are told apart or --error is reached: 11 plies, luck "
            f"subtracted; at most so many games each, a multiple of 36 ({ROLLOUT_GAMES} when not given).",
        ),
        click.option(
            "--error",
            type=click.FloatRange(min=0, min_open=True),
            metavar="POINTS",
            help="Standard error at which rollouts stop, of the difference between two plays.  [default: 0.005]",
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
