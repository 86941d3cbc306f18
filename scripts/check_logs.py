"""Read logs, print the account of the reading, and check that writing them and reading them again changes nothing.

    python scripts/check_logs.py data/logs FOLDER_OR_FILE ...

Exit code 1 when a roll was lost, a round trip differs, or nothing could be read.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from backgammon.errors import RecordError
from backgammon.records import MatchRecord, ReplayedMatch, read_logs, replay_match, write_mat
from backgammon.records.mat import read


def differs_after_round_trip(record: MatchRecord, match: ReplayedMatch) -> bool:
    """True when the record, written as .mat and read again, has other entries or gives other plays."""
    (again,) = read(write_mat(record).encode())
    same_entries = [game.actions for game in again.games] == [game.actions for game in record.games]
    return not same_entries or replay_match(again).identity != match.identity


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
    with_copies = read_logs([path], drop_duplicates=False)
    num_different = sum(differs_after_round_trip(record, match) for record, match in with_copies.matches())
    print(f"round trip: {with_copies.report.num_matches:,} matches, copies included, {num_different} differ\n")
    return not num_different and not reading.report.num_lost_rolls and num_plays > 0


def main() -> int:
    """Command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, help="files or folders, each with an account of its own")
    parser.add_argument("--entries", type=int, default=20, help="lines of each list that are printed")
    arguments = parser.parse_args()
    try:
        results = [check(path, arguments.entries) for path in arguments.paths]
    except RecordError as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
