"""Coverage-guided fuzzing of every importer, identifier and protocol with atheris (`pip install -e '.[fuzz]'`).

    python -m scripts.fuzz_importers --seconds 1200
    python -m scripts.fuzz_importers --executions 1000000 # in processes of 50,000, one after the other
    python -m scripts.fuzz_importers --seeds             # write the seeds of tests/corpus anew
    python -m scripts.fuzz_importers FILE ...            # run single inputs, for instance a crash

The first byte of an input chooses what it is given to. Anything but a PairgammonError is a find: it is written to the
folder "finds" in the corpus with its traceback, once for each place in the code, and fuzzing goes on. An input that
takes more than 2 seconds or lets the process grow beyond 512 MB is one too; there libFuzzer writes a file and stops.
What the importers understand is replayed; every sixteenth of those is also written in each format and read again.
Protocols must answer whatever is said: an error that leaves them is a find as well.

The limit of 512 MB is on the whole process: interpreter, kernels, the fuzzer's own books, which grow with every
execution, and all that the inputs so far have left in caches. So a long campaign is cut into processes; they share
the corpus, and each takes up what the ones before it have found.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from scripts.program import program

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests" / "corpus"
MAX_SECONDS = 2
MAX_MEGABYTES = 512
MAX_INPUT = 1 << 12
PROCESS_EXECUTIONS = 50_000
"""Inputs of one process of a campaign."""


def run_input(data: bytes, targets: Sequence[Callable[[bytes], None]]) -> None:
    """Give one input to the target that its first byte chooses."""
    if data:
        targets[data[0] % len(targets)](data[1 : MAX_INPUT + 1])


def write_seeds(folder: Path) -> int:
    """Write one small input for each target, all of our own making; gives their number."""
    from scripts.xg_short_form import squeeze
    from tests.fuzz_seeds import make_seeds

    folder.mkdir(parents=True, exist_ok=True)
    seeds = make_seeds(squeeze)
    for seed in seeds:
        (folder / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    return len(seeds)


class Keeper:
    """Runs inputs and keeps those that raise what they should not, one for each place in the code."""

    def __init__(self, targets: Sequence[Callable[[bytes], None]], folder: Path) -> None:
        self._targets = targets
        self._folder = folder
        self._places: set[str] = set()

    def __call__(self, data: bytes) -> None:
        """Run one input; never raises."""
        try:
            run_input(data, self._targets)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            place = f"{type(error).__name__} {error} " + " ".join(
                f"{frame.name}:{frame.lineno}" for frame in frames[-3:]
            )
            if place not in self._places:
                self._places.add(place)
                self._folder.mkdir(parents=True, exist_ok=True)
                path = self._folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()
                path.write_bytes(data)
                path.with_suffix(".txt").write_text(traceback.format_exc())
                print(f"FIND {path}: {place}", file=sys.stderr, flush=True)


def fuzz(seconds: int, corpus: Path, extra: tuple[str, ...]) -> None:
    """Fuzz until the time is up or something is found; does not return."""
    import atheris

    sources = [file for file in (ROOT / "backgammon").rglob("*.py") if b"jit import" in file.read_bytes()]
    # numba cannot read instrumented code
    kernels = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in sources]
    with atheris.instrument_imports(include=["backgammon"], exclude=kernels):
        from scripts.fuzz_targets import make_targets  # here, where the fuzzer watches what is imported
    targets = make_targets()
    for seed in sorted(CORPUS.iterdir()):  # compiles the kernels before the clock runs
        run_input(seed.read_bytes(), targets)
    arguments = [
        sys.argv[0],
        str(corpus),
        str(CORPUS),
        f"-max_total_time={seconds}",
        f"-timeout={MAX_SECONDS}",
        f"-rss_limit_mb={MAX_MEGABYTES}",
        f"-max_len={MAX_INPUT}",
        "-print_final_stats=1",
        *extra,
    ]
    atheris.Setup(arguments, Keeper(targets, corpus / "finds"))
    atheris.Fuzz()


def run_campaign(executions: int, corpus: Path) -> int:
    """Fuzz in processes of PROCESS_EXECUTIONS until so many inputs have run; gives the exit code.

    Prints a line for each process and the sum. A process that libFuzzer stops, or a find, ends the campaign.
    """
    done, slowest, peak = 0, 0, 0
    while done < executions:
        command = [sys.executable, "-m", "scripts.fuzz_importers", "--corpus", str(corpus), "--seconds", "0"]
        options = [f"-runs={min(PROCESS_EXECUTIONS, executions - done)}", f"-seed={done + 1}", "-verbosity=0"]
        result = subprocess.run(
            [*command, *(f"--libfuzzer={option}" for option in options)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        found = dict(re.findall(r"stat::(\w+):\s*(\d+)", result.stderr))
        if result.returncode or "FIND" in result.stderr or not found:
            print(result.stderr[-4000:], file=sys.stderr)
            print(f"stopped after {done:,} executions: exit code {result.returncode}")
            return 1
        done += int(found["number_of_executed_units"])
        slowest = max(slowest, int(found["slowest_unit_time_sec"]))
        peak = max(peak, int(found["peak_rss_mb"]))
        print(f"{done:,} executions, 0 finds, slowest {slowest} s, peak {peak} MB", flush=True)
    return 0


@program(__doc__)
@click.argument("inputs", nargs=-1, type=click.Path(path_type=Path))
@click.option("--seconds", default=600, show_default=True, help="How long to fuzz.")
@click.option("--executions", type=int, help="Run so many inputs instead, in several processes.")
@click.option(
    "--corpus",
    type=click.Path(path_type=Path),
    default=ROOT / "runs" / "fuzz",
    help="Where finds of coverage are kept.",
)
@click.option("--seeds", is_flag=True, help="Write the seeds to tests/corpus and stop.")
@click.option("--libfuzzer", "extra", multiple=True, help="A further argument of libFuzzer; may be repeated.")
@click.pass_context
def main(
    ctx: click.Context,
    inputs: tuple[Path, ...],
    seconds: int,
    executions: int | None,
    corpus: Path,
    seeds: bool,
    extra: tuple[str, ...],
) -> None:
    """Fuzz, or run single inputs; exit code 1 when a campaign was stopped."""
    if seeds:
        print(f"{write_seeds(CORPUS)} seeds")
        return
    if inputs:
        from scripts.fuzz_targets import make_targets

        targets = make_targets()
        for path in inputs:
            run_input(path.read_bytes(), targets)
            print(f"{path}: passed")
        return
    corpus.mkdir(parents=True, exist_ok=True)
    if executions:
        ctx.exit(run_campaign(executions, corpus))
    fuzz(seconds, corpus, extra)


if __name__ == "__main__":
    main()
