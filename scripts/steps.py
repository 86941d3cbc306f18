"""`pairgammon` commands one after the other, each printed before it runs, so that it can be repeated by hand."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
PAIRGAMMON = str(Path(sys.executable).parent / "pairgammon")

Step = tuple[str, list[str]]
"""A title, and the arguments of a `pairgammon` command."""


def run_steps(ctx: click.Context, steps: Sequence[Step]) -> float:
    """Run them; the first that fails ends the program with its exit code. Gives the seconds that they took."""
    started = time.monotonic()
    for number, (title, arguments) in enumerate(steps, 1):
        print(f"\n== {number}/{len(steps)} {title}\n$ pairgammon {' '.join(arguments)}\n", flush=True)
        done = subprocess.run([PAIRGAMMON, *arguments], cwd=ROOT, check=False)
        if done.returncode:
            print(f"error: that step ended with exit code {done.returncode}; its message stands above", file=sys.stderr)
            ctx.exit(done.returncode)
    return time.monotonic() - started
