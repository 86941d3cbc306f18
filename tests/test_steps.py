"""Programs that run `pairgammon` commands one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from scripts import learn_from_nothing
from scripts.steps import ROOT, run_steps


def test_the_first_step_that_fails_ends_the_program_with_its_exit_code(capfd: pytest.CaptureFixture[str]) -> None:
    @click.command()
    @click.pass_context
    def main(ctx: click.Context) -> None:
        run_steps(ctx, [("Fine", ["--version"]), ("Wrong", ["evaluate", "nowhere.mat"]), ("Never", ["--version"])])

    result = CliRunner().invoke(main)
    shown, said = capfd.readouterr()
    assert result.exit_code == 1
    assert "2/3 Wrong" in result.output + shown
    assert "Never" not in result.output + shown
    assert "nowhere.mat" in said


def test_a_later_stage_takes_the_nets_of_the_ones_before(tmp_path: Path) -> None:
    told = [arguments for _, arguments in learn_from_nothing.steps(tmp_path, 3, 100, "local:1")]
    assert [arguments[0] for arguments in told] == ["self-play", "label", "train", "improve", "improve", "improve"]
    out = {arguments[arguments.index("--out") + 1] for arguments in told}
    models = [arguments[arguments.index("--model") + 1] for arguments in told[3:]]
    assert {str(Path(model)) for model in models[:1]} <= out
    assert [str(Path(model).parents[1]) in out for model in models[1:]] == [True, True]
    (tmp_path / "start").mkdir()
    (tmp_path / "start/config.toml").touch()
    assert "--resume" in learn_from_nothing.steps(tmp_path, 3, 100, "local:1")[2][1]


@pytest.mark.slow
def test_a_net_from_nothing_and_the_same_command_again(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "scripts.learn_from_nothing", str(tmp_path / "net"), "--games", "8"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    made = []
    for _ in range(2):
        subprocess.run(words, cwd=ROOT, env=environment, check=True)
        made.append((tmp_path / "net/close/1/run/model.safetensors").read_bytes())
    assert made[0] == made[1]
