"""`pairgammon rank`: candidates of decisions in order of preference, JSON lines in and out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

import click

from backgammon.cli.depth import Depth, depth_options
from backgammon.cli.group import ExampleCommand, model_option
from backgammon.cli.screen import say

if TYPE_CHECKING:
    from backgammon.engine.engine import Engine
    from backgammon.learner.data.line_ranking import Answerer, StakesAnswerer
    from backgammon.learner.data.stakes_lines import StakesLine

BATCH_SIZE = 2048
"""Decisions that are scored together; more gain no speed, only memory."""

DEEP_BATCH_SIZE = 64
"""The same where the model looks ahead, so that answers keep coming."""

CHUNK = 1 << 18
"""Bytes asked of the input at a time. A read returns what is there: one line of a person, thousands of a file."""


@click.command(
    cls=ExampleCommand,
    short_help="Order the candidates of decisions, JSON lines in and out.",
    examples=(
        ("pairgammon rank < decisions.jsonl > picks.jsonl", "rank a file with the default model"),
        ("pairgammon decisions LOGS | pairgammon rank --model runs/one", "rank what was played in logs"),
        ("pairgammon rank --ply 2 < decisions.jsonl", "equities and chances, two plies deep"),
        ("pairgammon rank --as ann/player.safetensors < decisions.jsonl", "what a player that `coach` learnt would do"),
        ("""echo '{"xgid": "XGID=..."}' | pairgammon rank --ply 2""", "a cube action, or a play at a score"),
    ),
)
@model_option
@depth_options
@click.option(
    "--as",
    "as_player",
    metavar="PERSON",
    help="Rank as the player in a file of `coach` chooses, or people:N, people of a rating.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the model.  [default: all processors]")
@click.option("--skip-bad", is_flag=True, help='Answer an unusable line with {"error": ...} and go on.')
def command(model: str | None, depth: Depth, as_player: str | None, threads: int | None, skip_bad: bool) -> None:
    """Rank every candidate of decisions read from standard input.

    Each input line is an object with "id", a GNU Position ID with the player on roll, and "dice", two numbers. An XGID,
    or PositionID:MatchID, will do as well, and needs no "dice" where it holds them. A line may also be just an ID and
    the dice, as a person types it: 4HPwATDgc/ABMA 31. The object comes back with "best", the Position ID after the best
    play (opponent on roll), and "candidates", a list of [Position ID after the play, score], best first. Scores compare
    the candidates of one line only.

    With --ply, --time or --rollout, and a model that was trained with outcomes, each candidate is an object instead:
    "id", "equity" (cubeless points of the player who moves), "chances" (six that exclude each other), "ply" it was
    judged at, "margin" to the best, and after a rollout "standard_error", "joint_error" (of the margin) and "games".

    "xgid" in place of "id" asks at its score and cube. With dice the answer is "best" and "candidates" with cubeful
    "equity" (EMG; points per cube unit in money play) and, in a match, "mwc", the chance to win it. With 00 or D in
    place of the dice it is the cube action: "action" (no double, double/take, double/pass, too good/take, too
    good/pass), "double", "take", and "equities" of no double, double and take, double and pass.

    With --as the order is that of a person, who looks nothing ahead: candidates are objects, likeliest first, with
    "probability" beside equity, chances and margin, which are the engine's; a margin below 0 is a play that it prefers.

    Lines are answered in order and as soon as they are read, so that another program can ask one question at a time.
    The first line that cannot be used ends the run with exit code 1, unless --skip-bad is given.
    """
    from backgammon.cli.advisers import open_engine
    from backgammon.learner.data.line_ranking import answer_lines, by_chances, by_scores

    at_stakes: StakesAnswerer | None
    if as_player is not None:
        answer, at_stakes = _person_answerer(as_player, model, depth, threads), _refuse_stakes
    else:
        engine = open_engine(depth.spec(model, threads))
        answer = by_chances(engine.ranker) if depth.is_given else by_scores(engine.evaluator)
        at_stakes = _stakes_answerer(engine, depth) if engine.has_outcomes else None
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    if source.isatty():
        say("Type or paste decisions, one a line; end with Ctrl-D.", err=True)
    for lines in read_batches(source, DEEP_BATCH_SIZE if depth.is_given else BATCH_SIZE):
        for line in answer_lines(lines, answer, skip_bad, at_stakes):
            sink.write(line)
        sink.flush()


def _person_answerer(name: str, model: str | None, depth: Depth, threads: int | None) -> Answerer:
    """Answers as a person chooses.

    Raises:
        ConfigError: a model or a depth besides, or see `load_mimic`.
        ModelError: see `load_mimic`.
    """
    from backgammon.learner.coach.mimic import load_mimic
    from backgammon.learner.data.line_ranking import by_chances
    from backgammon.search import Ranker, Searcher, SearchSettings
    from backgammon.tools.errors import ConfigError
    from backgammon.tools.processors import usable_processors

    for option, is_there in (("--model", model is not None), ("--ply and what belongs to it", depth.is_given)):
        if is_there:
            raise ConfigError(f"--as {name}: it was learnt beside the model that ships, at 0 plies; leave out {option}")
    mimic = load_mimic(name, threads or usable_processors())
    return by_chances(Ranker(Searcher(mimic, SearchSettings(0))), mimic)


def _refuse_stakes(lines: Sequence[StakesLine]) -> Iterator[bytes]:
    """Nothing: a model of a person reads neither score nor cube.

    Raises:
        ConfigError: always.
    """
    from backgammon.tools.errors import ConfigError

    raise ConfigError(f'"xgid" asks at a score and cube ({len(lines)} lines), which --as does not read: give "id"')


def _stakes_answerer(engine: Engine, depth: Depth) -> StakesAnswerer:
    """Answers lines with a score and cube at the depth that was asked for.

    Raises:
        ConfigError: when the first such line comes, where the depth is one of time.
    """
    from backgammon.learner.data.stakes_lines import answer_at_stakes
    from backgammon.tools.errors import ConfigError

    def answer(lines: Sequence[StakesLine]) -> Iterator[bytes]:
        if depth.seconds is not None:
            raise ConfigError('lines with "xgid" are looked at by --ply and --rollout, not by --time')
        return answer_at_stakes(engine, lines)

    return answer


def read_batches(source: BinaryIO, size: int) -> Iterator[list[tuple[int, bytes]]]:
    """(number, line) of all lines that have arrived, at most `size` at a time; blank lines are left out."""
    from backgammon.records.formats.decision_line import MAX_LENGTH

    rest, number = b"", 0
    read = getattr(source, "read1", source.read)
    while chunk := read(CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LENGTH:  # no decision: hand it on to be refused instead of waiting for its end
            lines, rest = [*lines, rest], b""
        numbered = [(number + i, line) for i, line in enumerate(lines, start=1) if line.strip()]
        number += len(lines)
        for start in range(0, len(numbered), size):
            yield numbered[start : start + size]
    if rest.strip():
        yield [(number + 1, rest)]
