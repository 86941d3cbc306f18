"""The doors of the protocols: the commands that other programs start, as real processes."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from backgammon.cli import main
from backgammon.notation.gnu_id import START_ID
from comparison_net.network_config import NetworkConfig
from tests.random_nets import write_random_net

PROGRAM = [sys.executable, "-c", "from backgammon.cli import main; main()"]
ROLL = (
    "board:gnubg:ext:0:0:0:0:-1:-1:0:0:0:5:0:3:0:0:0:-4:5:0:0:-1:-3:0:-5:0:0:0:0:2:0:1:0:0:0:0:1:1:1:0:1:-1:0:25:0:0"
    ":0:0:0:0:0:1"
)


def tiny_model(path: Path, outcomes: bool) -> Path:
    return write_random_net(path, NetworkConfig(hidden=(8,), outcomes=outcomes))


@pytest.fixture(scope="module")
def ranking_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("model") / "ranking.safetensors", outcomes=False)


@pytest.fixture(scope="module")
def outcome_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("model") / "outcome.safetensors", outcomes=True)


@contextmanager
def running(*arguments: object) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A server on a free port; ended with Ctrl-C, which it answers with exit code 130."""
    command = [*PROGRAM, *map(str, arguments), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found is not None, process.communicate()
        yield int(found[1]), process
        process.send_signal(signal.SIGINT)
        process.wait(timeout=120)
        assert process.returncode == 130
    finally:
        process.kill()
        process.communicate()


def test_ubgi_answers_on_standard_output(outcome_model: Path) -> None:
    setup = f"position gnubgid {START_ID}\ndice 3 1\nset engine.ply 2\n"
    lines = f"ubgi\nisready\n{setup}go\nwhat\ngo role chequer\nquit\nisready\n"
    result = CliRunner().invoke(main, ["ubgi", "--model", str(outcome_model)], input=lines, catch_exceptions=False)
    assert result.exit_code == 0
    answers = result.stdout.splitlines()
    assert answers[0] == "id name pairgammon outcome"
    assert answers[answers.index("ubgiok") + 1] == "readyok"
    assert answers[-5].startswith("bestmove ")
    assert answers[-4].startswith("error bad_command")
    assert answers[-2].startswith("bestmove ")
    assert answers[-1].startswith("bestmoveid ")
    assert answers.count("readyok") == 1, "nothing is answered behind quit"


def test_ubgi_answers_a_program_that_asks_one_question_at_a_time(ranking_model: Path) -> None:
    command = [*PROGRAM, "ubgi", "--model", str(ranking_model)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdin is not None
        assert engine.stdout is not None
        for _ in range(3):
            engine.stdin.write("isready\n")
            engine.stdin.flush()
            assert engine.stdout.readline() == "readyok\n"
        engine.stdin.write("set engine.ply 2\nquit\n")
        engine.stdin.close()
        assert engine.stdout.readline().startswith("error bad_value")  # without chances there is no look-ahead
        assert engine.wait(timeout=120) == 0


def test_serve_gnubg_answers_on_its_port_and_logs(ranking_model: Path) -> None:
    with running("serve-gnubg", "--model", ranking_model, "--log") as (port, process):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client, client.makefile("rb") as replies:
            client.sendall(b"nonsense\n" + ROLL.encode() + b"\n\0")
            assert replies.readline().startswith(b"Error: ")
            assert replies.readline() == b"roll\n"
        assert process.stdout is not None
        assert process.stdout.readline() == "> nonsense\n"


def test_serve_http_answers_wildbg_requests(outcome_model: Path) -> None:
    with running("serve-http", "--model", outcome_model, "--ply", 1) as (port, _):
        url = f"http://127.0.0.1:{port}/move?die1=3&die2=1&p24=2&p19=-5&p17=-3&p13=5&p12=-5&p8=3&p6=5&p1=-2"
        with urllib.request.urlopen(url, timeout=60) as response:
            moves = json.load(response)["moves"]
        assert len(moves) == 16
        assert moves[0]["probabilities"]["win"] >= 0


@pytest.mark.parametrize("command", ["serve-gnubg", "serve-http"])
def test_a_server_refuses_an_address_of_another_machine(command: str, ranking_model: Path) -> None:
    arguments = [command, "--model", str(ranking_model), "--host", "192.0.2.1", "--port", "4"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 1
    assert "--host" in result.stderr


@pytest.mark.parametrize("command", ["serve-gnubg", "serve-http"])
def test_look_ahead_without_chances_is_a_mistake(command: str, ranking_model: Path) -> None:
    arguments = [command, "--model", str(ranking_model), "--ply", "2", "--port", "0"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 1
    assert "trained with outcomes" in result.stderr
