"""How deeply a command looks: --ply, --filter, --time, --rollout and --error, the same wherever they occur."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from backgammon.cli.group import PLIES_HELP
from backgammon.evaluation.strengths import (
    DEFAULT_FILTER,
    FILTER_NAMES,
    MAX_PLIES,
    ROLLOUT_ERROR,
    ROLLOUT_GAMES,
    ROLLOUT_PLIES,
    TIMED_PLIES,
)

if TYPE_CHECKING:
    from backgammon.engine.engine_spec import EngineSpec
    from backgammon.search import RolloutSettings


@dataclass(frozen=True)
class Depth:
    """What the user asked for.

    Attributes:
        plies: None when not given.
        filter_name: see `strengths.FILTER_NAMES`; None when not given.
        seconds: of a decision; None for no limit.
        games: of a rollout at most; None for no rollout.
        error: of a rollout, see `RolloutSettings.max_error`; None for its default.
        is_pruned: a small net proposes the replies inside a search.
    """

    plies: int | None = None
    filter_name: str | None = None
    seconds: float | None = None
    games: int | None = None
    error: float | None = None
    is_pruned: bool = True

    @property
    def is_given(self) -> bool:
        """True when chances were asked for, be it at 0-ply."""
        return self.plies is not None or self.seconds is not None or self.games is not None

    def at(self, plies: int) -> Depth:
        """As deep as `plies` says, without a time limit and rollouts."""
        return replace(self, plies=plies, seconds=None, games=None, error=None)

    def spec(self, model: str | None, threads: int | None = None, plies: int = 0, cube_plies: int = 0) -> EngineSpec:
        """The engine that was asked for.

        Args:
            model: see `EngineSpec`.
            threads: None takes every processor this process may use.
            plies: where no depth was asked for.
            cube_plies: see `EngineSpec`.

        Raises:
            ConfigError: a value out of range, or one that would have no effect.
        """
        from backgammon.engine.engine_spec import PRUNER, EngineSpec
        from backgammon.tools.errors import ConfigError
        from backgammon.tools.processors import usable_processors

        rollout = self.rollout_settings()
        if self.plies is not None:
            plies = self.plies
        elif self.seconds is not None or self.games is not None:
            plies = TIMED_PLIES if self.seconds is not None else ROLLOUT_PLIES
        if plies == 0 and self.seconds is not None:
            raise ConfigError("--time limits a look-ahead, and --ply 0 has none: leave one of them out")
        if plies == 0 and self.filter_name is not None:
            raise ConfigError("--filter says what a look-ahead looks at: add --ply 1, 2 or 3")
        if max(plies, cube_plies) == 0 and rollout is None and not self.is_pruned:
            raise ConfigError("--no-prune is for replies inside a look-ahead: add --ply 1, 2 or 3")
        return EngineSpec(
            model,
            plies,
            self.filter_name or DEFAULT_FILTER,
            PRUNER if self.is_pruned else None,
            cube_plies=cube_plies,
            seconds=self.seconds,
            rollout=rollout,
            threads=threads or usable_processors(),
        )

    def rollout_settings(self) -> RolloutSettings | None:
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
        settings = RolloutSettings(games=self.games)
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
        filter_name: str | None,
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
            type=click.IntRange(0, MAX_PLIES),
            help=PLIES_HELP,
        ),
        click.option(
            "--filter",
            "filter_name",
            type=click.Choice(FILTER_NAMES),
            help="Which candidates are looked at deeper: GNU Backgammon's, or our own, which looks at 1 ply first.  "
            f"[default: {DEFAULT_FILTER}]",
        ),
        click.option(
            "--time",
            "seconds",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help=f"Limit of a decision: look as deep as time allows, to --ply at most ({TIMED_PLIES} when not given).",
        ),
        click.option(
            "--rollout",
            "games_rolled",
            type=_Games(),
            is_flag=False,
            flag_value=ROLLOUT_GAMES,
            metavar="[GAMES]",
            help="Roll out the best candidates until they are told apart or --error is reached: 7 plies (11 "
            "with the cube), luck subtracted; at most so many games each, a multiple of 36 "
            f"({ROLLOUT_GAMES} when not given).",
        ),
        click.option(
            "--error",
            type=click.FloatRange(min=0, min_open=True),
            metavar="POINTS",
            help="Standard error at which rollouts stop: of the difference between two plays, or of both lines of a "
            "cube decision, in points of their own cubes.  "
            f"[default: {ROLLOUT_ERROR:g}]",
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
