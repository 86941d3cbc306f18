"""The command line `pairgammon`: parse, call, print.

Every command lives in a module of its own that is imported when the command is used, and imports what it needs inside
the command. So `pairgammon --help` answers at once, and only `train` ever loads torch.
"""

from __future__ import annotations

import click

from comparison_net.cli.group import LazyGroup

COMMANDS: dict[str, str] = {
    "train": "comparison_net.cli.train",
    "evaluate": "comparison_net.cli.evaluate",
    "inspect": "comparison_net.cli.inspect",
    "rank": "comparison_net.cli.rank",
    "label": "comparison_net.cli.label",
    "decisions": "comparison_net.cli.decisions",
    "play": "comparison_net.cli.play",
    "hint": "comparison_net.cli.hint",
    "duel": "comparison_net.cli.duel",
    "analyse": "comparison_net.cli.analyse",
    "convert": "comparison_net.cli.convert",
    "bearoff": "comparison_net.cli.bearoff",
    "ids": "comparison_net.cli.ids",
    "serve-gnubg": "comparison_net.cli.serve_gnubg",
    "ubgi": "comparison_net.cli.ubgi",
    "serve-http": "comparison_net.cli.serve_http",
    "doctor": "comparison_net.cli.doctor",
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
