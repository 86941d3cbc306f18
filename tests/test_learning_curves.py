"""The learning curves: nets that see equally much, measurements that are made once, and a picture of them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from backgammon.learner.data.shards import build_shards, open_shards
from comparison_net.config import load_config
from scripts import learning_curves
from tests.played_games import taste_games


def row(curve: str, x: float, loss: float) -> learning_curves.Row:
    return {"curve": curve, "x": x, "set": {"agreement": 0.5, "loss": loss, "half_width": 0.5}}


def test_every_net_sees_as_many_decisions(tmp_path: Path) -> None:
    shards = build_shards(taste_games(8, seed=3), tmp_path / "shards")
    numbers = sorted(set(shards.game.tolist()))
    most = len(shards)
    seen = {}
    for games in (numbers[1] + 1, numbers[-1] + 1):
        run = learning_curves.train_cell(shards, games, (16, 8), most, tmp_path)
        epochs = load_config(run / "config.toml").epochs
        seen[games] = epochs * len(open_shards(tmp_path / str(games)))
        assert (run / "last.safetensors").exists()
    assert min(seen.values()) > 0.8 * most
    assert max(seen.values()) < 1.2 * most


def test_what_is_measured_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "curves.jsonl"
    assert not learning_curves.is_there(out, "games", 1000)
    learning_curves.add_row(out, row("games", 1000, 9.0))
    learning_curves.add_row(out, row("games", 4000, 7.0))
    assert learning_curves.is_there(out, "games", 1000)
    assert not learning_curves.is_there(out, "units", 1000)
    assert [one["x"] for one in learning_curves.read_rows(out)] == [1000, 4000]


@pytest.mark.parametrize("places", [[1], [64, 128, 512]])
def test_the_picture_shows_every_point(places: list[int]) -> None:
    rows = [row(curve, x, 10.0 / x) for curve in ("games", "a chain & more") for x in places]
    picture = ElementTree.fromstring(learning_curves.draw(rows))
    circles = list(picture.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(circles) == 2 * len(places)
    heights = [float(circle.attrib["cy"]) for circle in circles[: len(places)]]
    assert heights == sorted(heights), "less loss is lower"
