"""What a person at the table can type instead of a play.

A command is a function of the table and of the words behind its name; mistakes raise errors that the table shows.
"""

from __future__ import annotations

import numpy as np

from backgammon.analysis.candidate_table import order_note
from backgammon.cli.cube_talk import hint_lines
from backgammon.cli.game_table import OPPONENT, PERSON, Command, Quit, TableGame
from backgammon.engine.at_stakes import StakesEngine
from backgammon.engine.engine import Engine
from backgammon.evaluation.outcome import cumulative
from backgammon.notation.gnu_id import position_id
from backgammon.notation.play_text import format_play
from backgammon.rules.board import pip_counts
from backgammon.rules.decisions import Decisions
from backgammon.rules.dice import parse_roll
from backgammon.rules.game import Stage
from backgammon.table.resignation import SIZES, check_resignation
from backgammon.tools.errors import GameError

MAX_HINTS = 5
LINE_WIDTH = 78

_SIZE_WORDS = {"": 1, "single": 1, "game": 1, "single game": 1, "gammon": 2, "backgammon": 3}


def show_hint(table: TableGame, _: list[str]) -> None:
    """List the plays that the model likes best; before a roll and after a double, what it thinks of the cube."""
    seats, session = table.options.seats, table.session
    if seats and session.state.stage is not Stage.PLAY:
        for line in hint_lines(seats[OPPONENT].cube, session):
            table.terminal.say(line)
        return
    engine = table.get_engine()
    if seats and (session.stakes.is_match or engine.has_outcomes):
        _show_plays_at_stakes(table, seats[OPPONENT].cube)
    elif engine.has_outcomes:
        _show_plays(table, engine)
    else:
        _show_preferences(table, engine)


def _show_plays(table: TableGame, engine: Engine) -> None:
    """The plays with what `hint` says of them where there is no cube."""
    decision = table.session.decision()
    ranked = engine.ranker.rank_one(decision)[:MAX_HINTS]
    table.hinted = [one.row for one in ranked]
    texts = [format_play(decision.plays[one.row]) for one in ranked]
    width = max(map(len, texts))
    for number, (text, one) in enumerate(zip(texts, ranked, strict=True), start=1):
        won = 100 * float(cumulative(one.outcomes)[0])
        table.terminal.say(f"  ={number}  {text:{width}}  {one.equity:+.3f}  won in {won:.1f} %")
    if note := order_note([(one.ply, one.equity) for one in ranked]):
        table.terminal.say(f"  {note}")


def _show_plays_at_stakes(table: TableGame, engine: StakesEngine) -> None:
    """The plays by their value at the score and cube."""
    decision, stakes = table.session.decision(), table.session.stakes
    plays = engine.rank_plays(decision, stakes)[:MAX_HINTS]
    table.hinted = [play.row for play in plays]
    texts = [format_play(decision.plays[play.row]) for play in plays]
    width = max(map(len, texts))
    for number, (text, play) in enumerate(zip(texts, plays, strict=True), start=1):
        won = "" if play.mwc is None else f"  match won in {100 * play.mwc:.2f} %"
        table.terminal.say(f"  ={number}  {text:{width}}  {play.equity:+.3f} EMG{won}")
    if note := order_note([(play.ply, play.equity) for play in plays]):
        table.terminal.say(f"  {note}")


def _show_preferences(table: TableGame, engine: Engine) -> None:
    """The plays that the model likes best, and how surely it prefers the first to each of the others."""
    decision = table.session.decision()
    scores = engine.evaluator.preferences(Decisions.of([decision]))
    table.hinted = np.argsort(-scores, kind="stable")[:MAX_HINTS].tolist()
    texts = [format_play(decision.plays[row]) for row in table.hinted]
    width = max(map(len, texts))
    leads = scores[table.hinted[0]] - scores[table.hinted]
    for number, (text, lead) in enumerate(zip(texts, leads, strict=True), start=1):
        likelihood = 1 / (1 + np.exp(-lead))  # of the comparison network: sigma(f(a) - f(b))
        percent = f"{100 * likelihood:.0f}" if likelihood < 0.995 else "over 99"
        sureness = f"  the first is preferred in {percent} %" if number > 1 else ""
        table.terminal.say(f"  ={number}  {text:{width}}{sureness}".rstrip())


def take_back(table: TableGame, _: list[str]) -> None:
    """Take back the last choice."""
    table.session.take_back(PERSON)
    table.terminal.say(f"Taken back: {table.session.state.roll} is to be played again.")


def show_plays(table: TableGame, _: list[str]) -> None:
    """List every legal play in columns."""
    texts = [format_play(play) for play in table.session.decision().plays]
    width = max(map(len, texts)) + 2
    columns = max(1, LINE_WIDTH // width)
    for start in range(0, len(texts), columns):
        table.terminal.say("  " + "".join(f"{text:{width}}" for text in texts[start : start + columns]).rstrip())


def show_board(table: TableGame, _: list[str]) -> None:
    """Draw the board."""
    table.show_board()


def show_pips(table: TableGame, _: list[str]) -> None:
    """Compare the pip counts."""
    own, other = (int(count) for count in pip_counts(table.session.board_of(PERSON).board))
    ahead = table.names[PERSON if own < other else OPPONENT]
    verdict = f"{ahead} ahead by {abs(own - other)}" if own != other else "equal"
    table.terminal.say(f"Pips: {table.names[PERSON]} {own}, {table.names[OPPONENT]} {other}; {verdict}.")


def show_id(table: TableGame, _: list[str]) -> None:
    """Print the Position ID."""
    table.terminal.say(f"Position ID, you on roll: {position_id(table.session.board_of(PERSON))}")


def correct_dice(table: TableGame, arguments: list[str]) -> None:
    """Put right dice that were typed wrongly."""
    if not table.options.is_manual:
        raise GameError("the program throws the dice in this game; --manual-dice lets you throw them")
    table.session.rethrow_dice(parse_roll(" ".join(arguments)))


def resign(table: TableGame, arguments: list[str]) -> None:
    """Offer to give up; the opponent judges the offer by playing the game out many times."""
    word = " ".join(arguments)
    size = _SIZE_WORDS.get(word)
    if size is None:
        raise GameError(f"resign {word}: write resign, resign gammon or resign backgammon")
    check_resignation(table.opponent, table.session.state, PERSON, size, table.session.seed)
    table.session.resign(PERSON, size)
    table.terminal.say(f"You resign a {SIZES[size]}; {table.names[OPPONENT]} accepts.")


def leave(_table: TableGame, _: list[str]) -> None:
    """Leave the table."""
    raise Quit


def show_help(table: TableGame, _: list[str]) -> None:
    """List what can be typed."""
    table.terminal.say(HELP)


COMMANDS = (
    Command(
        ("hint", "h"),
        "",
        "the plays that the model likes best, then =2 plays the second; or its view of the cube",
        show_hint,
    ),
    Command(("undo", "u"), "", "take back your last choice; the dice stay as they were", take_back),
    Command(("plays",), "", "every legal play of the roll", show_plays),
    Command(("board", "b"), "", "draw the board again", show_board),
    Command(("pips", "p"), "", "pip counts", show_pips),
    Command(("id",), "", "the GNU Position ID, to look the position up elsewhere", show_id),
    Command(("dice",), " 52", "put right dice that you typed (--manual-dice)", correct_dice),
    Command(("resign",), " [gammon]", "offer to give up the game, a gammon or a backgammon", resign),
    Command(("quit", "q"), "", "leave; the game is saved as it stands", leave),
    Command(("help", "?"), "", "this list", show_help),
)

HELP = "\n".join(
    [
        "Type a play from your side, bar and off as words: 8/5 6/5, 24/18*/13, bar/20, 6/off, 6/5(2).",
        "A part is enough when only one play has it: 13/7, bar/24, or 8 5 for 8/5.",
        "Before your roll: Enter throws the dice, double turns the cube. After a double: take or drop. Commands:",
        *(f"  {', '.join(command.words) + command.arguments:18} {command.meaning}" for command in COMMANDS),
    ]
)

BY_WORD = {word: command for command in COMMANDS for word in command.words}
