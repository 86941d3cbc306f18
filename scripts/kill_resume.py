"""Kill a training run again and again, and show that the finished weights do not know.

    python -m scripts.kill_resume data/logs/held-out --kills 20

trains twice on the given logs: once undisturbed, once as a process that is stopped by SIGKILL at random moments and
resumed, until it has been killed the given number of times and may finish. Prints where each kill fell and compares the
SHA-256 of the model files; exit code 1 if they differ.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from backgammon.learner.data.shards import build_shards, open_shards
from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.training.shard_training import train_on_shards
from backgammon.records import read_logs
from comparison_net.checkpoint import read_tensors
from comparison_net.config import load_config
from comparison_net.training.progress import SilentReporter, StepReport
from comparison_net.training.run_folder import RunFolder
from comparison_net.training.run_state import STATE_KIND

SETTINGS = ("network.hidden=[64,16]", "epochs=20", "average_decay=0.99", "checkpoint_steps=20")
CHILD = "--child"


class FirstStepTeller(SilentReporter):
    """Writes a line after the first step, so that the parent knows that training has begun."""

    def __init__(self) -> None:
        """Nothing told yet."""
        self.has_told = False

    def step(self, report: StepReport) -> None:
        """The number of the first step."""
        if not self.has_told:
            print(report.step, flush=True)
        self.has_told = True


def main() -> int:
    """Run the experiment; 0 when the weights are equal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logs", nargs="+", help="logs to train on; 400 games make a run of half a minute")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the training")
    arguments = parser.parse_args()
    config = load_config(overrides=[*SETTINGS, *arguments.set], domain=BOARDS)
    with tempfile.TemporaryDirectory(prefix="kill-resume-") as folder:
        shards, plain, killed = (
            Path(folder) / "shards",
            RunFolder(Path(folder) / "plain"),
            RunFolder(Path(folder) / "killed"),
        )
        print(f"{len(build_shards(read_logs(arguments.logs), shards)):,} decisions")
        plain.start(config, BOARDS)
        killed.start(config, BOARDS)
        subprocess.run(child_command(shards, plain), check=True, stdout=subprocess.DEVNULL)
        seconds = float(json.loads(plain.summary.read_text(encoding="utf-8"))["train_seconds"])
        print(f"undisturbed: {seconds:.1f} s of training, {digests(plain)}", flush=True)
        survived = kill_repeatedly(shards, killed, arguments.kills, seconds, random.Random(arguments.seed))
        subprocess.run(child_command(shards, killed), check=True, stdout=subprocess.DEVNULL)
        print(f"killed {survived} times: {digests(killed)}")
        is_equal = digests(plain) == digests(killed) and survived == arguments.kills
    print("the weights are byte-identical" if is_equal else "FAILED")
    return 0 if is_equal else 1


def child_command(shards: Path, run: RunFolder) -> list[str]:
    """The command that continues a run in a process of its own."""
    return [sys.executable, "-m", "scripts.kill_resume", CHILD, str(shards), str(run.path)]


def kill_repeatedly(shards: Path, run: RunFolder, kills: int, seconds: float, rng: random.Random) -> int:
    """Start the run and kill it, `kills` times; gives how often it was still alive to be killed.

    Each process trains for a random time that is on average its share of `seconds`, so that the kills spread over the
    whole run: in the middle of steps, evaluations and the writing of checkpoints. The first one falls into start-up.
    """
    survived = 0
    for number in range(1, kills + 1):
        delay = rng.uniform(0.0, 1.0 if number == 1 else 2.0 * seconds / (kills + 1))
        process = subprocess.Popen(child_command(shards, run), stdout=subprocess.PIPE, bufsize=0)
        assert process.stdout is not None
        if number > 1:
            process.stdout.readline()  # the first step is done
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            survived += 1
        process.stdout.close()
        print(f"kill {number:2d} after {delay:5.2f} s: checkpoint at step {checkpoint_step(run)}", flush=True)
    return survived


def checkpoint_step(run: RunFolder) -> int:
    """The step from which the run would go on; 0 before its first checkpoint."""
    if not run.state.exists():
        return 0
    _, description = read_tensors(run.state, STATE_KIND)
    return int(description["progress"]["step"])


def digests(run: RunFolder) -> str:
    """SHA-256 of the best and the last model, shortened, and the held-out agreement."""
    agreement = json.loads(run.summary.read_text(encoding="utf-8"))["agreement"]
    sums = [hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in (run.model, run.last)]
    return f"best {sums[0]}, last {sums[1]}, agreement {agreement:.4f}"


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        train_on_shards(
            open_shards(Path(sys.argv[2])), None, Path(sys.argv[3]), resume=True, reporter=FirstStepTeller()
        )
        sys.exit(0)
    sys.exit(main())
