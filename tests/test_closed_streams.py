"""Standard streams that are closed, full or gone: one line at most, no traceback, and no file written by mistake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.logs import DIALECTS, as_match, random_game, write_rows

START = "4HPwATDgc/ABMA"
CLOSINGS = ("<&-", ">&-", "2>&-", "<&- >&- 2>&-")


def shell(command: str, redirection: str, folder: Path) -> subprocess.CompletedProcess[str]:
    line = f"set -o pipefail; {sys.executable} -m backgammon {command} {redirection}"
    return subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("streams")
    (place / "match.mat").write_text(as_match(write_rows(random_game(4), DIALECTS["XG"]), 7))
    return place


@pytest.mark.skipif(sys.platform == "win32", reason="streams are closed by a POSIX shell")
@pytest.mark.parametrize(
    ("command", "redirection"),
    [
        *(("decisions match.mat", closing) for closing in CLOSINGS),
        (f"ids {START}", ">&-"),
        ("rank", "<&-"),
        ("rank", "<&- >&- 2>&-"),
    ],
)
def test_a_closed_stream_reads_and_writes_nothing(command: str, redirection: str, folder: Path) -> None:
    done = shell(command, redirection, folder)
    assert done.returncode == 0
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception ignored" not in done.stderr
    assert len(done.stderr.splitlines()) <= 6  # an error or a report
    assert [path.name for path in folder.iterdir()] == ["match.mat"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is needed")
@pytest.mark.parametrize(
    ("command", "redirection", "code", "said"),
    [
        ("decisions match.mat", "| head -1", 141, ""),
        ("decisions match.mat", "> /dev/full", 1, "error: No space left on device\n"),
        (f"ids {START}", "> /dev/full", 1, "error: No space left on device\n"),
    ],
)
def test_a_stream_that_fails_is_one_line(command: str, redirection: str, code: int, said: str, folder: Path) -> None:
    done = shell(command, redirection, folder)
    assert (done.returncode, done.stderr) == (code, said) or (code == 141 and done.returncode in (0, 141))
