"""The wheel as a player gets it: built, put into an empty environment without torch, and used.

    python -m scripts.check_wheel [--limit 340] [--python python3.12]

Builds the wheel of this checkout, installs it with the versions of `constraints.txt`, and runs a hint, a report on a
match, a game and the HTTP server from an empty folder. Prints the size of the wheel and of everything installed. Exit
code 1 when something fails, when torch came along, or when the whole is larger than the limit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import click

from scripts.program import note, program

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "tests" / "vectors" / "logs" / "gnubg-match5.mat"
START = "4HPwATDgc/ABMA"
MOVE = "/move?die1=3&die2=1&p24=2&p19=-5&p17=-3&p13=5&p12=-5&p8=3&p6=5&p1=-2"


@program(__doc__)
@click.option("--limit", default=340, show_default=True, help="MB that all installed files may have.")
@click.option("--python", "interpreter", default=sys.executable, help="Interpreter of the new environment.")
@click.pass_context
def main(ctx: click.Context, limit: int, interpreter: str) -> None:
    """Build, install, use, measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build_wheel(folder)
        site = install(wheel, folder, interpreter)
        environment = {"HOME": name, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        use(folder, environment)
        size = sum(
            path.stat().st_size for path in site.rglob("*") if path.is_file() and "__pycache__" not in path.parts
        )
        found = {
            "wheel_mb": round(wheel.stat().st_size / 1e6, 1),
            "installed_mb": round(size / 1e6),
            "packages": len([path for path in site.glob("*.dist-info") if not path.name.startswith("pip-")]),
            "torch": any(site.glob("torch*")),
        }
    click.echo(json.dumps(found))
    if found["torch"] or size > limit * 1e6:
        ctx.exit(1)


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout."""
    note("building the wheel")
    source = folder / "source"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(source)], check=True)  # leaves no build folder here
    _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)])
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path, interpreter: str) -> Path:
    """Install a wheel into a new environment `folder/env`; its site-packages."""
    note("installing it")
    _run([interpreter, "-m", "venv", str(folder / "env")])
    python = folder / "env" / "bin" / "python"
    _run([str(python), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), str(wheel)])
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    return site


def use(folder: Path, environment: Mapping[str, str]) -> None:
    """Hint, report, game and server, from an empty folder.

    Raises:
        CalledProcessError: one of them failed.
    """
    command = str(folder / "env" / "bin" / "pairgammon")
    place = folder / "empty"
    place.mkdir()
    for arguments, text in (
        (["hint", START, "--dice", "31"], ""),
        (["analyse", str(LOG), "--out", "report.html"], ""),
        (["play", "--seed", "1"], "quit\n"),
        (["doctor"], ""),
    ):
        note("pairgammon " + " ".join(arguments))
        _run([command, *arguments], text, place, environment)
    note("pairgammon serve-http")
    server = subprocess.Popen(
        [command, "serve-http", "--port", "0"], cwd=place, env=environment, text=True, stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        address = next(word for line in server.stdout for word in line.split() if word.startswith("http://"))
        with urllib.request.urlopen(address.removesuffix("/move") + MOVE, timeout=60) as answer:
            note(f"{len(json.load(answer)['moves'])} plays from the server")
    finally:
        server.terminate()
        server.wait()


def _run(
    command: list[str], text: str = "", place: Path | None = None, environment: Mapping[str, str] | None = None
) -> None:
    subprocess.run(command, input=text, text=True, check=True, cwd=place, env=environment, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
