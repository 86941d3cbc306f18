"""Developer programs: each says what it does, and takes a mistake as one line."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from scripts import bench_workers, verify_env
from scripts.program import program

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
OWN = ("backgammon", "comparison_net", "scripts", "tests")
PROGRAMS = sorted(path.stem for path in SCRIPTS.glob("*.py") if "def main(" in path.read_text())


def test_programs_are_found() -> None:
    assert len(PROGRAMS) > 30


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_tells_what_it_does_and_names_its_options(name: str) -> None:
    try:
        module = import_module(f"scripts.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in OWN:
            raise
        pytest.skip(f"{error.name} is in an extra")
    assert isinstance(module.main, click.Command)
    shown = CliRunner().invoke(module.main, ["--help"])
    assert shown.exit_code == 0, shown.output
    first = (module.__doc__ or "").split("\n")[0].split()
    assert " ".join(first) in " ".join(shown.output.split())
    for parameter in module.main.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.opts[0] in shown.output


def test_a_wrong_word_is_refused_with_what_there_is() -> None:
    refused = CliRunner().invoke(verify_env.main, ["turns"])
    assert refused.exit_code == 2
    assert "micro" in refused.output


def test_a_missing_file_is_one_line_and_exit_code_1() -> None:
    @program("Read a file.")
    def main() -> None:
        Path("no such file").read_text()

    refused = CliRunner().invoke(main, [])
    assert (refused.exit_code, refused.output.count("\n")) == (1, 1)
    assert "no such file" in refused.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers", "local:2"], "measured beside them"),
        (["--workers", "dask", "--workers", "dask"], "once"),
        (["--games", "3"], "--games changes nothing"),
        (["--kill", "--rounds", "3"], "--rounds changes nothing"),
        (["--kill", "--workers", "local:1"], "is this very process"),
    ],
)
def test_workers_and_options_that_would_be_dropped_are_refused(arguments: list[str], said: str) -> None:
    refused = CliRunner().invoke(bench_workers.main, arguments)
    assert refused.exit_code == 2
    assert said in refused.output
