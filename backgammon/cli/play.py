"""`pairgammon play`: a game at the terminal."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backgammon.cli.depth import Depth, depth_options
from backgammon.cli.group import EXIT_INTERRUPTED, ExampleCommand, describe_os_error, is_given, model_option
from backgammon.cli.players import PLAYER_HELP
from backgammon.cli.screen import say
from backgammon.evaluation.strengths import CUBE_PLIES, FULL, LEVEL_NAMES

if TYPE_CHECKING:
    from backgammon.cli.game_table import TableGame
    from backgammon.cli.resumed_game import ResumedGame
    from backgammon.cli.terminal import Terminal
    from backgammon.cli.tutor_talk import TutorTalk
    from backgammon.engine.engine import Engine
    from backgammon.evaluation.player import Player
    from backgammon.table.arena.options import SetUp
    from backgammon.table.cube_seat import CubeSeat
    from backgammon.table.session import CubeRules, Session

LARGEST_SEED = 1_000_000
"""Seeds that are made up stay below, so that they can be typed again."""


@click.command(
    cls=ExampleCommand,
    short_help="Play a game at the terminal.",
    examples=(
        ("pairgammon play", "money games against the model that ships with the package"),
        ("pairgammon play --level casual", "against a weaker opponent, who errs as people do"),
        ("pairgammon play --as people:8", "against somebody who chooses as people of that rating do"),
        ("pairgammon play --length 5 --model runs/one", "a match to 5 points against your own model"),
        ("pairgammon play --model runs/one --time 2", "against a model that thinks for two seconds"),
        ("pairgammon play --ply 1 --tutor", "told before you make a play that costs .02 or more"),
        ("pairgammon play match.mat", "go on with a match that was broken off"),
        ("pairgammon play --manual-dice", "with your own dice, at a real board"),
        ("pairgammon play --watch pipcount --seed 7", "look on while a pip counter plays for you"),
        ("pairgammon play --position XGID=-b----E-C---eE---c-e----B-:0:0:1:52:0:0:0:0:10", "go on from a position"),
    ),
    epilog=f"Players: {PLAYER_HELP}.",
)
@model_option
@depth_options
@click.option(
    "--level",
    type=click.Choice(LEVEL_NAMES),
    default=FULL,
    show_default=True,
    help="How well the model plays; the weaker ones misjudge positions, and take no look-ahead.",
)
@click.option("--opponent", default="model", metavar="PLAYER", help="Whom to play instead of the model.")
@click.option(
    "--as",
    "as_player",
    metavar="PERSON",
    help="Play somebody who chooses like the player in a file of `coach`, or like people:N, people of a rating.",
)
@click.option(
    "--length", type=click.IntRange(min=0), default=0, help="Points that win the match.  [default: money play]"
)
@click.option("--games", type=click.IntRange(min=1), help="Money games to play.  [default: until you stop]")
@click.option(
    "--seed", type=click.IntRange(min=0), help="Seed of the dice; same seed, same dice.  [default: a new one]"
)
@click.option("--position", metavar="ID", help="Begin the first game here: a Position ID, PositionID:MatchID or XGID.")
@click.option("--dice", metavar="DICE", help="First roll of --position, instead of the one in the ID.")
@click.option("--cube/--no-cube", "has_cube", default=True, show_default=True, help="Play with the doubling cube.")
@click.option("--jacoby", is_flag=True, help="Money play: gammons count single until the cube is turned.")
@click.option("--beavers", is_flag=True, help="Money play: who is doubled may double once more and keep the cube.")
@click.option("--manual-dice", is_flag=True, help="Throw your own dice and type them, also for the opponent.")
@click.option("--name", default="You", show_default=True, help="Your name in the record.")
@click.option("--save", "save_file", metavar="FILE", help="Where the games are saved.  [default: pairgammon-TIME.mat]")
@click.argument("saved", required=False, metavar="[MATCH]")
@click.option("--no-save", is_flag=True, help="Save nothing.")
@click.option("--no-board", is_flag=True, help="Draw the board only when you type `board`.")
@click.option("--watch", metavar="PLAYER", help="Let a player play for you and look on.")
@click.option(
    "--tutor",
    type=click.FloatRange(0, min_open=True),
    is_flag=False,
    flag_value=0.02,
    metavar="[POINTS]",
    help="Speak up before a play or cube action that costs so much, .02 when no number is given.",
)
@click.pass_context
def command(
    ctx: click.Context,
    model: str | None,
    depth: Depth,
    level: str,
    opponent: str,
    as_player: str | None,
    length: int,
    games: int | None,
    seed: int | None,
    position: str | None,
    dice: str | None,
    has_cube: bool,
    jacoby: bool,
    beavers: bool,
    manual_dice: bool,
    name: str,
    save_file: str | None,
    saved: str | None,
    no_save: bool,
    no_board: bool,
    watch: str | None,
    tutor: float | None,
) -> None:
    """Play backgammon against a model.

    MATCH is a saved match that goes on where it stands: a .mat, .sgf or .jsonl file, a .json of `web`, or the name of
    one of its games. You are its first player. The file is written anew with what is added.

    --ply, --time and --rollout say how deeply models look before they play; they need one trained with outcomes.
    --level is for a model that does not look ahead; hints always come from the model at its best.

    Type plays as text (8/5 6/5); parts are enough when they are clear. Other words: hint, undo, plays, pips, resign,
    quit; help explains them. Before a roll Enter throws the dice and double turns the cube; a double is answered by
    take or drop. The cube of every opponent is turned by the model, two plies deep; its plays suit cube and score. The
    games are saved as a .mat file that other backgammon programs read, also when you leave in the middle; games that
    begin at a --position as .sgf, for .mat cannot hold them. In such an ID you are the bottom player (of a Position ID,
    the player on roll).
    """
    from backgammon.cli.game_table import TableGame, TableOptions
    from backgammon.cli.players import is_model, make_player
    from backgammon.cli.screen import announce_compilation, is_colour_wanted
    from backgammon.cli.table_commands import BY_WORD
    from backgammon.cli.terminal import Terminal
    from backgammon.learner.players.player_spec import close_player
    from backgammon.table.session import Session

    _refuse_idle_options(ctx)
    resumed = None if saved is None else _take_up(ctx, saved)
    if resumed is not None:
        level, depth = resumed.opponent_of(level, depth)
        seed = resumed.session.seed
    if as_player is not None:
        opponent = _refuse_two_opponents(as_player, opponent)
    chosen_seed = _made_up_seed() if seed is None else seed
    rival = _at_level(model or "model" if opponent == "model" else opponent, level, depth, opponent)
    watched = model or "model" if watch == "model" else watch
    if depth != Depth() and tutor is None and not (is_model(rival) or (watched and is_model(watched))):
        raise click.UsageError(f"--ply and what belongs to it are for models: {rival} does not ask for them")
    player = make_player(rival, depth=depth, seed=chosen_seed)
    watcher = make_player(watched, depth=depth, seed=chosen_seed) if watched else None
    for one in filter(None, (player, watcher)):
        ctx.call_on_close(partial(close_player, one))
    num_games = games or (1 if watcher and not length else None)
    start = _set_up(position, dice)
    session: Session
    if resumed is not None:
        session, rules, names = resumed.session, resumed.session.cube, resumed.session.names
    else:
        names = _distinct(watcher.name if watcher else name, player.name)
        rules = _cube_rules(has_cube, jacoby, beavers, position)
        session = Session(names, chosen_seed, length, num_games, start, rules)
    seats = () if rules is None else _seats(watcher or player, player, model, depth, level, opponent)
    recorder = resumed or (None if no_save else Recorder(save_file, is_set_up=start is not None))
    announce_compilation()
    terminal = Terminal(is_colour_wanted())
    terminal.say(
        f"{names[0]} (X) against {names[1]} (O), seed {chosen_seed}.{'' if watcher else ' Type help for help.'}\n",
        "strong",
    )
    talk = None if tutor is None else _tutor(model, depth, tutor)
    options = TableOptions(manual_dice, not no_board, watcher, seats, BY_WORD, talk)
    save = recorder.save if recorder else lambda _: None
    game = TableGame(session, player, lambda: _open_engine(model), terminal, options, save)
    try:
        _run(ctx, game, terminal)
    finally:
        if recorder is not None and recorder.is_written:
            terminal.say(f"Saved in {recorder.path}.")


def _run(ctx: click.Context, game: TableGame, terminal: Terminal) -> None:
    """Play until the games are over or the person leaves."""
    from backgammon.cli.game_table import Quit
    from backgammon.cli.terminal import EndOfInput

    try:
        game.run()
    except (Quit, EndOfInput):
        terminal.say("Goodbye.")
    except KeyboardInterrupt:
        terminal.say("\nInterrupted.")
        ctx.exit(EXIT_INTERRUPTED)


def _made_up_seed() -> int:
    import numpy as np

    return int(np.random.default_rng().integers(LARGEST_SEED))


def _take_up(ctx: click.Context, saved: str) -> ResumedGame:
    """The saved match; options that it has settled already are refused.

    Raises:
        ConfigError: one of them is given.
        RecordError: there is nothing to go on with.
    """
    from backgammon.cli.resumed_game import ResumedGame

    settled = {"length", "games", "position", "dice", "seed", "save_file", "no_save", "jacoby", "beavers"}
    given = {one.opts[0]: ctx.params[one.name] for one in ctx.command.params if one.name in settled}
    return ResumedGame(saved, given, _made_up_seed())


def _tutor(model: str | None, depth: Depth, limit: float) -> TutorTalk:
    """A tutor that looks at least a ply ahead, and as deep as the opponent."""
    from backgammon.analysis.tutor import Tutor
    from backgammon.cli.tutor_talk import TutorTalk

    return TutorTalk(Tutor(_open_judge(model, depth.at(max(1, depth.plies or 0)))[0].plays), limit)


def _open_judge(model: str | None, depth: Depth) -> tuple[Engine, bool]:
    """The engine of the model; of the one that ships where the model gives no chances, and False."""
    from backgammon.cli.advisers import open_engine

    is_of_model = open_engine(Depth().spec(model)).has_outcomes
    return open_engine(depth.spec(model if is_of_model else None, cube_plies=CUBE_PLIES)), is_of_model


def _cube_rules(has_cube: bool, jacoby: bool, beavers: bool, position: str | None) -> CubeRules | None:
    """How the cube is used, None for cubeless games.

    Raises:
        ConfigError: rules of a cube that is not there.
    """
    from backgammon.notation.identifier import parse_identifier
    from backgammon.notation.match_id import CENTRED
    from backgammon.table.session import CubeRules
    from backgammon.tools.errors import ConfigError

    if not has_cube and (jacoby or beavers):
        raise ConfigError("--jacoby and --beavers are rules of the cube: leave out --no-cube")
    if not has_cube:
        return None
    if position is None:
        return CubeRules(jacoby, beavers)
    match = parse_identifier(position).match  # the person is seat 0 and the bottom player, seat 1 of a Match ID
    return CubeRules(jacoby, beavers, match.cube, None if match.cube_owner == CENTRED else 1 - match.cube_owner)


def _seats(
    first: Player, second: Player, model: str | None, depth: Depth, level: str, opponent: str
) -> tuple[CubeSeat, CubeSeat]:
    """Who decides about the cube at seat 0, where a player is watched, and at seat 1.

    A model without outcomes cannot judge a cube: the one that ships does it then.
    """
    from backgammon.table.cube_seat import CubeSeat

    is_by_plies = depth.seconds is None and depth.games is None
    judge, is_of_model = _open_judge(model, depth if is_by_plies else depth.at(CUBE_PLIES))
    is_plain = opponent == "model" and level == FULL and is_of_model
    plays = judge.plays if is_plain and is_by_plies else None
    return CubeSeat(first, judge.cube), CubeSeat(second, judge.cube, plays)


def _refuse_idle_options(ctx: click.Context) -> None:
    """Refuse options that another one leaves without effect.

    Raises:
        ConfigError: there is one.
    """
    from backgammon.tools.errors import ConfigError

    for option, name, others in _IDLE:
        if is_given(ctx, name):
            for other, reason in others.items():
                if ctx.params[other]:
                    shown = "a saved match" if other == "saved" else f"--{other.replace('_', '-')}"
                    raise ConfigError(f"{option} has no effect with {shown}: {reason}")


_IDLE = (
    ("--name", "name", {"watch": "the watched player has its own name", "saved": "the saved game has its names"}),
    ("--tutor", "tutor", {"watch": "nobody is there to be taught"}),
    ("--save", "save_file", {"no_save": "nothing is saved"}),
    ("--cube/--no-cube", "has_cube", {"saved": "the saved game says whether it has one"}),
)
"""(option, parameter, what leaves it without effect and why)."""


def _refuse_two_opponents(as_player: str, opponent: str) -> str:
    """The name of the opponent that --as means.

    Raises:
        ConfigError: another one was asked for besides.
    """
    from backgammon.cli.players import AS
    from backgammon.tools.errors import ConfigError

    if opponent != "model":
        raise ConfigError(f"--as {as_player} and --opponent {opponent}: give one opponent")
    return AS + as_player


def _at_level(player: str, level: str, depth: Depth, opponent: str) -> str:
    """The name of a player at a level.

    Raises:
        ConfigError: a weaker level and a look-ahead, or an opponent that is named by --opponent.
    """
    from backgammon.tools.errors import ConfigError

    if level == FULL:
        return player
    if depth.is_given:
        raise ConfigError(f"--level {level} plays without look-ahead: leave out --ply, --time and --rollout")
    if opponent != "model":
        raise ConfigError(f"--level {level} is for the model; behind --opponent write it as in runs/one:{level}")
    return f"{player}:{level}"


def _set_up(text: str | None, dice: str | None) -> SetUp | None:
    """Where the first game begins, the person being seat 0 and the bottom player of the ID.

    Raises:
        ConfigError: dice without a position, or a position that waits for an answer to a double.
        IdError, DiceError, PositionError: what is given cannot be read, or the game is over there.
    """
    from backgammon.notation.identifier import parse_identifier
    from backgammon.table.arena.options import parse_set_up
    from backgammon.tools.errors import ConfigError

    if text is None:
        if dice is not None:
            raise ConfigError("--dice belongs to --position; real dice for every roll are --manual-dice")
        return None
    found = parse_identifier(text)
    if found.match.doubled:
        raise ConfigError(f"{text}: it waits for an answer to a double, and these games have no cube")
    first = 0 if found.match.on_roll == 1 else 1
    return parse_set_up({"position": found.position, "dice": dice or found.match.dice, "first": first})


def _distinct(one: str, other: str) -> tuple[str, str]:
    """Two names that can be told apart."""
    return (one, f"{other} 2") if one == other else (one, other)


def _open_engine(model: str | None) -> Engine:
    """The engine of `hint`, for hints at the table."""
    from backgammon.cli.advisers import open_engine

    return open_engine(Depth().spec(model))


class Recorder:
    """Keeps the file of a session up to date, so that nothing is lost whatever happens.

    A disk that refuses the file costs a warning, not the game.
    """

    def __init__(self, file: str | None, is_set_up: bool = False) -> None:
        """Nothing is written before the first play.

        Args:
            file: where to; its suffix tells the format, .mat in doubt. None for a new name in the current folder.
            is_set_up: the first game begins at a position, which .mat cannot hold.

        Raises:
            ConfigError: the file is there already, or cannot hold the games.
        """
        from backgammon.records.formats.registry import MAT, WRITABLE
        from backgammon.tools.errors import ConfigError

        self.path = Path(file) if file else _new_name(".sgf" if is_set_up else ".mat")
        suffix = self.path.suffix.lower()
        self.format = next((entry for entry in WRITABLE if suffix in entry.suffixes), MAT)
        if is_set_up and self.format is MAT:
            raise ConfigError(f"{self.path}: .mat cannot hold a game that begins at a position; use .sgf or .jsonl")
        self.is_written = False
        self.is_refused = False
        if self.path.exists():
            raise ConfigError(f"{self.path}: is there already; give another name with --save")

    def save(self, session: Session) -> None:
        """Write everything so far."""
        from backgammon.tools.storage import replace_file

        if self.is_refused:
            return
        assert self.format.write is not None
        try:
            replace_file(self.path, self.format.write(session.record()).encode())
            self.is_written = True
        except OSError as error:
            self.is_refused = True
            say(f"cannot save: {describe_os_error(error)}; the game goes on, choose a file with --save", err=True)


def _new_name(suffix: str) -> Path:
    """A file name of this moment that is not taken."""
    stem = time.strftime("pairgammon-%Y%m%d-%H%M%S")
    path, number = Path(f"{stem}{suffix}"), 1
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}{suffix}")
    return path
