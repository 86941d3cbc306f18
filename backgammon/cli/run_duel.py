"""`pairgammon duel`: two players, many games, mirrored dice."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from backgammon.cli.depth import Depth, depth_options
from backgammon.cli.group import ExampleCommand
from backgammon.cli.players import PLAYER_HELP

if TYPE_CHECKING:
    from backgammon.evaluation.evaluator import Evaluator
    from backgammon.table.duel import DuelResult


@click.command(
    cls=ExampleCommand,
    short_help="Let two players play thousands of games.",
    examples=(
        ("pairgammon duel model pipcount", "the shipped model against a pip counter"),
        ("pairgammon duel runs/two runs/one --games 20000 --json", "two trained models, for a script"),
        ("pairgammon duel runs/one@1 gnubg:0 --luck runs/one", "one ply deep against GNU Backgammon, less luck"),
        ("pairgammon duel model:expert model:casual", "two playing levels; see below"),
        ("pairgammon duel runs/two runs/one --games 100000 --sprt 0 0.05", "until one hypothesis is clear"),
    ),
    epilog=f"Players: {PLAYER_HELP}.",
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--games", default=1000, show_default=True, help="Games to play, an even number.")
@click.option("--seed", default=1, show_default=True, help="Seed of the dice; same seed, same games.")
@depth_options
@click.option("--luck", metavar="MODEL", help="Subtract the luck of the dice as this model (or `model`) measures it.")
@click.option("--sprt", nargs=2, type=float, metavar="LOW HIGH", help="Stop when the points per game are clear of one.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of a model.  [default: all processors]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def command(
    first: str,
    second: str,
    games: int,
    seed: int,
    depth: Depth,
    luck: str | None,
    sprt: tuple[float, float] | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Play A against B and print points per game with the standard error.

    The games are cubeless money games in pairs with mirrored dice: every sequence of rolls is played twice, A starting
    once and B once. Points are A's: 1 for a win, 2 for a gammon, 3 for a backgammon, negative for losses.

    --ply, --time and --rollout are for models; A@1 or B@2 sets the look-ahead of one side, and models at a level
    (model:casual) play without. What such a model misjudges comes from --seed too, the same in every game. --luck
    subtracts what the dice gave, which leaves the mean and takes away most of the error. --sprt is a sequential test
    of two hypotheses about A's points per game, each wrongly accepted in 5 % of duels; --games is then the most that
    are played.
    """
    from backgammon.cli.players import close_player, make_player, warm_up
    from backgammon.cli.screen import show_progress
    from backgammon.table.duel import DuelChecks, duel
    from backgammon.tools.sprt import Sprt

    checks = DuelChecks(_make_judge(luck, threads) if luck else None, Sprt(*sprt) if sprt else None)
    with ExitStack() as stack:
        players = []
        for text in (first, second):
            players.append(make_player(text, threads, depth, seed))
            stack.callback(close_player, players[-1])
            warm_up(players[-1])  # compile before the clock starts, or the first run would report a slow machine
        advance = stack.enter_context(show_progress(f"{players[0].name} - {players[1].name}", games))
        result = duel(players[0], players[1], num_games=games, seed=seed, progress=advance, checks=checks)
    if as_json:
        click.echo(json.dumps(result.as_dict()))
    else:
        click.echo(render_duel(result))


def _make_judge(model: str, threads: int | None) -> Evaluator:
    """The engine of a model, to measure luck with."""
    from backgammon.cli.advisers import open_engine

    return open_engine(Depth().spec(None if model == "model" else model, threads)).searcher


def render_duel(result: DuelResult) -> str:
    """The result as a small table."""
    name_a, name_b = result.players
    width = max(len(name_a), len(name_b), 9)
    error = "one pair gives no standard error"
    if result.standard_error is not None:
        error = f"± {1.96 * result.standard_error:.3f} (95 %), standard error {result.standard_error:.4f}"
    rows = [
        f"{name_a} against {name_b}: {result.games:,} games, mirrored dice, seed {result.seed}",
        "",
        f"  points per game of {name_a}: {result.points_per_game:+.4f} {error}",
        *_check_lines(result),
        "",
        f"  {'':18}{name_a:>{width}}   {name_b:>{width}}",
    ]
    counts = (("games won", result.wins), ("of these gammons", result.gammons), ("and backgammons", result.backgammons))
    rows += [f"  {label:18}{pair[0]:>{width},}   {pair[1]:>{width},}" for label, pair in counts]
    rows += [
        "",
        f"  {result.plies:,} plies in {result.seconds:.1f} s: {result.games / result.seconds:,.0f} games/s, "
        f"{result.plies / result.seconds:,.0f} plies/s",
    ]
    return "\n".join(rows)


def _check_lines(result: DuelResult) -> list[str]:
    """What luck and the sequential test say, if they were asked."""
    lines = []
    if result.adjusted_points is not None:
        mean, error = result.adjusted_points
        reach = "" if error is None else f" ± {1.96 * error:.3f} (95 %), standard error {error:.4f}"
        lines.append(f"  the same less luck: {mean:+.4f}{reach}")
    if result.verdict is not None:
        lines.append(f"  sequential test: the {result.verdict} hypothesis holds")
    return lines
