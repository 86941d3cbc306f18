"""`pairgammon doctor`: what is installed, where things are, whether they work."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from backgammon.cli.group import ExampleCommand

LIBRARIES = ("numpy", "numba", "llvmlite", "torch", "safetensors", "click", "rich", "gymnasium")
OPENING_CANDIDATES = 447
"""Distinct results of all 21 rolls from the starting position; GNU Backgammon counts the same."""


@click.command(
    cls=ExampleCommand,
    short_help="Check the installation.",
    examples=(("pairgammon doctor", "check an installation"), ("pairgammon doctor --json", "for a bug report")),
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check the installation: versions, compiled kernels, the default model.

    The exit code is 1 when something does not work.
    """
    found = examine()
    if as_json:
        click.echo(json.dumps(found))
    else:
        for name, value in found.items():
            for number, line in enumerate(_describe(value)):
                click.echo(f"{name if number == 0 else '':18}{line}")
    if found["problems"]:
        ctx.exit(1)


def examine() -> dict[str, Any]:
    """Everything worth knowing about this installation; "problems" lists what does not work."""
    import platform
    import sys

    from backgammon.tools.processors import usable_processors

    problems: list[str] = []
    return {
        "pairgammon": _version("pairgammon"),
        "python": f"{platform.python_version()} ({sys.executable})",
        "machine": f"{platform.system()} {platform.machine()}, {usable_processors()} processors to use",
        "libraries": {name: _version(name) for name in LIBRARIES},
        "compiled kernels": _examine_kernels(problems),
        "move generator": _examine_generator(problems),
        "default model": _examine_model(problems),
        "models": "--model takes a run folder (its model.safetensors) or a checkpoint file, relative to the current "
        "folder; without --model the default model above is used",
        "problems": problems,
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _examine_kernels(problems: list[str]) -> dict[str, str]:
    from backgammon.tools import jit

    if jit.DISABLED:
        return {"state": "compilation is switched off by NUMBA_DISABLE_JIT"}
    if jit.CACHE_DIRECTORY is None:
        problems.append("no folder for compiled kernels can be written: set NUMBA_CACHE_DIR to a writable folder")
        return {"state": "compiled anew at every start"}
    state = "warm" if jit.is_cache_warm() else "cold: the first use compiles for some seconds"
    return {"folder": str(jit.CACHE_DIRECTORY), "state": state}


def _examine_generator(problems: list[str]) -> str:
    import numpy as np

    from backgammon.rules.board import START
    from backgammon.rules.dice import ROLLS
    from backgammon.rules.movegen import legal_candidates

    candidates, _ = legal_candidates(np.repeat(START[None], len(ROLLS), axis=0), np.array(ROLLS, dtype=np.int8))
    if len(candidates) == OPENING_CANDIDATES:
        return f"good ({OPENING_CANDIDATES} results of the 21 opening rolls)"
    problems.append(f"the move generator finds {len(candidates)} opening results, not {OPENING_CANDIDATES}: reinstall")
    return "wrong"


def _examine_model(problems: list[str]) -> dict[str, Any]:
    """File and card of the model that ships with the package."""
    from importlib.resources import files

    from backgammon.learner.net.scorer import DEFAULT_NAME, load_scorer
    from backgammon.notation.play_text import format_play
    from backgammon.rules.board import Position
    from backgammon.rules.decision import Decision
    from backgammon.tools.errors import ModelError

    place = {"file": str(files("backgammon.learner.net") / "models" / f"{DEFAULT_NAME}.safetensors")}
    try:
        scorer = load_scorer()
    except ModelError as error:
        problems.append(f"the default model cannot be used: {error}")
        return {**place, "state": "cannot be used"}
    decision = Decision.make(Position.start(), (3, 1))
    choice = format_play(decision.plays[int(scorer.scores(decision.candidates).argmax())])
    model = scorer.model
    layers = "-".join(str(width) for width in model.network.hidden) or "none (linear)"
    return {
        **place,
        "hidden layers": layers,
        "input coding": model.feature_version,
        "data": model.data_fingerprint[:16],
        **{name: value for name, value in model.summary.items() if not isinstance(value, (dict, list))},
        "opening 31": choice,
    }


def _describe(value: Any) -> list[str]:
    """Lines of one entry."""
    if isinstance(value, dict):
        width = max(map(len, value))
        texts = {name: f"{entry:.4f}" if isinstance(entry, float) else str(entry) for name, entry in value.items()}
        return [f"{name:{width}}  {text}" for name, text in texts.items()]
    if isinstance(value, list):
        return value or ["none"]
    return [str(value)]
