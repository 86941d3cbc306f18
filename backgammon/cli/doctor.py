"""`pairgammon doctor`: what is installed, where things are, whether they work."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from backgammon.cli.group import ExampleCommand
from backgammon.cli.screen import say

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
    """Check the installation: versions, compiled kernels, computed tables, the default model.

    The exit code is 1 when something is broken; a problem that only costs time is listed and leaves it at 0.
    """
    answer, is_broken = examine()
    if as_json:
        say(json.dumps(answer))
    else:
        for name, value in answer.items():
            for number, line in enumerate(_describe(value)):
                say(f"{name if number == 0 else '':18}{line}")
    if is_broken:
        ctx.exit(1)


@dataclass
class Examination:
    """What does not work.

    Attributes:
        problems: one line each, with the mend.
        is_broken: something gives no results, or wrong ones; without it everything works, only slower.
    """

    problems: list[str] = field(default_factory=list)
    is_broken: bool = False

    def fault(self, problem: str) -> None:
        """Enter something that is broken."""
        self.problems.append(problem)
        self.is_broken = True


def examine() -> tuple[dict[str, Any], bool]:
    """Everything worth knowing about this installation, "problems" among it, and whether something is broken."""
    import platform
    import sys

    from backgammon.tools.processors import usable_processors

    found = Examination()
    answer = {
        "pairgammon": _version("pairgammon"),
        "python": f"{platform.python_version()} ({sys.executable})",
        "machine": f"{platform.system()} {platform.machine()}, {usable_processors()} processors to use",
        "libraries": {name: _version(name) for name in LIBRARIES},
        "compiled kernels": _examine_kernels(found),
        "computed data": _examine_data(found),
        "move generator": _examine_generator(found),
        "default model": _examine_model(found),
        "models": "--model takes a run folder (its model.safetensors) or a checkpoint file, relative to the current "
        "folder; without --model the default model above is used",
        "problems": found.problems,
    }
    return answer, found.is_broken


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _examine_kernels(found: Examination) -> dict[str, str]:
    from backgammon.learner.net.walk import decide
    from backgammon.tools import jit
    from backgammon.tools.folders import KERNELS_VARIABLE
    from backgammon.tools.kernel_cache import damaged_files, kernel_folder

    if jit.DISABLED:
        return {"state": "compilation is switched off by NUMBA_DISABLE_JIT"}
    folder = kernel_folder()
    if folder is None:
        found.problems.append(
            f"no folder for compiled kernels can be written, every start compiles them anew: set {KERNELS_VARIABLE} to "
            "a writable folder"
        )
        return {"state": "compiled anew at every start"}
    state = "warm" if jit.is_kept(decide) else "cold: the first use compiles for some seconds"
    damaged = damaged_files()
    if damaged:
        number = f"{len(damaged)} files" if len(damaged) > 1 else "a file"
        found.fault(
            f"{number} of compiled kernels in {folder} cannot be used, such as {damaged[0].relative_to(folder)}: made "
            "again when needed; or remove the folder"
        )
        state = "damaged"
    return {"folder": str(folder), "state": state}


def _examine_data(found: Examination) -> dict[str, str]:
    """The folder of the bear-off tables, and the state of those that are there."""
    from backgammon.evaluation.bearoff import bearoff_directory, examine_tables
    from backgammon.tools.folders import DATA_VARIABLE, is_writable

    folder = bearoff_directory()
    states = examine_tables()
    for problem in filter(None, states.values()):
        found.fault(problem)
    state = {name: "not there yet" if problem is None else problem or "good" for name, problem in states.items()}
    if folder is None or not (is_writable(folder) or all(text == "good" for text in state.values())):
        place = "there is no folder for computed data" if folder is None else f"{folder} cannot be written"
        found.problems.append(
            f"{place}, every start computes the bear-off tables anew: set {DATA_VARIABLE} to a writable folder"
        )
    return {"folder": "none" if folder is None else str(folder), **state}


def _examine_generator(found: Examination) -> str:
    import numpy as np

    from backgammon.rules.board import START
    from backgammon.rules.dice import ROLLS
    from backgammon.rules.movegen import legal_candidates

    candidates, _ = legal_candidates(np.repeat(START[None], len(ROLLS), axis=0), np.array(ROLLS, dtype=np.int8))
    if len(candidates) == OPENING_CANDIDATES:
        return f"good ({OPENING_CANDIDATES} results of the 21 opening rolls)"
    found.fault(f"the move generator finds {len(candidates)} opening results, not {OPENING_CANDIDATES}: reinstall")
    return "wrong"


def _examine_model(found: Examination) -> dict[str, Any]:
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
        found.fault(f"the default model cannot be used: {error}")
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
