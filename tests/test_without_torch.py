"""torch is for who trains: without it everything at play time works, and what trains says in one line what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

START = "4HPwATDgc/ABMA"
LINE = '{"id": "4HPwATDgc/ABMA", "dice": [3, 1]}\n'


def run_without(*arguments: str, library: str = "torch", text: str = "") -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.modules['{library}'] = None; from backgammon.cli import main; main(prog_name='pairgammon')"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [("hint", START, "--dice", "31"), ("rank",), ("doctor",), ("train", "--settings")])
def test_play_needs_no_torch(command: tuple[str, ...]) -> None:
    done = run_without(*command, text=LINE)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_train_says_which_extra_it_needs(tmp_path: Path) -> None:
    done = run_without("train", "data/logs/held-out", "--out", str(tmp_path / "run"))
    assert done.returncode == 1
    assert done.stderr == "error: this needs torch, which is not installed: pip install 'pairgammon[train]'\n"
    assert not (tmp_path / "run").exists()


def test_coach_says_it_before_it_reads_anything(tmp_path: Path) -> None:
    done = run_without("coach", "data/logs/held-out", "--player", "gnubg", "--out", str(tmp_path / "coach"))
    assert done.returncode == 1
    assert "pairgammon[train]" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "coach").exists()
