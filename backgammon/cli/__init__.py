"""The command line `pairgammon`: parse, call, print.

Every command lives in a module of its own that is imported when the command is used, and imports what it needs inside
the command. So `pairgammon --help` answers at once, and only `train` ever loads torch.
"""

from __future__ import annotations

import click

from backgammon.cli.group import LazyGroup

COMMANDS: dict[str, str] = {
    "train": "backgammon.cli.train",
    "evaluate": "backgammon.cli.evaluate",
    "inspect": "backgammon.cli.inspect",
    "rank": "backgammon.cli.rank",
    "label": "backgammon.cli.label",
    "self-play": "backgammon.cli.run_self_play",
    "improve": "backgammon.cli.improve",
    "decisions": "backgammon.cli.list_decisions",
    "play": "backgammon.cli.play",
    "web": "backgammon.cli.web",
    "hint": "backgammon.cli.hint",
    "duel": "backgammon.cli.run_duel",
    "analyse": "backgammon.cli.analyse",
    "coach": "backgammon.cli.coach",
    "convert": "backgammon.cli.convert",
    "bearoff": "backgammon.cli.bearoff",
    "ids": "backgammon.cli.ids",
    "serve-gnubg": "backgammon.cli.serve_gnubg",
    "ubgi": "backgammon.cli.ubgi",
    "serve-http": "backgammon.cli.serve_http",
    "doctor": "backgammon.cli.doctor",
}
"""Module of each command, in the order of the help; each module has one Click command called `command`."""


@click.group(
    cls=LazyGroup,
    modules=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="pairgammon", prog_name="pairgammon")
def main() -> None:
    """Learn to choose backgammon plays from expert logs, by comparison, and play against the result.

    Every command has its own help with an example: pairgammon COMMAND --help.

    Start with `pairgammon play`: a game against the model that ships with the package.
    """


__all__ = ["COMMANDS", "main"]
