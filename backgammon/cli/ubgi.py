"""`pairgammon ubgi`: the Universal Backgammon Interface on standard input and output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from backgammon.cli.group import ExampleCommand, model_option
from backgammon.evaluation.strengths import MAX_PLIES

if TYPE_CHECKING:
    from backgammon.protocols.adviser import Adviser


@click.command(
    cls=ExampleCommand,
    short_help="Speak UBGI 0.1 and 0.2 on standard input and output.",
    examples=(
        ("pairgammon ubgi", "as the engine of a program that speaks UBGI"),
        ("printf 'position gnubgid 4HPwATDgc/ABMA\\ndice 3 1\\ngo\\n' | pairgammon ubgi", "ask one question"),
    ),
)
@model_option
def command(model: str | None) -> None:
    """Be an engine of the Universal Backgammon Interface: commands in, one a line, answers out.

    Both versions are understood, 0.1 (setoption, go role chequer) and 0.2 (set, go chequer); `ubgi` introduces the
    engine, `keys` lists what can be set, `quit` ends it. Plies are counted from the root as UBGI does: 1 is the model
    alone, which GNU Backgammon calls 0-ply.
    """
    from backgammon.cli.advisers import make_adviser
    from backgammon.protocols.lines import read_lines
    from backgammon.protocols.ubgi_engine import UbgiEngine
    from backgammon.protocols.ubgi_settings import EngineSettings

    def make(settings: EngineSettings) -> Adviser:
        return make_adviser(model, settings.ply - 1, settings.threads, settings.seed)

    max_ply = MAX_PLIES + 1 if make_adviser(model).has_chances else 1
    engine = UbgiEngine(make, EngineSettings(max_ply=max_ply), "the pairgammon project")
    for line in read_lines(sys.stdin.buffer):
        for answer in engine.answer(line):
            sys.stdout.write(answer + "\n")
        sys.stdout.flush()
        if engine.is_finished:
            return
