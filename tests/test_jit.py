"""Compiled kernels are kept, and never stale: an edit of any kernel source changes the folder they are kept in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backgammon.tools import jit

ROOT = Path(__file__).resolve().parent.parent

PROBE = """
from backgammon.tools.jit import CACHE_DIRECTORY, DISABLED
from backgammon.rules.phase import phase_name
from backgammon.rules.board import START
print(phase_name(START), CACHE_DIRECTORY, DISABLED)
"""


def run_probe(root: Path, **environment: str) -> tuple[str, str, str]:
    env = {**os.environ, **environment, "PYTHONPATH": str(root), "PYTHONWARNINGS": "default"}
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, cwd=root, env=env)
    name, directory, disabled = done.stdout.split()
    return name, directory, disabled + done.stderr


def test_no_stale_kernel_after_an_edit_in_another_file(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "backgammon", tree / "backgammon", ignore=shutil.ignore_patterns("__pycache__"))
    cache = str(tmp_path / "cache")
    first = run_probe(tree, NUMBA_CACHE_DIR=cache)
    assert first[0] == "other"
    phase = tree / "backgammon" / "rules" / "phase.py"
    phase.write_text(phase.read_text().replace("return OTHER", "return RACE"))
    second = run_probe(tree, NUMBA_CACHE_DIR=cache)
    assert second[0] == "race"
    assert second[1] != first[1]


def test_without_a_writable_folder_kernels_still_run_and_a_warning_says_why(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    name, directory, rest = run_probe(ROOT, NUMBA_CACHE_DIR=str(blocked))
    assert (name, directory) == ("other", "None")
    assert "NUMBA_CACHE_DIR" in rest


def test_kernels_run_as_plain_python_when_compilation_is_disabled() -> None:
    name, directory, rest = run_probe(ROOT, NUMBA_DISABLE_JIT="1")
    assert (name, directory, rest.split()[0]) == ("other", "None", "True")


@pytest.mark.skipif(jit.DISABLED, reason="kernels are not compiled")
def test_every_kernel_source_counts_in_the_key() -> None:
    names = {path.name for path in jit.kernel_sources()}
    assert {"jit.py", "movegen.py", "phase.py"} <= names
