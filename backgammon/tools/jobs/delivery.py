"""What units make together: a file or folder that appears whole, and what lies beside it until then.

The results of the units lie in the folder OUT.parts, and so does the draft of OUT, which is moved to its place at the
end. A run that was killed at any moment goes on when it is started again: while units are missing with those, else with
the draft, and where only the tidying was left, with that. Nothing stays behind but OUT.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from backgammon.tools.errors import DataError
from backgammon.tools.jobs.result_store import ResultStore
from backgammon.tools.storage import read_bounded, replace_file

_MARK = "delivered"
_MAX_MARK = 1 << 16


def parts_folder(out: Path) -> Path:
    """Where the results of units lie that will make up the file or folder `out`, until it is there."""
    return out.with_name(f"{out.name}.parts")


def is_finished(out: Path) -> bool:
    """True where a file or folder is there that was made whole, and tidied up after."""
    return out.exists() and not parts_folder(out).exists()


class Delivery:
    """One file or folder in the making."""

    def __init__(self, out: Path, work: str, replaces: bool = False) -> None:
        """Begin, or go on.

        Args:
            out: what is to be made.
            work: names everything that it depends on, see `work_unit.name_of`.
            replaces: an older `out` gives way; else it is refused.

        Raises:
            DataError: `out` is there and was not made by this very work.
        """
        self.out = out
        self._work = work
        self._folder = parts_folder(out)
        self.store = ResultStore(self._folder)
        self.is_done = self._was_delivered()
        if out.exists() and not replaces and not self.is_done:
            raise DataError(f"{out}: exists already; give another name or remove it")

    @property
    def draft(self) -> Path:
        """Where to write what will become `out`; what an interrupted run has left there is gone."""
        draft = self._folder / f"draft{''.join(self.out.suffixes)}"
        if draft.is_dir():
            shutil.rmtree(draft)
        else:
            draft.unlink(missing_ok=True)
            self._folder.mkdir(parents=True, exist_ok=True)
        return draft

    def finish(self, draft: Path) -> None:
        """Move the draft to its place and tidy up.

        Raises:
            OSError: it cannot be moved.
        """
        replace_file(self._folder / _MARK, self._work.encode())
        draft.replace(self.out)
        self._tidy()

    def _was_delivered(self) -> bool:
        """True where an earlier run of the same work has been killed in the middle of `finish`."""
        try:
            is_same = read_bounded(self._folder / _MARK, _MAX_MARK) == self._work.encode()
        except OSError:
            return False
        has_draft = any(self._folder.glob("draft*"))
        if not is_same or has_draft or not self.out.exists():
            (self._folder / _MARK).unlink()
            return False
        self._tidy()
        return True

    def _tidy(self) -> None:
        """Remove the folder, the mark last."""
        for path in self._folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _MARK:
                path.unlink()
        shutil.rmtree(self._folder)
