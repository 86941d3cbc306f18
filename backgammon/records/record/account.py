"""The account of what was read: every file, match, game and roll, and why anything was left out.

Every roll of every game that counts is in exactly one of: plays, dances, rolls without a play, lost rolls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from backgammon.tools.errors import RecordError
from backgammon.tools.quoting import one_line

MAX_LISTED = 1_000
"""Entries that each list of a report keeps; beyond them only the counts go on."""


@dataclass(frozen=True)
class Problem:
    """One thing that could not be used, or that looks wrong.

    Attributes:
        file: as named by the user, with the member of an archive behind it.
        line: of the file, from 1; 0 when it has none.
        game: counted from 1 in the file; 0 when it concerns no game.
        row: number at the head of the row, 0 without one.
        text: what is written there.
        reason: what is wrong with it, and what that costs.
        num_lost: rolls that could not be used because of it, itself included.
    """

    file: str
    line: int
    game: int
    row: int
    text: str
    reason: str
    num_lost: int = 0

    def __str__(self) -> str:
        place = f"{one_line(self.file)}:{self.line}"
        place += f": game {self.game}" if self.game else ""
        place += f", row {self.row}" if self.row else ""
        quoted = f" '{one_line(self.text)}'" if self.text else ""
        lost = f" ({self.num_lost} rolls lost)" if self.num_lost else ""
        return f"{place}:{quoted} {self.reason}{lost}"


@dataclass(frozen=True)
class RejectedFile:
    """A file from which nothing could be read."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{one_line(self.file)}: {self.reason}"


@dataclass(frozen=True)
class DuplicateMatch:
    """A match that had been read before, play for play."""

    file: str
    line: int
    first_file: str
    num_plays: int

    def __str__(self) -> str:
        return f"{one_line(self.file)}:{self.line}: the same {self.num_plays} plays as in {one_line(self.first_file)}"


@dataclass
class ReadReport:
    """What a reading has met so far; filled while games are taken from it.

    Attributes:
        num_files: files (or members of archives) that hold a log.
        num_matches: matches and sessions, duplicates apart.
        num_games: games of those matches.
        num_damaged_games: games of which a part was lost.
        num_empty_games: games without a single roll.
        num_rolls: all rolls = plays + dances + rolls without a play + lost rolls.
        num_plays: plays that became decisions, the forced ones included.
        num_forced: plays without a choice.
        num_dances: rolls that allowed no play.
        num_unplayed: rolls that were not played though they could have been: the game was given up.
        num_lost_rolls: rolls of damaged games from the first unusable entry on.
        num_rejected: entries of `rejected`, those beyond MAX_LISTED included; likewise the next two.
        num_duplicates: of `duplicates`.
        num_warnings: of `warnings`.
        endings: games by how they ended: "borne off", "drop", "resigned", "unknown".
        encodings: files by encoding.
        formats: files by the name of their format, see `formats.FORMATS`.
        rejected: files from which nothing could be read.
        duplicates: matches that were left out because they had been read before.
        skipped: where damaged games break, and why.
        warnings: things that look wrong but cost nothing.
    """

    num_files: int = 0
    num_matches: int = 0
    num_games: int = 0
    num_damaged_games: int = 0
    num_empty_games: int = 0
    num_rolls: int = 0
    num_plays: int = 0
    num_forced: int = 0
    num_dances: int = 0
    num_unplayed: int = 0
    num_lost_rolls: int = 0
    num_rejected: int = 0
    num_duplicates: int = 0
    num_warnings: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    encodings: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    rejected: list[RejectedFile] = field(default_factory=list)
    duplicates: list[DuplicateMatch] = field(default_factory=list)
    skipped: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def num_unforced(self) -> int:
        """Plays with a choice: what a learner learns from."""
        return self.num_plays - self.num_forced

    def reject(self, file: str, reason: str) -> None:
        """Count a file from which nothing could be read."""
        self.num_rejected += 1
        if len(self.rejected) < MAX_LISTED:
            self.rejected.append(RejectedFile(file, reason))

    def add_duplicate(self, duplicate: DuplicateMatch) -> None:
        """Count a match that is left out because it had been read before."""
        self.num_duplicates += 1
        if len(self.duplicates) < MAX_LISTED:
            self.duplicates.append(duplicate)

    def add_skip(self, problem: Problem) -> None:
        """Count a game that breaks off here."""
        self.num_damaged_games += 1
        self.num_lost_rolls += problem.num_lost
        if len(self.skipped) < MAX_LISTED:
            self.skipped.append(problem)

    def add_warning(self, problem: Problem) -> None:
        """Count something that looks wrong but costs nothing."""
        self.num_warnings += 1
        if len(self.warnings) < MAX_LISTED:
            self.warnings.append(problem)

    def check(self) -> None:
        """Refuse a reading that gave nothing.

        Raises:
            RecordError: no play could be used, with the first reason.
        """
        if self.num_plays:
            return
        reasons = [*self.rejected, *self.skipped]
        first = f": {reasons[0]}" if reasons else ""
        if self.num_unplayed and not reasons:
            raise RecordError(
                f"no play could be read: {self.num_unplayed} rolls that nobody played; `pairgammon hint` judges "
                "a position, `pairgammon train --loss soft` learns from what a program wrote about them"
            )
        raise RecordError(
            f"no play could be read{first} ({self.num_files} logs, {self.num_rejected} files refused); "
            "give match logs, folders of them, or .gz, .xz and .zip files that hold them"
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers, texts, lists and dicts, ready for JSON."""
        plain = asdict(self)
        plain["endings"] = dict(sorted(self.endings.items()))
        plain["encodings"] = dict(sorted(self.encodings.items()))
        plain["formats"] = dict(sorted(self.formats.items()))
        plain["num_unforced"] = self.num_unforced
        return plain

    def render(self, max_entries: int = 20) -> str:
        """The account as text; of every list at most `max_entries` lines."""
        return "\n".join(self._lines(max_entries))

    def _lines(self, max_entries: int) -> Iterator[str]:
        yield f"{self.num_files:,} logs with {self.num_matches:,} matches and {self.num_games:,} games"
        yield (
            f"{self.num_rolls:,} rolls: {self.num_plays:,} plays ({self.num_unforced:,} with a choice, "
            f"{self.num_forced:,} forced), {self.num_dances:,} dances, {self.num_unplayed:,} not played, "
            f"{self.num_lost_rolls:,} lost"
        )
        if self.endings:
            yield "games ended: " + ", ".join(f"{name} {count:,}" for name, count in self.endings.most_common())
        if set(self.formats) - {"mat"}:
            yield "formats: " + ", ".join(f"{name} {count:,}" for name, count in self.formats.most_common())
        others = {name: count for name, count in self.encodings.items() if not name.startswith("utf-8")}
        if others:
            yield "not UTF-8: " + ", ".join(f"{name} {count:,}" for name, count in sorted(others.items()))
        yield from _list("files refused", self.num_rejected, self.rejected, max_entries)
        yield from _list("duplicate matches left out", self.num_duplicates, self.duplicates, max_entries)
        yield from _list("games that break off", self.num_damaged_games, self.skipped, max_entries)
        yield from _list("warnings", self.num_warnings, self.warnings, max_entries)


def _list(title: str, count: int, entries: list[Any], max_entries: int) -> Iterator[str]:
    """A title with its count, and the first entries below it; nothing when there are none."""
    if not count:
        return
    yield f"{title}: {count:,}"
    yield from (f"  {entry}" for entry in entries[:max_entries])
    if count > max_entries:
        yield f"  ... and {count - max_entries:,} more"
