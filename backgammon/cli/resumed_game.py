"""A game of `play` that goes on where a saved one stood, such as one of the board in the browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from backgammon.cli.depth import Depth
from backgammon.cli.group import describe_os_error
from backgammon.cli.screen import say
from backgammon.evaluation.strengths import FULL, LEVEL_NAMES
from backgammon.records import read_records
from backgammon.records.formats.registry import WRITABLE, Format
from backgammon.records.record.source import MAX_BYTES
from backgammon.table.record_session import session_of_record
from backgammon.table.saved_session import SavedSession, open_session
from backgammon.table.session import Session
from backgammon.tools.errors import ConfigError, RecordError
from backgammon.tools.folders import data_folder
from backgammon.tools.storage import read_bounded, replace_file


class ResumedGame:
    """A saved session with the file that it is saved in after every play.

    A match of another program, or one that `play` has saved as .mat, .sgf or .jsonl, goes on where its last game
    stands; its file is written anew with what is added. A disk that refuses the file costs a warning, not the game.
    """

    def __init__(self, name: str, given: Mapping[str, object], seed: int) -> None:
        """Open it.

        Args:
            name: a file, or the name of a game that `pairgammon web` has saved.
            given: other options by name, with what was given for them; a saved game has its own.
            seed: of the dice to come in a match whose file does not tell one.

        Raises:
            ConfigError: there is no such game, or an option that contradicts it.
            RecordError: the file cannot be used.
        """
        wrong = [option for option, value in given.items() if value]
        if wrong:
            raise ConfigError(f"a saved game goes on under its own rules: leave out {', '.join(wrong)}")
        folder = data_folder()
        saved = [] if folder is None else [folder / "games" / f"{name}.json"]
        found = next((path for path in (Path(name), *saved) if path.is_file()), None)
        if found is None:
            raise ConfigError(f"{name}: no such file, and no game of that name among those that `web` has saved")
        self.path = found
        self._format = _format_of(found)
        self.session: SavedSession = open_session(found) if self._format is None else _open_match(found, seed)
        if self.session.is_over:
            raise ConfigError(f"{found}: that match is over")
        self.is_written = False
        self.is_refused = False

    def opponent_of(self, level: str, depth: Depth) -> tuple[str, Depth]:
        """Level and depth that the saved game was played at, where no others are asked for."""
        settings = self.session.about.get("settings")
        if not isinstance(settings, dict) or level != FULL or depth.is_given:
            return level, depth
        saved, plies = settings.get("level"), settings.get("plies")
        if saved in LEVEL_NAMES and saved != FULL:
            return str(saved), depth
        return level, replace(depth, plies=plies) if isinstance(plies, int) and 0 < plies <= 3 else depth

    def save(self, _: Session) -> None:
        """Write everything so far."""
        if self.is_refused:
            return
        try:
            if self._format is None or self._format.write is None:
                self.session.save(self.path)
            else:
                replace_file(self.path, self._format.write(self.session.record()).encode())
            self.is_written = True
        except OSError as error:
            self.is_refused = True
            say(f"cannot save: {describe_os_error(error)}; the game goes on", err=True)


def _format_of(path: Path) -> Format | None:
    """The format of a match that can be written again; None for a saved session."""
    if path.suffix.lower() == ".json":
        return None
    suffixes = {suffix: entry for entry in WRITABLE for suffix in entry.suffixes}
    if path.suffix.lower() not in suffixes:
        known = ", ".join(sorted(suffixes))
        raise ConfigError(f"{path}: a match to go on with is a {known} or .json file; `pairgammon convert` makes one")
    return suffixes[path.suffix.lower()]


def _open_match(path: Path, seed: int) -> SavedSession:
    """The last match of a file.

    Raises:
        RecordError: it cannot go on.
    """
    matches = read_records(read_bounded(path, MAX_BYTES), path.name)
    if len(matches) != 1:
        raise RecordError(f"{path}: {len(matches)} matches are in it; give a file with one")
    try:
        return session_of_record(matches[0], seed)
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
