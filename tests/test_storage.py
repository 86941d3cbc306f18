"""Files and folders appear whole, and what a killed process has left goes when the name is written again."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backgammon.tools.storage import new_folder, replace_file, sweep
from comparison_net.config import TrainConfig
from comparison_net.domain import feature_domain
from comparison_net.tools import ConfigError
from comparison_net.training.run_folder import RunFolder

DIES = """
import os, signal, sys
from pathlib import Path
from backgammon.tools import storage
path = Path(sys.argv[1])
if sys.argv[2] == "file":
    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)
    storage._write = die
    storage.replace_file(path, b"new")
with storage.new_folder(path) as folder:
    (folder / "one").write_bytes(b"new")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def fill(path: Path) -> None:
    with new_folder(path) as folder:
        (folder / "one").write_bytes(b"whole")


def write(path: Path) -> None:
    replace_file(path, b"who", b"le")


MAKERS = pytest.mark.parametrize(("kind", "make"), [("file", write), ("folder", fill)])


@MAKERS
def test_what_a_killed_process_has_left_goes(kind: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "what[1].ever"
    killed = subprocess.run([sys.executable, "-c", DIES, str(path), kind], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".what[1].ever.partial-")
    make(path)
    assert [one.name for one in tmp_path.iterdir()] == ["what[1].ever"]
    assert (path / "one" if kind == "folder" else path).read_bytes() == b"whole"


def test_what_somebody_is_still_making_stays(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with new_folder(path) as folder:
        sweep(path)
        assert folder.is_dir()
        write(tmp_path / "other")
        assert folder.is_dir()
    assert path.is_dir()


@MAKERS
def test_what_fails_leaves_nothing(kind: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(OSError, match="out"):
        make(path)
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
    assert kind in ("file", "folder")
    assert [one.name for one in path.iterdir()] == ["old"]


def test_one_that_is_taken_for_a_leftover_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backgammon.tools import storage

    lock = storage._lock
    taken: list[Path] = []

    def taken_once(path: Path) -> int | None:
        if not taken:
            taken.append(path)
            path.unlink()
        return lock(path)

    monkeypatch.setattr(storage, "_lock", taken_once)
    write(tmp_path / "out")
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
    assert taken[0].name.startswith(".out.partial-")


def test_a_run_that_goes_on_removes_what_was_half_written(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    domain = feature_domain(4)
    run.start(TrainConfig(), domain)
    (run.path / ".state.safetensors.partial-1-2").write_bytes(b"half")
    run.stored_config(domain)
    assert [one.name for one in run.path.iterdir()] == ["config.toml"]
    with pytest.raises(ConfigError, match="holds a run already"):
        run.start(TrainConfig(), domain)
