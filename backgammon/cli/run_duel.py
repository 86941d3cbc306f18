"""`pairgammon duel`: two players, many games or matches, mirrored dice."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from backgammon.cli.depth import Depth, depth_options
from backgammon.cli.group import ExampleCommand, workers_option
from backgammon.cli.players import PLAYER_HELP
from backgammon.cli.screen import say

if TYPE_CHECKING:
    from backgammon.cube.stakes import Stakes
    from backgammon.engine.engine import Engine
    from backgammon.engine.engine_spec import EngineSpec
    from backgammon.learner.players.duel_units import DuelPlan
    from backgammon.table.cube_duel import CubeDuelResult
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
        ("pairgammon duel model gnubg:0 --length 7 --luck model", "matches to 7 points with the cube"),
        ("pairgammon duel model model@1 --cube --jacoby", "money games with the cube"),
        ("pairgammon duel model@2 gnubg:2 --workers dask://10.0.0.1:8786", "on several machines (docs/cluster.md)"),
    ),
    epilog=f"Players: {PLAYER_HELP}.",
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--games", default=1000, show_default=True, help="Games, or matches, to play: an even number.")
@click.option("--cube", "has_cube", is_flag=True, help="Play money games with the doubling cube.")
@click.option("--jacoby", is_flag=True, help="With --cube: gammons count single until the cube is turned.")
@click.option("--beavers", is_flag=True, help="With --cube: who is doubled may double once more and keep the cube.")
@click.option("--length", type=click.IntRange(1, 25), help="Play matches to so many points, with the cube.")
@click.option("--seed", default=1, show_default=True, help="Seed of the dice; same seed, same games.")
@depth_options
@click.option("--luck", metavar="MODEL", help="Subtract the luck of the dice as this model (or `model`) measures it.")
@click.option("--sprt", nargs=2, type=float, metavar="LOW HIGH", help="Stop when the points per game are clear of one.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of a model.  [default: all processors]")
@workers_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def command(
    first: str,
    second: str,
    games: int,
    has_cube: bool,
    jacoby: bool,
    beavers: bool,
    length: int | None,
    seed: int,
    depth: Depth,
    luck: str | None,
    sprt: tuple[float, float] | None,
    threads: int | None,
    workers: str | None,
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

    With --cube the games are cubeful: points count the cube, and before each roll who may double decides at the depth
    of its plays. With --length they are matches, and the figure is the share of them that A wins. Luck is then
    measured cubeful at the score. Players must give chances: models without a level, and gnubg:N. GNU Backgammon's
    cube and its plays at a score follow from the chances of its own nets by our formulas, which equal its own to 6e-5;
    its package has no cubeful calls.

    Without --workers this process plays all games side by side. With it they are cut into pieces of seconds, and the
    result is the same.
    """
    from backgammon.cli.players import is_model
    from backgammon.learner.players.duel_units import DuelPlan
    from backgammon.tools.errors import ConfigError
    from backgammon.tools.sprt import Sprt

    if depth != Depth() and not (is_model(first) or is_model(second)):
        raise click.UsageError(f"--ply and what belongs to it are for models: {first} and {second} ask for none")
    if threads is not None and luck is None and {first, second} <= {"random", "pipcount"}:
        raise click.UsageError("--threads are those of a model: neither player is one")
    if threads is not None and workers is not None:
        raise ConfigError("--threads are those of this process, and --workers play with one each: give one of them")
    plan = DuelPlan(games, seed, _stakes(has_cube, jacoby, beavers, length), Sprt(*sprt) if sprt else None)
    names = (first, second)
    result: DuelResult | CubeDuelResult
    if workers is not None:
        result = _duel_on_workers(names, plan, depth, luck, workers)
    elif plan.stakes is not None:
        result = _duel_with_cube(names, plan, depth, luck, threads)
    else:
        result = _duel(names, plan, depth, luck, threads)
    say(json.dumps(result.as_dict()) if as_json else render(result))


def _stakes(has_cube: bool, jacoby: bool, beavers: bool, length: int | None) -> Stakes | None:
    """What is played for; None for games without a cube.

    Raises:
        ConfigError: rules that do not go together.
    """
    from backgammon.cube.stakes import Stakes
    from backgammon.tools.errors import ConfigError

    if length is not None and (has_cube or jacoby or beavers):
        raise ConfigError("--length plays matches, which have a cube anyway: leave out --cube, --jacoby and --beavers")
    if not has_cube and (jacoby or beavers):
        raise ConfigError("--jacoby and --beavers are rules of the cube: add --cube")
    if length is None and not has_cube:
        return None
    return Stakes(length=length or 0, has_jacoby=jacoby, has_beavers=beavers)


def _duel(names: tuple[str, str], plan: DuelPlan, depth: Depth, luck: str | None, threads: int | None) -> DuelResult:
    """Seat two players without a cube and let them play."""
    from backgammon.cli.players import make_player, warm_up
    from backgammon.cli.screen import show_progress
    from backgammon.learner.players.player_spec import close_player
    from backgammon.table.duel import DuelChecks, duel

    checks = DuelChecks(_make_judge(luck, threads).searcher if luck else None, plan.sprt)
    with ExitStack() as stack:
        players = []
        for text in names:
            players.append(make_player(text, threads, depth, plan.seed))
            stack.callback(close_player, players[-1])
            warm_up(players[-1])  # compile before the clock starts, or the first run would report a slow machine
        advance = stack.enter_context(show_progress(f"{players[0].name} - {players[1].name}", plan.games))
        return duel(players[0], players[1], plan.games, plan.seed, progress=advance, checks=checks)


def _duel_on_workers(
    names: tuple[str, str], plan: DuelPlan, depth: Depth, luck: str | None, workers: str
) -> DuelResult | CubeDuelResult:
    """Pack two players and let others play."""
    from backgammon.cli.players import player_spec
    from backgammon.cli.screen import announce_compilation, show_units
    from backgammon.learner.net.packed_model import pack_engine
    from backgammon.learner.players.duel_units import duel_on_workers
    from backgammon.learner.players.packed_player import pack_player
    from backgammon.tools.jobs.workers import workers_named

    crew = workers_named(workers)
    announce_compilation()
    first, second = (pack_player(player_spec(name, 1, depth, plan.seed), plan.stakes is not None) for name in names)
    judge = pack_engine(_judge_spec(luck, 1)) if luck else None
    with show_units(f"{first.name} - {second.name}", plan.games) as progress:
        return duel_on_workers((first, second), plan, crew, judge, progress)


def _duel_with_cube(
    names: tuple[str, str], plan: DuelPlan, depth: Depth, luck: str | None, threads: int | None
) -> CubeDuelResult:
    """Seat two players with the cube and let them play."""
    from backgammon.cli.players import player_spec
    from backgammon.cli.screen import show_progress
    from backgammon.learner.players.player_spec import build_cube_seat, close_player
    from backgammon.table.cube_duel import duel_with_cube

    judge = _make_judge(luck, threads).plays if luck else None
    with ExitStack() as stack:
        first, second = (build_cube_seat(player_spec(name, threads, depth), _note) for name in names)
        for one in (first, second):
            stack.callback(close_player, one.player)
        advance = stack.enter_context(show_progress(f"{first.name} - {second.name}", plan.games))
        return duel_with_cube(
            first, second, plan.games, plan.seed, plan.stakes, progress=advance, luck_judge=judge, sprt=plan.sprt
        )


def _make_judge(model: str, threads: int | None) -> Engine:
    """The engine of a model, to measure luck with."""
    from backgammon.cli.advisers import open_engine

    return open_engine(_judge_spec(model, threads))


def _judge_spec(model: str, threads: int | None) -> EngineSpec:
    return Depth().spec(None if model == "model" else model, threads)


def _note(text: str) -> None:
    """Say what takes time."""
    say(text, err=True)


def render(result: DuelResult | CubeDuelResult) -> str:
    """The result as a small table."""
    from backgammon.table.duel import DuelResult

    return render_duel(result) if isinstance(result, DuelResult) else render_cube_duel(result)


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


def render_cube_duel(result: CubeDuelResult) -> str:
    """The result of a duel with the cube as a small table."""
    name_a, name_b = result.players
    width = max(len(name_a), len(name_b), 9)
    stakes = result.start
    rules = "".join([", Jacoby" * stakes.has_jacoby, ", beavers" * stakes.has_beavers])
    kind = f"matches to {stakes.length}" if stakes.is_match else f"money games with the cube{rules}"
    figure = f"share of matches won by {name_a}" if stakes.is_match else f"points per game of {name_a}"
    rows = [
        f"{name_a} against {name_b}: {result.units:,} {kind}, mirrored dice, seed {result.seed}",
        "",
        f"  {figure}: {_figure(result.measured, not stakes.is_match)}",
    ]
    if result.luck_adjusted is not None:
        rows.append(f"  the same less luck: {_figure(result.luck_adjusted, not stakes.is_match)}")
    if result.verdict is not None:
        rows.append(f"  sequential test: the {result.verdict} hypothesis holds")
    rows += ["", f"  {'':18}{name_a:>{width}}   {name_b:>{width}}"]
    won = "matches won" if stakes.is_match else "games won"
    count = result.count
    pairs = [(won, result.wins), ("doubles", count.doubles), ("takes", count.takes), ("drops", count.drops)]
    pairs += [("beavers", count.beavers)] if stakes.has_beavers else []
    rows += [f"  {label:18}{pair[0]:>{width},}   {pair[1]:>{width},}" for label, pair in pairs]
    rows += ["", f"  {result.games:,} games, {result.plies:,} plies in {result.seconds:.1f} s"]
    return "\n".join(rows)


def _figure(found: tuple[float, float | None], has_sign: bool) -> str:
    """A mean with its interval."""
    mean, error = found
    value = f"{mean:+.4f}" if has_sign else f"{mean:.4f}"
    if error is None:
        return f"{value}, one pair gives no standard error"
    return f"{value} ± {1.96 * error:.4f} (95 %), standard error {error:.4f}"


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
