"""`pairgammon duel`: two players, many games, mirrored dice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from comparison_net.cli.group import ExampleCommand
from comparison_net.cli.players import PLAYER_HELP

if TYPE_CHECKING:
    from backgammon.duel import DuelResult


@click.command(
    cls=ExampleCommand,
    short_help="Let two players play thousands of games.",
    examples=(
        ("pairgammon duel model pipcount", "the shipped model against a pip counter"),
        ("pairgammon duel runs/two runs/one --games 20000 --json", "two trained models, for a script"),
    ),
    epilog=f"Players: {PLAYER_HELP}.",
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--games", default=1000, show_default=True, help="Games to play, an even number.")
@click.option("--seed", default=1, show_default=True, help="Seed of the dice; same seed, same games.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of a model.  [default: all processors]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def command(first: str, second: str, games: int, seed: int, threads: int | None, as_json: bool) -> None:
    """Play A against B and print points per game with the standard error.

    The games are cubeless money games in pairs with mirrored dice: every sequence of rolls is played twice, A starting
    once and B once. Points are A's: 1 for a win, 2 for a gammon, 3 for a backgammon, negative for losses.
    """
    from backgammon.duel import duel
    from comparison_net.cli.players import make_player, warm_up
    from comparison_net.cli.screen import show_progress

    players = make_player(first, threads), make_player(second, threads)
    for player in players:
        warm_up(player)  # compile before the clock starts, or the first run would report a slow machine
    with show_progress(f"{players[0].name} - {players[1].name}", games) as advance:
        result = duel(*players, num_games=games, seed=seed, progress=advance)
    if as_json:
        click.echo(json.dumps(result.as_dict()))
    else:
        click.echo(render_duel(result))


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
