"""A game of `play` that goes on where a saved one stood, such as one of the board in the browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from backgammon.cli.depth import Depth
from backgammon.cli.group import describe_os_error
from backgammon.cli.screen import say
from backgammon.evaluation.strengths import FULL, LEVEL_NAMES
from backgammon.table.saved_session import SavedSession, open_session
from backgammon.table.session import Session
from backgammon.tools.errors import ConfigError
from backgammon.tools.folders import data_folder


class ResumedGame:
    """A saved session with the file that it is saved in after every play.

    A disk that refuses the file costs a warning, not the game.
    """

    def __init__(self, name: str, given: Mapping[str, object]) -> None:
        """Open it.

        Args:
            name: a file, or the name of a game that `pairgammon web` has saved.
            given: other options by name, with what was given for them; a saved game has its own.

        Raises:
            ConfigError: there is no such game, or an option that contradicts it.
            RecordError: the file cannot be used.
        """
        wrong = [option for option, value in given.items() if value]
        if wrong:
            raise ConfigError(f"--resume goes on under the rules of the saved game: leave out {', '.join(wrong)}")
        folder = data_folder()
        saved = [] if folder is None else [folder / "games" / f"{name}.json"]
        found = next((path for path in (Path(name), *saved) if path.is_file()), None)
        if found is None:
            raise ConfigError(f"{name}: no such file, and no game of that name among those that `web` has saved")
        self.path = found
        self.session: SavedSession = open_session(found)
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
            self.session.save(self.path)
            self.is_written = True
        except OSError as error:
            self.is_refused = True
            say(f"cannot save: {describe_os_error(error)}; the game goes on", err=True)
