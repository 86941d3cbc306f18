"""Read logs, print the account of the reading, and check that writing them in every format and reading them again loses
nothing that the format can hold.

    python -m scripts.check_logs data/logs FOLDER_OR_FILE ... [--made 1000]

With --made also so many matches to 1 to 9 points that simple players play here. Exit code 1 when a roll was lost, a
round trip loses something, or nothing could be read.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import click

from backgammon.evaluation.player import PipCountPlayer, RandomPlayer
from backgammon.records import MatchRecord, ReplayedMatch, labelled_decisions, read_logs, read_records
from backgammon.records.formats.registry import WRITABLE
from backgammon.records.replay.rewriting_losses import find_losses
from backgammon.table.session import Session, play_session
from backgammon.tools.errors import RecordError
from scripts.program import program


class RoundTrips:
    """What became of matches that were written and read again, by format."""

    def __init__(self) -> None:
        self.num_matches: Counter[str] = Counter()
        self.num_refused: Counter[str] = Counter()
        self.expected: dict[str, Counter[str]] = {entry.name: Counter() for entry in WRITABLE}
        self.lost: dict[str, Counter[str]] = {entry.name: Counter() for entry in WRITABLE}

    def take_in(self, match: MatchRecord) -> None:
        """Write a match in every format and compare what comes back."""
        for entry in WRITABLE:
            assert entry.write is not None
            try:
                text = entry.write(match)
            except RecordError:
                self.num_refused[entry.name] += 1
                continue
            again = read_records(text.encode(), match.file)
            losses = find_losses(match, again[0]) if len(again) == 1 else {"games"}
            if entry.name == "jsonl" and again != [match]:
                losses.add("equality")
            self.num_matches[entry.name] += 1
            self.expected[entry.name].update(losses & entry.cannot_hold)
            self.lost[entry.name].update(losses - entry.cannot_hold)

    @property
    def num_lost(self) -> int:
        """Losses of what the formats can hold."""
        return sum(sum(lost.values()) for lost in self.lost.values())

    def render(self) -> str:
        """A line for each format."""
        lines = []
        for entry in WRITABLE:
            name = entry.name
            refused = f", {self.num_refused[name]:,} that it cannot hold" if self.num_refused[name] else ""
            expected = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.expected[name].items()))
            lost = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.lost[name].items()))
            line = f"round trip {name}: {self.num_matches[name]:,} matches, copies included{refused}"
            lines.append(f"{line}; lost: {lost or 'nothing'}" + (f" (it cannot hold: {expected})" if expected else ""))
        return "\n".join(lines)


def count_analysis(record: MatchRecord, match: ReplayedMatch, counts: Counter[str]) -> None:
    """Count what other programs wrote about the decisions of a match."""
    for game, replayed in zip(record.games, match.games, strict=True):
        counts["analysed rolls"] += sum(1 for a in game.actions if a.notes is not None and a.notes.plays is not None)
        counts["analysed cube decisions"] += sum(
            1 for a in game.actions if a.notes is not None and a.notes.cube is not None
        )
        counts["comments"] += sum(1 for a in game.actions if a.notes is not None and a.notes.comment)
        for label in labelled_decisions(game, replayed):
            counts["labelled decisions"] += 1
            counts["labelled candidates"] += len(label.rows)
            counts["plays among them"] += label.decision.chosen in label.rows


def check(path: Path, max_entries: int) -> bool:
    """Print the account of one path; True when nothing is amiss."""
    reading = read_logs([path])
    for _ in reading:  # compiles the kernels and warms the disk cache, so that the time below is of reading alone
        pass
    start = time.process_time()
    num_games = sum(1 for _ in reading)
    seconds = time.process_time() - start
    num_plays = reading.report.num_plays
    print(f"== {path}")
    print(reading.report.render(max_entries))
    print(f"{seconds:.2f} s of one core: {num_games / seconds:,.0f} games/s, {num_plays / seconds:,.0f} plays/s")
    trips, counts = RoundTrips(), Counter[str]()
    for record, match in read_logs([path], drop_duplicates=False).matches():
        trips.take_in(record)
        count_analysis(record, match, counts)
    if any(counts.values()):
        print("analysis: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    print(trips.render() + "\n")
    return not trips.num_lost and not reading.report.num_lost_rolls and num_plays > 0


def check_made(num_matches: int) -> bool:
    """Print what becomes of matches that are played here; True when nothing is lost."""
    trips = RoundTrips()
    players = PipCountPlayer(), RandomPlayer()
    for seed in range(num_matches):
        session = Session(("pip counter", "random player"), seed, length=1 + seed % 9)
        trips.take_in(play_session(players, session))
    print(f"== {num_matches:,} matches played here\n{trips.render()}\n")
    return not trips.num_lost


@program(__doc__)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--made", default=0, metavar="N", help="Also N matches that are played here.")
@click.option("--entries", default=20, show_default=True, help="Lines of each list that are printed.")
@click.pass_context
def main(ctx: click.Context, paths: tuple[Path, ...], made: int, entries: int) -> None:
    """Print an account of each file or folder; exit code 1 when something was lost."""
    results = [check(path, entries) for path in paths]
    if made:
        results.append(check_made(made))
    ctx.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
