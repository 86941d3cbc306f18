"""`pairgammon coach`: what one player prefers, and where that is not what others prefer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backgammon.cli.group import ExampleCommand
from backgammon.cli.screen import say

if TYPE_CHECKING:
    from backgammon.learner.coach.people_model import PeopleModel

PLAYER_FILE, PAGE_FILE, VALUES_FILE = "player.safetensors", "report.html", "report.json"


@click.command(
    cls=ExampleCommand,
    short_help="Learn one player from his matches, and say what sets him apart.",
    examples=(
        ("pairgammon coach matches/ --player Ann --out ann", "Ann's habits, against people of equal strength"),
        ("pairgammon play --as ann/player.safetensors", "play against somebody who chooses like Ann"),
        ("pairgammon coach matches/ --people others/ --player Ann --out ann", "people learnt from logs, Ann left out"),
    ),
)
@click.argument("logs", nargs=-1, required=True)
@click.option("--player", required=True, help="The name as it stands in the logs; capitals do not matter.")
@click.option(
    "--people",
    multiple=True,
    metavar="MODEL_OR_LOGS",
    help="A model of people, or logs to learn one from, the player's own plays left out.  "
    "[default: the model that ships with the package]",
)
@click.option("--out", required=True, metavar="DIR", help="Folder for the model and the report; it is made.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of the training.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def command(logs: tuple[str, ...], player: str, people: tuple[str, ...], out: str, seed: int, as_json: bool) -> None:
    """Learn a player's preferences from LOGS, on top of a model of people.

    The model of people knows how choices change with strength, so what is left is the player's own: it says where he
    parts from people of equal strength and from the engine, by phase, by score and by named pattern, with 95 %
    intervals by match. How well his model foresees him is measured on matches that it has not seen. DIR gets
    player.safetensors, for `play --as`, report.html with his most typical plays, and report.json.

    With fewer than 1,500 unforced plays only the sharpness of his choices is learnt. Needs the extra [train].
    """
    from backgammon.cli.screen import show_byte_progress, show_progress
    from backgammon.learner.coach.coach_page import coach_values, render_coach_page, render_coach_text
    from backgammon.learner.coach.play_table import read_plays
    from backgammon.learner.coach.study import NUM_FOLDS, study_player
    from backgammon.learner.net.scorer import load_scorer
    from backgammon.tools.storage import replace_file

    with show_byte_progress("reading") as advance:
        table = read_plays(logs, load_scorer(), advance)
    table.of_player(player)  # a wrong name is said before minutes of work
    model = _find_people(people, player, seed)
    with show_progress("learning", NUM_FOLDS + 1) as reached:
        study = study_player(table, player, model, seed, lambda done, _: reached(done))
    folder = Path(out)
    study.model.save(folder / PLAYER_FILE)
    values = coach_values(study)
    replace_file(folder / PAGE_FILE, render_coach_page(study).encode())
    replace_file(folder / VALUES_FILE, (json.dumps(values, indent=1) + "\n").encode())
    say(json.dumps(values) if as_json else render_coach_text(study))
    say(f"\n{folder / PLAYER_FILE}, {folder / PAGE_FILE}", err=True)


def _find_people(sources: tuple[str, ...], player: str, seed: int) -> PeopleModel:
    """The model of people: the one that ships, the one in a file, or one learnt from logs without the player."""
    from backgammon.cli.screen import show_byte_progress, show_progress
    from backgammon.learner.coach.people_model import load_people, shipped_people
    from backgammon.learner.coach.play_table import read_plays
    from backgammon.learner.coach.study import learn_people
    from backgammon.learner.net.scorer import load_scorer
    from backgammon.tools.errors import DataError

    if not sources:
        return shipped_people()
    if len(sources) == 1 and sources[0].endswith(".safetensors"):
        return load_people(Path(sources[0]))
    with show_byte_progress("reading people") as advance:
        table = read_plays(sources, load_scorer(), advance)
    try:
        is_other = ~table.of_player(player)
    except DataError:
        is_other = table.player >= 0
    with show_progress("learning people", 1.0) as reached:
        return learn_people(table, is_other, seed, lambda done, total: reached(done / total))
