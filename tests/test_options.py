"""Every option of every command changes something, or is refused where it would not.

TABLE has for each option one or more lines: a command line, and what is added to it. A line either changes what the
command does, or is refused with words that name the mend. What a command does is its exit code, what it prints and
writes, the engines that it builds, and the servers and browsers that it opens. A new option without a line fails.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import socket
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from backgammon.analysis import error_store
from backgammon.cli import COMMANDS, main
from backgammon.learner.coach.people_model import shipped_people
from backgammon.learner.net import engine_builder, packed_model
from backgammon.learner.players import player_spec
from backgammon.learner.teach import improvement, teacher
from backgammon.protocols import external_player
from backgammon.protocols.http_server import HttpServer
from backgammon.rules.game import Stage
from backgammon.table.saved_session import SavedSession
from backgammon.tools.jobs import workers
from comparison_net.network_config import NetworkConfig
from tests.engine_parts import kept_parts
from tests.random_nets import write_random_net

START = "4HPwATDgc/ABMA"
XGID = "XGID=-b----E-C---eE---c-e----B-:0:0:1:52:0:0:0:0:10"
TRAIN = "train game.mat --out a --config linear.toml"
TRAIN_HIDDEN = "train game.mat --out a --config hidden.toml --head phase"
COACH = "coach game.mat --player pipcount --out a"
GAMES = "self-play --model net.safetensors --games 2 --out a.mat"
MATCHED = "duel net.safetensors net.safetensors --games 2"
JUDGED = "analyse game.mat --cubeless --ply 1 --filter tiny --model net.safetensors"
SHARDS = "self-play --model net.safetensors --games 2 --out shards"
KEPT = "bearoff build --folder kept --points 2 --exact-points 2 --checkers 2"
CUBE = "XGID=-b----E-C---eE---c-e----B-:0:0:1:00:3:5:0:7:10"
ROLL = f"{START} 31\n"
GAME = "play --seed 1 --no-save --no-board --opponent pipcount --watch pipcount --games 1"
SAVED = GAME.replace(" --no-save", "")
ALONE = "play --seed 1 --no-save"
BEFORE_ROLL = "XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:0:0:10"


@dataclass(frozen=True)
class Line:
    """One row of the table.

    Attributes:
        base: the command line without the option.
        added: the option.
        text: standard input.
        words: what the refusal says; None where the option changes something.
        is_slow: takes more than a second or two.
        drop: what the option stands in place of.
    """

    base: str
    added: str
    text: str = ""
    words: str | None = None
    is_slow: bool = False
    drop: str = ""


def changes(base: str, added: str, text: str = "", is_slow: bool = False, drop: str = "") -> Line:
    assert drop in base
    return Line(base, added, text, None, is_slow, drop)


def refused(base: str, added: str, words: str, text: str = "") -> Line:
    return Line(base, added, text, words)


def depth_lines(base: str, plain: str, text: str = "") -> dict[str, list[Line]]:
    """The lines of --ply and what belongs to it, for a command whose look-ahead is off (`plain`) and on (`base`)."""
    return {
        "--filter": [
            changes(f"{base} --ply 1", "--filter huge", text),
            refused(f"{plain} --ply 0", "--filter normal", "--filter", text),
        ],
        "--time": [
            changes(f"{base} --ply 1", "--time 100", text),
            refused(f"{plain} --ply 0", "--time 1", "--time", text),
        ],
        "--rollout": [
            changes(f"{base} --ply 0 --model net.safetensors", "--rollout 36", text),
            refused(plain, "--rollout 100", "multiple of 36", text),
        ],
        "--error": [
            changes(f"{base} --ply 0 --model net.safetensors --rollout 36", "--error 1", text),
            refused(plain, "--error 0.1", "--rollout", text),
        ],
        "--no-prune": [
            changes(f"{base} --ply 1", "--no-prune", text),
            refused(f"{plain} --ply 0", "--no-prune", "--no-prune", text),
        ],
    }


def served(command: str) -> dict[str, list[Line]]:
    base = f"{command} --port 0"
    return {
        "--model": [changes(base, "--model net.safetensors")],
        "--host": [changes(base, "--host 127.0.0.2")],
        "--port": [changes(base, "--port PORT", drop="--port 0")],
    }


TABLE: dict[str, dict[str, list[Line]]] = {
    "train": {
        "--out": [refused("train", "--out run", "name the logs")],
        "--config": [changes("train game.mat --out a", "--config linear.toml", is_slow=True)],
        "--loss": [changes(TRAIN, "--loss pairwise", is_slow=True)],
        "--head": [changes(TRAIN, "--head phase", is_slow=True)],
        "--upcycle": [changes(TRAIN_HIDDEN, "--upcycle scores.safetensors", is_slow=True)],
        "--epochs": [changes(TRAIN, "--epochs 2", is_slow=True)],
        "--seed": [
            changes(TRAIN, "--seed 2", is_slow=True),
            refused("train game.mat --out a --seeds 1,2", "--seed 3", "give one of them"),
        ],
        "--seeds": [changes(TRAIN, "--seeds 1,2", is_slow=True)],
        "--set": [changes(TRAIN, "--set batch_size=7", is_slow=True)],
        "--resume": [refused("train --out run", "--resume", "no run to go on with")],
        "--track": [changes(TRAIN, "--track csv", is_slow=True)],
        "--json": [changes(TRAIN, "--json", is_slow=True)],
        "--settings": [changes("train", "--settings")],
    },
    "evaluate": {
        "--model": [changes("evaluate game.mat", "--model net.safetensors")],
        "--ply": [changes("evaluate labels.jsonl", "--ply 1"), refused("evaluate game.mat", "--ply 1", "labelled")],
        "--threads": [
            changes("evaluate game.mat", "--threads 3"),
            refused("evaluate labels.jsonl --workers 1", "--threads 3", "give one of them"),
        ],
        "--workers": [
            changes("evaluate labels.jsonl", "--workers 1"),
            refused("evaluate game.mat", "--workers 1", "labelled"),
        ],
        "--json": [changes("evaluate game.mat", "--json")],
    },
    "inspect": {
        "--logs": [changes("inspect phase.safetensors --json", "--logs game.mat")],
        "--dense": [changes("inspect phase.safetensors --logs game.mat --json", "--dense scores.safetensors")],
        "--out": [changes("inspect phase.safetensors --games 1", "--out other.svg")],
        "--games": [
            changes("inspect phase.safetensors --json", "--games 1"),
            refused("inspect phase.safetensors --logs game.mat", "--games 2", "self-play"),
        ],
        "--seed": [
            changes("inspect phase.safetensors --games 1 --json", "--seed 2"),
            refused("inspect phase.safetensors --logs game.mat", "--seed 2", "self-play"),
        ],
        "--json": [changes("inspect phase.safetensors --games 1", "--json")],
    },
    "rank": {
        "--model": [changes("rank", "--model net.safetensors", ROLL)],
        "--ply": [changes("rank", "--ply 0", ROLL), changes("rank --ply 0", "--ply 1", ROLL)],
        **depth_lines("rank", "rank", ROLL),
        "--as": [
            changes("rank", "--as ann.safetensors", ROLL),
            refused("rank --ply 1", "--as ann.safetensors", "leave out --ply", ROLL),
            refused("rank --model net.safetensors", "--as people:8", "leave out --model", ROLL),
            refused("rank", "--as people:99", "from 4 to 15", ROLL),
        ],
        "--threads": [changes("rank --ply 0", "--threads 3", ROLL)],
        "--skip-bad": [changes("rank", "--skip-bad", "nonsense\n")],
    },
    "label": {
        "--model": [changes("label --ply 0", "--model net.safetensors", ROLL)],
        "--ply": [changes("label", "--ply 0", ROLL)],
        **depth_lines("label", "label", ROLL),
        "--out": [changes("label --ply 0", "--out labels", ROLL)],
        "--teacher": [refused("label", "--teacher nobody", "nobody", ROLL)],
        "--pruner": [
            changes("label --ply 1", "--pruner scores.safetensors", ROLL),
            refused("label --ply 0", "--pruner scores.safetensors", "--ply", ROLL),
            refused("label --ply 1 --no-prune", "--pruner scores.safetensors", "give one of them", ROLL),
        ],
        "--contested": [changes("label --ply 0", "--contested 3", ROLL)],
        "--sample": [
            changes("label shards --ply 0 --out l.jsonl", "--sample 5"),
            refused("label --ply 0", "--sample 5", "shards", ROLL),
        ],
        "--seed": [changes("label shards --ply 0 --out l.jsonl --sample 5", "--seed 2")],
        "--choose": [
            changes("label shards --ply 0 --out l", "--choose teacher"),
            refused("label --ply 0", "--choose teacher", "labelled shards", ROLL),
        ],
        "--prefer": [
            changes("label shards --ply 0 --out l", "--prefer 0.1"),
            refused("label --ply 0", "--prefer 0.1", "labelled shards", ROLL),
        ],
        "--workers": [changes("label --ply 0", "--workers 1", ROLL)],
        "--skip-bad": [
            changes("label --ply 0", "--skip-bad", "nonsense\n"),
            refused("label game.mat", "--skip-bad", "standard input"),
        ],
    },
    "self-play": {
        "--player": [refused("self-play --games 2 --out a.mat", "--player nobody", "nobody")],
        "--model": [changes("self-play --games 2 --out a.mat", "--model net.safetensors")],
        "--ply": [changes(GAMES, "--ply 1")],
        "--games": [changes(GAMES, "--games 3", drop="--games 2")],
        "--random": [changes(GAMES, "--random 0.5")],
        "--seed": [changes(GAMES, "--seed 2")],
        "--only-forced": [
            changes(GAMES.replace("a.mat", "a"), "--only-forced"),
            refused(GAMES, "--only-forced", "for shards"),
        ],
        "--out": [changes(GAMES, "--out b.mat", drop="--out a.mat")],
        "--workers": [changes(GAMES, "--workers 1")],
    },
    "improve": {
        "--out": [changes("improve --out a", "--out b", drop="--out a")],
        "--model": [changes("improve --out a", "--model net.safetensors")],
        "--rounds": [changes("improve --out a", "--rounds 3")],
        "--games": [changes("improve --out a", "--games 8")],
        "--player": [changes("improve --out a --prefer 0.1", "--player gnubg:0")],
        "--random": [changes("improve --out a", "--random 0.5")],
        "--teacher": [changes("improve --out a", "--teacher gnubg:0")],
        "--ply": [changes("improve --out a", "--ply 2")],
        "--contested": [changes("improve --out a", "--contested 0.1")],
        "--sample": [changes("improve --out a", "--sample 9")],
        "--prefer": [changes("improve --out a --player gnubg:0", "--prefer 0.1")],
        "--pruner": [changes("improve --out a", "--pruner none")],
        "--memory": [changes("improve --out a", "--memory 2")],
        "--also": [changes("improve --out a", "--also shards")],
        "--config": [changes("improve --out a", "--config linear.toml")],
        "--set": [changes("improve --out a", "--set batch_size=7")],
        "--seed": [changes("improve --out a", "--seed 2")],
        "--workers": [changes("improve --out a", "--workers 1")],
        "--device": [changes("improve --out a", "--device cuda")],
    },
    "decisions": {
        "--forced": [changes("decisions game.mat", "--forced")],
        "--stakes": [changes("decisions game.mat", "--stakes")],
    },
    "play": {
        "--model": [changes(ALONE, "--model net.safetensors", "quit\n")],
        "--ply": [
            changes(ALONE, "--ply 1", "quit\n"),
            refused(GAME, "--ply 1", "for models"),
            refused(f"{ALONE} --level casual", "--ply 1", "without look-ahead"),
        ],
        "--filter": [changes(f"{ALONE} --ply 1", "--filter huge", "quit\n"), refused(ALONE, "--filter huge", "--ply")],
        "--time": [
            changes(f"{ALONE} --ply 1", "--time 9", "quit\n"),
            refused(f"{ALONE} --ply 0", "--time 1", "--time"),
        ],
        "--rollout": [changes(f"{ALONE} --ply 0", "--rollout 36", "quit\n"), refused(GAME, "--rollout", "for models")],
        "--error": [
            changes(f"{ALONE} --ply 0 --rollout 36", "--error 1", "quit\n"),
            refused(ALONE, "--error 0.1", "--rollout"),
        ],
        "--no-prune": [changes(f"{ALONE} --ply 1", "--no-prune", "quit\n"), refused(ALONE, "--no-prune", "--ply")],
        "--level": [
            changes(ALONE, "--level casual", "quit\n"),
            refused(f"{ALONE} --opponent pipcount", "--level casual", "behind --opponent"),
        ],
        "--opponent": [changes(ALONE, "--opponent pipcount", "quit\n")],
        "--as": [
            changes(ALONE, "--as ann.safetensors", "quit\n"),
            refused(f"{ALONE} --opponent random", "--as ann.safetensors", "one opponent"),
        ],
        "--length": [
            changes(ALONE, "--length 3", "quit\n"),
            refused("play game.json", "--length 3", "--length"),
        ],
        "--games": [
            changes(GAME.removesuffix(" --games 1"), "--games 2"),
            refused(f"{ALONE} --length 3", "--games 2", "not both"),
        ],
        "--seed": [changes(GAME, "--seed 2", drop="--seed 1")],
        "--position": [changes(ALONE, f"--position {XGID}", "quit\n")],
        "--dice": [
            changes(f"{ALONE} --position {START}", "--dice 31", "quit\n"),
            refused(ALONE, "--dice 31", "--position"),
        ],
        "--cube": [
            changes(ALONE, "--no-cube", "quit\n"),
            refused("play game.json", "--no-cube", "saved match"),
        ],
        "--jacoby": [
            changes(f"{ALONE} --games 1", "--jacoby", "resign gammon\n"),
            refused(f"{ALONE} --no-cube", "--jacoby", "--no-cube"),
            refused(f"{ALONE} --length 3", "--jacoby", "money play"),
        ],
        "--beavers": [
            changes(f"{ALONE} --position {BEFORE_ROLL}", "--beavers", "double\nquit\n"),
            refused(f"{ALONE} --no-cube", "--beavers", "--no-cube"),
            refused(f"{ALONE} --length 3", "--beavers", "money play"),
        ],
        "--manual-dice": [changes(ALONE, "--manual-dice", "quit\n")],
        "--name": [
            changes(ALONE, "--name Ann", "quit\n"),
            refused(GAME, "--name Ann", "--watch"),
            refused("play game.json", "--name Ann", "saved match"),
        ],
        "--save": [
            changes(SAVED, "--save x.mat"),
            refused(GAME, "--save x.mat", "--no-save"),
        ],
        "--no-save": [changes(SAVED, "--no-save")],
        "--no-board": [changes(GAME.replace(" --no-board", ""), "--no-board")],
        "--watch": [changes(f"{ALONE} --opponent pipcount", "--watch pipcount", "quit\n")],
        "--tutor": [changes(ALONE, "--tutor", "quit\n"), refused(GAME, "--tutor", "--watch")],
    },
    "web": {
        **served("web --no-browser --data data"),
        "--no-browser": [changes("web --port 0 --data data", "--no-browser")],
        "--data": [changes("web --port 0 --no-browser", "--data data")],
    },
    "hint": {
        "--dice": [
            changes(f"hint {XGID}", "--dice 31"),
            refused(f"hint {XGID.replace(':52:', ':D:')}", "--dice 31", "leave --dice away"),
        ],
        "--model": [changes(f"hint {XGID}", "--model net.safetensors")],
        "--ply": [changes(f"hint {XGID}", "--ply 1"), changes(f"hint {CUBE}", "--ply 1")],
        **depth_lines(f"hint {START} --dice 31 --json", f"hint {XGID}"),
        "--rollout": [
            changes(f"hint {START} --dice 31 --json --ply 0 --model net.safetensors", "--rollout 36"),
            changes(f"hint {XGID} --model net.safetensors", "--rollout 36"),
        ],
        "--time": [
            changes(f"hint {START} --dice 31 --ply 1", "--time 100"),
            refused(f"hint {XGID}", "--time 1", "--cubeless"),
        ],
        "--count": [
            changes(f"hint {XGID}", "--count 2"),
            refused(f"hint {XGID} --json", "--count 2", "every play"),
            refused(f"hint {CUBE}", "--count 2", "with dice"),
        ],
        "--cubeless": [
            changes(f"hint {XGID}", "--cubeless"),
            refused(f"hint {START} --dice 31", "--cubeless", "neither score nor cube"),
        ],
        "--json": [changes(f"hint {XGID}", "--json")],
    },
    "duel": {
        "--games": [changes("duel random pipcount", "--games 4")],
        "--seed": [changes("duel random pipcount --games 4", "--seed 2")],
        "--ply": [
            changes("duel net.safetensors pipcount --games 2", "--ply 1"),
            refused("duel random pipcount --games 2", "--ply 1", "for models"),
            refused("duel model:casual net.safetensors@1 --games 2", "--ply 1", "for models"),
        ],
        "--filter": [
            changes("duel net.safetensors pipcount --games 2 --ply 1", "--filter tiny"),
            refused("duel net.safetensors pipcount --games 2", "--filter tiny", "--ply"),
        ],
        "--time": [refused("duel net.safetensors pipcount --games 2 --ply 0", "--time 1", "--time")],
        "--rollout": [refused("duel random pipcount --games 2", "--rollout 36", "for models")],
        "--error": [refused("duel net.safetensors pipcount --games 2", "--error 0.1", "--rollout")],
        "--no-prune": [
            changes("duel net.safetensors pipcount --games 2 --ply 1", "--no-prune"),
            refused("duel net.safetensors pipcount --games 2", "--no-prune", "--ply"),
        ],
        "--luck": [changes("duel random pipcount --games 4", "--luck net.safetensors")],
        "--cube": [changes(MATCHED, "--cube"), refused(f"{MATCHED} --length 3", "--cube", "leave out --cube")],
        "--jacoby": [changes(f"{MATCHED} --cube", "--jacoby"), refused(MATCHED, "--jacoby", "add --cube")],
        "--beavers": [changes(f"{MATCHED} --cube", "--beavers"), refused(MATCHED, "--beavers", "add --cube")],
        "--length": [changes(MATCHED, "--length 1")],
        "--sprt": [changes("duel random pipcount --games 200", "--sprt -1 0")],
        "--threads": [
            changes("duel net.safetensors pipcount --games 2", "--threads 3"),
            refused("duel random pipcount --games 2", "--threads 3", "a model"),
            refused("duel net.safetensors pipcount --games 2 --workers 1", "--threads 3", "give one of them"),
        ],
        "--workers": [
            changes("duel random pipcount --games 2", "--workers 1"),
            refused("duel net.safetensors pipcount --games 2 --time 1", "--workers 1", "clock"),
        ],
        "--json": [changes("duel random pipcount --games 4", "--json")],
    },
    "analyse": {
        "--filter": [
            changes("analyse game.mat --ply 1 --model net.safetensors", "--filter tiny"),
            refused("analyse game.mat --ply 0", "--filter tiny", "--ply"),
        ],
        "--time": [
            changes(JUDGED, "--time 9", is_slow=True),
            refused("analyse game.mat", "--time 1", "--cubeless"),
            refused("analyse game.mat --cubeless --ply 0", "--time 1", "--time"),
        ],
        "--rollout": [
            changes(JUDGED, "--rollout 36", is_slow=True),
            refused("analyse game.mat --cubeless", "--rollout 100", "multiple of 36"),
        ],
        "--error": [
            changes(f"{JUDGED} --rollout 36", "--error 1", is_slow=True),
            refused("analyse game.mat --cubeless", "--error 0.1", "--rollout"),
        ],
        "--no-prune": [
            changes("analyse game.mat --ply 1 --model net.safetensors", "--no-prune"),
            refused("analyse game.mat --ply 0", "--no-prune", "--ply"),
        ],
        "--cubeless": [changes("analyse game.mat --ply 0", "--cubeless")],
        "--json": [
            changes("analyse game.mat --ply 0", "--json"),
            refused("analyse game.mat --ply 0 --out report.txt", "--json", "leave out --out"),
        ],
        "--seed": [
            changes(f"{JUDGED} --rollout 36", "--seed 2", is_slow=True),
            refused("analyse game.mat --ply 0 --cubeless", "--seed 2", "--rollout"),
        ],
        "--model": [changes("analyse game.mat --ply 0", "--model net.safetensors")],
        "--ply": [changes("analyse game.mat --model net.safetensors", "--ply 0")],
        "--worst": [changes("analyse game.mat --ply 0", "--worst 1")],
        "--out": [changes("analyse game.mat --ply 0", "--out report.txt")],
        "--threads": [changes("analyse game.mat --ply 0", "--threads 3")],
    },
    "coach": {
        "--player": [refused("coach game.mat --out a", "--player nobody", "no unforced play")],
        "--people": [refused(COACH, "--people none.safetensors", "none.safetensors")],
        "--out": [changes("coach game.mat --player pipcount", "--out a", is_slow=True)],
        "--seed": [changes(COACH, "--seed 2", is_slow=True)],
        "--json": [changes(COACH, "--json", is_slow=True)],
    },
    "convert": {
        "--out": [changes("convert game.mat", "--out game.sgf")],
        "--format": [changes("convert game.mat", "--format sgf")],
        "--verbatim": [changes("convert odd.mat --format jsonl", "--verbatim")],
    },
    "bearoff build": {
        "--points": [changes("bearoff build --folder t --exact-points 2 --checkers 2", "--points 2")],
        "--exact-points": [changes("bearoff build --folder t --points 3 --checkers 2", "--exact-points 2")],
        "--checkers": [changes("bearoff build --folder t --points 2 --exact-points 2", "--checkers 2")],
        "--folder": [changes("bearoff build --points 2 --exact-points 2 --checkers 2", "--folder t")],
        "--force": [changes(KEPT, "--force")],
        "--workers": [changes("bearoff build --folder t --points 2 --exact-points 2 --checkers 2", "--workers 1")],
    },
    "ids": {"--json": [changes(f"ids {START}", "--json")]},
    "serve-gnubg": {
        **served("serve-gnubg"),
        "--ply": [changes("serve-gnubg --port 0", "--ply 1")],
        "--jacoby": [changes("serve-gnubg --port 0", "--jacoby")],
        "--log": [changes("serve-gnubg --port 0", "--log")],
    },
    "ubgi": {"--model": [changes("ubgi", "--model net.safetensors", "quit\n")]},
    "serve-http": {**served("serve-http"), "--ply": [changes("serve-http --port 0", "--ply 1")]},
    "doctor": {"--json": [changes("doctor", "--json")]},
}

LINES = [(command, option, line) for command, lines in TABLE.items() for option, all_ in lines.items() for line in all_]


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its name, those of groups too."""
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())
        else:
            yield name, command


def options_of(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option)]


TIMED = ("summary.json", "log.jsonl", "state.safetensors")
"""Files of a training run that say how long it took."""


@dataclass
class Trace:
    """What a command did."""

    exit_code: int
    output: str
    files: dict[str, str]
    engines: list[Any] = field(default_factory=list)
    doors: list[Any] = field(default_factory=list)


@pytest.fixture(scope="module")
def source(one_net: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the command lines name."""
    del one_net
    folder = tmp_path_factory.mktemp("options")
    nets = {
        "net": NetworkConfig(hidden=(8,), outcomes=True),
        "scores": NetworkConfig(hidden=(8,)),
        "phase": NetworkConfig(hidden=(8,), head="phase"),
    }
    for name, network in nets.items():
        write_random_net(folder / f"{name}.safetensors", network, seed=5)
    shipped_people().save(folder / "ann.safetensors")
    session = SavedSession(("Ann", "Bob"), seed=4, length=1)
    while len(session.turns) < 3:
        if session.state.stage is not Stage.PLAY:
            session.throw_dice()
        session.play(0)
    session.save(folder / "game.json")
    (folder / "linear.toml").write_text("epochs = 1\n[network]\nhidden = []\n")
    (folder / "hidden.toml").write_text("epochs = 1\n[network]\nhidden = [8]\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in (
            f"{SAVED.replace('--games 1', '--games 2')} --save game.mat",
            "label game.mat --ply 0 --out labels.jsonl",
            SHARDS,
            KEPT,
        ):
            assert CliRunner().invoke(main, shlex.split(line)).exit_code == 0, line
    text = (folder / "game.mat").read_text()
    (folder / "odd.mat").write_text(re.sub(r"(\d+/\d+) (\d+/\d+)", r"\2 \1", text))  # moves in another order
    return folder


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module", autouse=True)
def one_net() -> Iterator[None]:
    with kept_parts():
        yield


Run = Callable[[str, str], Trace]


@pytest.fixture
def run(source: Path, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line in a fresh copy of the folder and says what it did."""
    place = tmp_path / "place"
    engines: list[Any] = []
    doors: list[Any] = []

    def build(spec: Any, *others: Any) -> Any:
        engines.append(spec)
        return build_engine(spec, *others)

    def external(*arguments: Any) -> Any:
        host, number, _, logger, jacoby = arguments
        doors.append((host, number, logger is not None, jacoby))
        return server_of_gnubg(*arguments)

    def pack(spec: Any) -> Any:
        engines.append(spec)
        return pack_teacher(spec)

    def name_workers(name: str | None) -> Any:
        doors.append(name)
        return workers_named(name)

    class Plan:
        """What `improve` would do."""

        def __init__(self, *plan: Any) -> None:
            doors.append(plan)

        def run(self, rounds: int, *_: Any) -> tuple[()]:
            doors.append(rounds)
            return ()

    pack_teacher, workers_named = teacher.pack_teacher, workers.workers_named
    monkeypatch.setattr(teacher, "pack_teacher", pack)
    monkeypatch.setattr(workers, "workers_named", name_workers)
    monkeypatch.setattr(improvement, "Improvement", Plan)

    def store(path: Path) -> Any:
        doors.append(path.parent.name)
        return kept_errors(path)

    kept_errors = error_store.ErrorStore
    build_engine = engine_builder.build_engine
    server_of_gnubg = external_player.ExternalPlayerServer
    for module in (engine_builder, packed_model, player_spec):  # who have it by name
        monkeypatch.setattr(module, "build_engine", build)
    monkeypatch.setattr(external_player, "ExternalPlayerServer", external)
    monkeypatch.setattr(server_of_gnubg, "serve_forever", lambda _: None)
    monkeypatch.setattr(HttpServer, "serve_forever", lambda _: None)
    monkeypatch.setattr(webbrowser, "open", lambda _: doors.append("browser"))
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "token")
    monkeypatch.setattr(error_store, "ErrorStore", store)
    monkeypatch.setenv("PAIRGAMMON_DATA", str(place / "home"))

    def call(line: str, text: str) -> Trace:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(source, place)
        monkeypatch.chdir(place)
        engines.clear()
        doors.clear()
        found = CliRunner().invoke(main, shlex.split(line.replace("PORT", str(port))), input=text)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        files = {
            steady(str(path.relative_to(place)), port): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(place.rglob("*"))
            if path.is_file() and path.name not in TIMED
        }
        return Trace(found.exit_code, steady(found.output, port), files, list(engines), list(doors))

    return call


def steady(text: str, port: int) -> str:
    """An output without what differs from run to run: times, rates, free ports."""
    text = re.sub(r"[\d.,]+ (s|ms|games/s|plies/s|decisions/s)\b", "TIME", text)
    text = re.sub(r"[\d,]+ (streamed|on batches)", "RATE", text)
    text = re.sub(r"pairgammon-[\d-]+", "pairgammon-TIME", text)
    text = re.sub(r"(127\.0\.0\.\d):(\d+)", lambda m: f"{m[1]}:{m[2] if int(m[2]) == port else 'FREE'}", text)
    return re.sub(r'"seconds": [\d.]+', "TIME", text)


QUICK = [one for one in LINES if one[2].words is not None]


def name_of(one: Any) -> str:
    return str(one) if isinstance(one, str) else f"{one.base[-20:]} {one.added}"


@pytest.mark.parametrize(("command", "option", "line"), QUICK, ids=name_of)
def test_an_option_is_refused_where_it_would_change_nothing(run: Run, command: str, option: str, line: Line) -> None:
    check(run, command, option, line)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "option", "line"), [one for one in LINES if one[2].words is None], ids=name_of)
def test_an_option_changes_something(run: Run, command: str, option: str, line: Line) -> None:
    check(run, command, option, line)


BASES: dict[tuple[str, str], Trace] = {}
"""What command lines do without the option, run twice the first time."""


def check(run: Run, command: str, option: str, line: Line) -> None:
    assert line.base.startswith(command)
    with_option = run(f"{line.base.replace(line.drop, '')} {line.added}", line.text)
    if line.words is not None:
        assert with_option.exit_code in (1, 2), with_option.output
        assert line.words in with_option.output, with_option.output
        return
    if (line.base, line.text) not in BASES:
        again = run(line.base, line.text)
        assert again == run(line.base, line.text), "the command line itself gives two things"
        BASES[line.base, line.text] = again
    base = BASES[line.base, line.text]
    assert 0 in (base.exit_code, with_option.exit_code), with_option.output
    assert base != with_option, f"{option} changes nothing"


def test_every_option_stands_in_the_table() -> None:
    found = {name: {one.opts[0] for one in options_of(command)} for name, command in commands()}
    assert {name: set(lines) for name, lines in TABLE.items()} == found


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_an_option_with_one_value_is_refused_twice(name: str) -> None:
    command = dict(commands())[name]
    for option in options_of(command):
        if option.is_flag or option.multiple or option.is_eager:
            continue
        values = ["1"] * option.nargs
        done = CliRunner().invoke(main, [*name.split(), option.opts[0], *values, option.opts[0], *values])
        assert done.exit_code == 2
        assert "twice" in done.output, (name, option.opts[0], done.output)
