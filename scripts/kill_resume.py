"""Kill commands by SIGKILL again and again, start them again, and show that what they make does not know.

    python -m scripts.kill_resume [CASE ...] [--kills 20] [--seed 1] [--cold]

A case is a command that makes a file or folder. It runs once undisturbed; then it is started, killed at a random moment
and started again until it comes to its end, and that from nothing on, over and over, until it has been killed the given
number of times. Each time everything it has made must be there to the byte, and nothing else. The moments are spread
over the whole of a run, its start among them; a half of the kills take the processes that it has started with it, the
others leave these behind, and they must go by themselves.

    train      pairgammon train --resume        label      pairgammon label, on two processes
    rollout    pairgammon label --rollout       self-play  pairgammon self-play, on two processes
    bearoff    pairgammon bearoff build         improve    pairgammon improve: games, labels, training, two rounds
    convert    pairgammon convert into a folder

--cold gives every start an empty cache of compiled kernels, so that most kills fall into their compilation. Times in
logs and summaries are left out of the comparison. Exit code 1 if anything differs.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from backgammon.tools.errors import ConfigError
from backgammon.tools.folders import KERNELS_VARIABLE
from scripts.program import note, program

ROOT = Path(__file__).resolve().parent.parent
GAMES = ROOT / "data" / "logs" / "held-out"
TRAINING = ("network.hidden=[64,16]", "epochs=6", "average_decay=0.99", "checkpoint_steps=20", "threads=1")
TIMED = ("log.jsonl", "summary.json", "state.safetensors")
"""Files that tell the time, or say how far a run that has ended had come: they must be there, and may differ."""
GRACE = 10.0
"""Seconds in which what a killed process had started must be gone."""

_OWN_FOLDER = re.compile(rb"/[^\"\n]*/(?:plain|killed)/")


@dataclass(frozen=True)
class Case:
    """A command under test.

    Attributes:
        command: its arguments; OUT stands for what it makes, SOURCE for what was prepared.
        prepare: arguments of the command that makes SOURCE, which is not disturbed; None where data are enough.
    """

    command: tuple[str, ...]
    prepare: tuple[str, ...] | None = None


def _settings(*texts: str) -> tuple[str, ...]:
    return tuple(word for text in texts for word in ("--set", text))


CASES: dict[str, Case] = {
    "train": Case(("train", "SOURCE", "--out", "OUT/run", "--resume", *_settings(*TRAINING)),
                  ("label", str(GAMES), "--ply", "0", "--workers", "1", "--out", "SOURCE")),
    "label": Case(("label", "SOURCE", "--ply", "1", "--workers", "2", "--out", "OUT/labelled"),
                  ("self-play", "--games", "300", "--workers", "1", "--out", "SOURCE")),
    "rollout": Case(("label", "SOURCE", "--rollout", "72", "--workers", "2", "--out", "OUT/rolled.jsonl.xz"),
                    ("self-play", "--games", "1", "--seed", "5", "--workers", "1", "--out", "SOURCE.mat")),
    "bearoff": Case(("bearoff", "build", "--folder", "OUT/tables")),
    "convert": Case(("convert", str(GAMES), "--out", "OUT/converted", "--format", "jsonl")),
    "self-play": Case(("self-play", "--games", "4000", "--random", "0", "--random", "0.2", "--workers", "2",
                       "--out", "OUT/games")),
    "improve": Case(("improve", "--model", "SOURCE", "--games", "12", "--workers", "1", "--out", "OUT/rounds",
                     *_settings("epochs=1", "batch_decisions=256", "threads=1")),
                    ("train", str(GAMES), "--out", "SOURCE", *_settings(
                        "network.hidden=[16]", "network.outcomes=true", "epochs=1", "threads=1"))),
}  # fmt: skip


class Trial:
    """A case in a folder of its own."""

    def __init__(self, name: str, folder: Path, rng: random.Random, is_cold: bool) -> None:
        """Prepare what the command reads.

        Raises:
            ConfigError: that, or the undisturbed run, fails.
        """
        self._name = name
        self._case = CASES[name]
        self._folder = folder
        self._rng = rng
        self._is_cold = is_cold
        self._source = folder / "source"
        if self._case.prepare is not None:
            words = self._words(self._case.prepare, folder)
            self._finish(self._start(self._case.prepare, folder))
            self._source = Path(words[words.index("--out") + 1])

    def run(self, kills: int) -> bool:
        """The undisturbed run, then the kills; True where everything was equal."""
        started = time.monotonic()
        self._finish(self._start(self._case.command, self._folder / "plain"))
        seconds = time.monotonic() - started
        expected = contents(self._folder / "plain")
        note(f"{self._name}: {len(expected)} files in {seconds:.1f} s")
        num_killed = num_whole = 0
        while num_killed < kills:
            out = self._folder / "killed"
            out.mkdir()
            num_killed += self._one(out, seconds, kills - num_killed, expected)
            found = contents(out)
            if found != expected:
                _show_difference(self._name, expected, found)
                return False
            num_whole += 1
            _remove(out)
        print(f"{self._name}: killed {num_killed} times, {num_whole} times whole in the end, to the byte", flush=True)
        return True

    def _one(self, out: Path, seconds: float, most: int, expected: dict[str, str]) -> int:
        """From nothing to the end, killed at most so many times; gives how many.

        A kill may come when all is there and only the process has not ended yet: that is the end too.
        """
        killed = 0
        while killed < most:
            process = self._start(self._case.command, out)
            try:
                process.wait(self._rng.uniform(0, seconds))
            except subprocess.TimeoutExpired:
                self._kill(process)
                killed += 1
                if contents(out) == expected:
                    return killed
                continue
            self._finish(process)
            return killed
        self._finish(self._start(self._case.command, out))
        return killed

    def _start(self, arguments: Sequence[str], out: Path) -> subprocess.Popen[bytes]:
        out.mkdir(exist_ok=True)
        environment = dict(os.environ)
        if self._is_cold:
            environment[KERNELS_VARIABLE] = tempfile.mkdtemp(prefix="kernels-", dir=self._folder)
        code = "from backgammon.cli import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", code, *self._words(arguments, out)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )

    def _words(self, arguments: Sequence[str], out: Path) -> list[str]:
        return [word.replace("OUT", str(out)).replace("SOURCE", str(self._source)) for word in arguments]

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL to the command, or to all that it has started too; the others must go by themselves."""
        if self._rng.random() < 0.5:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
        deadline = time.monotonic() + GRACE
        while _is_alive(process.pid):
            if time.monotonic() > deadline:
                raise ConfigError(f"{self._name}: processes of the killed command are still there")
            time.sleep(0.02)

    def _finish(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the end.

        Raises:
            ConfigError: the command fails.
        """
        _, said = process.communicate()
        if process.returncode:
            raise ConfigError(f"{self._name}: exit code {process.returncode}: {said.decode(errors='replace')[-2000:]}")


def _is_alive(group: int) -> bool:
    """True while a process group has a member."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def contents(folder: Path) -> dict[str, str]:
    """The digest of each file below, by its path; "" of those that tell the time. The folder's own name is left out."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        content = _OWN_FOLDER.sub(b"", path.read_bytes())
        is_timed = path.name in TIMED
        found[str(path.relative_to(folder))] = "" if is_timed else hashlib.sha256(content).hexdigest()
    return found


def _show_difference(name: str, expected: dict[str, str], found: dict[str, str]) -> None:
    kinds: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("missing", lambda path: path not in found),
        ("left behind", lambda path: path not in expected),
        ("other bytes", lambda path: path in expected and path in found and expected[path] != found[path]),
    )
    for kind, is_of_it in kinds:
        paths = [path for path in sorted(expected.keys() | found.keys()) if is_of_it(path)]
        if paths:
            print(f"{name}: FAILED, {kind}: {', '.join(paths)}", flush=True)


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
    folder.rmdir()


@program(__doc__)
@click.argument("cases", nargs=-1, type=click.Choice(tuple(CASES)))
@click.option("--kills", default=20, show_default=True, type=click.IntRange(min=1), help="Of each case.")
@click.option("--seed", default=1, show_default=True, help="Of the moments.")
@click.option("--cold", "is_cold", is_flag=True, help="An empty cache of compiled kernels at every start.")
@click.pass_context
def main(ctx: click.Context, cases: tuple[str, ...], kills: int, seed: int, is_cold: bool) -> None:
    """Run the cases, or all of them."""
    failed = []
    for name in cases or tuple(CASES):
        with tempfile.TemporaryDirectory(prefix=f"kill-{name}-") as folder:
            if not Trial(name, Path(folder), random.Random(f"{seed} {name}"), is_cold).run(kills):
                failed.append(name)
    if failed:
        print(f"FAILED: {', '.join(failed)}")
        ctx.exit(1)


if __name__ == "__main__":
    main()
