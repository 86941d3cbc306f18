"""Processes that train together come to the bytes of one, however many they are and whatever a batch is cut into."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from comparison_net.training.ranks import Ranks, ranks_here

SCRIPT = """
import sys
from pathlib import Path
from comparison_net.config import load_config
from comparison_net.encoders import FeatureEncoder
from comparison_net.training import loop, step
from comparison_net.training.choice_source import ChoiceSource
from tests.choice_makers import made_choices

step.PART_ITEMS = 60
loop.measure_pipeline = lambda *_: {}
out, *heads = sys.argv[1:]
for head in heads:
    settings = ["network.hidden=[12,6]", f"network.head={head}", "epochs=2", "batch_decisions=70", "held_out=0.2",
                "network.experts=3", "threads=1", "checkpoint_steps=3"]
    source = ChoiceSource(made_choices(300, seed=31))
    summary = loop.train(source, FeatureEncoder(3), load_config(overrides=settings), Path(out) / head)
    assert summary["steps"] > 4
"""


@pytest.mark.parametrize(("number", "count"), [(1, 2), (2, 2), (3, 2), (7, 3), (2, 5)])
def test_every_part_has_one_process_in_order_and_the_first_has_some(number: int, count: int) -> None:
    blocks = [list(Ranks(rank, count).block(number)) for rank in range(count)]
    assert [part for block in blocks for part in block] == list(range(number))
    assert blocks[0]
    assert max(map(len, blocks)) - min(map(len, blocks)) <= 1


def test_a_process_by_itself_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    ranks_here.cache_clear()
    assert ranks_here("cpu") == Ranks()
    assert Ranks().any(True)
    assert not Ranks().any(False)
    Ranks().wait()


def start(out: Path, rank: int, count: int, port: int, heads: list[str]) -> subprocess.Popen[bytes]:
    root = Path(__file__).resolve().parent.parent
    together = {"RANK": str(rank), "WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    environment = {**os.environ, **together, "PYTHONPATH": str(root), "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(out), *heads], env=environment)


@pytest.mark.skipif(not Path("/sys/class/net/lo").exists(), reason="the loopback's name is Linux's")
def test_three_processes_come_to_the_bytes_of_one(tmp_path: Path) -> None:
    heads = ["dense", "softmax-token"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [start(tmp_path / "one", 0, 1, port, heads)]
    processes += [start(tmp_path / "three", rank, 3, port, heads) for rank in range(3)]
    try:
        assert [process.wait(timeout=600) for process in processes] == [0, 0, 0, 0]
    finally:
        for process in processes:  # whoever waits for one that failed
            process.kill()
    for head in heads:
        for name in ("model.safetensors", "last.safetensors"):
            alone, together = (tmp_path / folder / head / name for folder in ("one", "three"))
            assert alone.read_bytes() == together.read_bytes(), f"{head}: {name}"
        events = [(tmp_path / folder / head / "log.jsonl").read_text().splitlines() for folder in ("one", "three")]
        assert len(events[0]) == len(events[1]), "one process alone writes the log"
