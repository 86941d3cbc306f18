"""Compare files of the same match in several formats: positions, dice, plays and results must be identical.

    python -m scripts.check_formats FOLDER ...

Files of a folder that have a name in common (`match.xg`, `match.sgf`, `match_snowie.txt`) are taken for the same match;
a file with fewer games is compared in the games that it has. Copies in the same format are compared as well. Files
that are no logs of a match are left out. Exit code 1 on any difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import numpy as np

from backgammon.records import ReplayedGame, read_logs
from backgammon.tools.errors import RecordError
from scripts.program import program

ENDINGS = ("_snowie", "_statistics", "_game1_analysis")
"""What may stand behind the common name."""


@dataclass(frozen=True)
class Story:
    """What a file says of a match, seats counted from the first to move.

    Attributes:
        file: its name.
        format: its format.
        games: of each game: (positions, dice, positions after the plays, movers, winner, size).
        num_plays: of all games.
    """

    file: str
    format: str
    games: tuple[tuple[bytes, bytes, bytes, bytes, int | None, int], ...]
    num_plays: int


def tell(path: Path) -> Story | None:
    """The story of a file; None when it is no log of a match."""
    reading = read_logs([path], drop_duplicates=False)
    games = [game for game in reading if len(game)]
    if not games or not reading.report.num_matches:
        return None
    first = int(games[0].seats[0])
    (form,) = reading.report.formats
    return Story(path.name, form, tuple(_tell_game(game, first) for game in games), sum(map(len, games)))


def _tell_game(game: ReplayedGame, first: int) -> tuple[bytes, bytes, bytes, bytes, int | None, int]:
    winner = None if game.winner is None else game.winner ^ first
    movers = np.asarray(game.seats ^ first, dtype=np.int8)
    arrays = (game.plays.boards, game.plays.dice, game.plays.afters, movers)
    boards, dice, afters, seats = (np.ascontiguousarray(array).tobytes() for array in arrays)
    return boards, dice, afters, seats, winner, game.size


def compare(one: Story, other: Story) -> list[str]:
    """What differs between two files of a match; of one that holds fewer games or plays only those are compared."""
    if other.num_plays < one.num_plays:
        one, other = other, one
    if len(one.games) != len(other.games):
        return [] if set(one.games) <= set(other.games) else [f"{len(one.games)} and {len(other.games)} games"]
    names = ("positions", "dice", "plays", "movers", "winner", "size")
    return [
        f"game {number}: {name}"
        for number, (a, b) in enumerate(zip(one.games, other.games, strict=True), start=1)
        for name, x, y in zip(names, a, b, strict=True)
        if x != y
    ]


def group(folder: Path) -> dict[str, list[Path]]:
    """Files of a folder by what their names have in common."""
    groups: dict[str, list[Path]] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        stem = path.stem
        for ending in ENDINGS:
            stem = stem.removesuffix(ending)
        groups.setdefault(stem, []).append(path)
    return {stem: paths for stem, paths in groups.items() if len(paths) > 1}


def check(folder: Path) -> bool:
    """Print what became of each group of a folder; True when nothing differs."""
    is_good = True
    for stem, paths in group(folder).items():
        stories = []
        for path in paths:
            try:
                story = tell(path)
            except RecordError:
                story = None
            if story is not None:
                stories.append(story)
        if len(stories) < 2:
            continue
        shown = ", ".join(f"{s.file} ({s.format}, {len(s.games)} games, {s.num_plays} plays)" for s in stories)
        print(f"{folder / stem}: {shown}")
        for one, other in pairwise(stories):
            differences = compare(one, other)
            is_good &= not differences
            verdict = "; ".join(differences[:5]) if differences else "identical"
            print(f"  {one.file} = {other.file}: {verdict}")
    return is_good


@program(__doc__)
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.pass_context
def main(ctx: click.Context, folders: tuple[Path, ...]) -> None:
    """Compare all; exit code 1 on a difference."""
    results = [check(folder) for folder in folders]
    ctx.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
