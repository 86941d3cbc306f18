"""The analysis inside logs is learnt from where the loss asks for it, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from backgammon.cli import main
from backgammon.learner.data.shards import open_shards
from backgammon.notation.gnu_id import position_ids
from backgammon.records import MatchRecord, RollAction, read_records, write_jsonl, write_sgf
from backgammon.rules.board import swap
from tests.test_position_texts import XG_PLAY

ANALYSED = XG_PLAY.replace("XG Roller++", "4-ply      ").replace("Rollout\u00b9", "3-ply   ")  # levels that SGF has too
TINY = ["--epochs", "1", "--set", "network.hidden=[4]", "--set", "held_out=0"]


@pytest.fixture
def texts(tmp_path: Path) -> dict[str, Path]:
    """An analysed position of eXtreme Gammon as it came, and in the formats that hold its analysis."""
    (record,) = read_records(ANALYSED.encode())
    contents = {"xg.txt": ANALYSED, "own.jsonl": write_jsonl(record), "gnubg.sgf": write_sgf(*played())}
    for name, content in contents.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return {name: tmp_path / name for name in contents}


def played() -> list[MatchRecord]:
    """The position with its first play made, and the candidates whose chances are known: what SGF holds."""
    lines = [line for line in ANALYSED.splitlines() if not line.startswith(("    3.", "    4."))]
    records = []
    for record in read_records("\n".join(lines).encode()):
        (game,) = record.games
        (roll,) = game.actions
        assert isinstance(roll, RollAction)
        records.append(replace(record, games=(replace(game, actions=(replace(roll, play="8/5 6/5"),)),)))
    return records


def train(path: Path, out: Path, loss: str) -> Result:
    return CliRunner().invoke(main, ["train", str(path), "--out", str(out), "--loss", loss, *TINY])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("xg.txt", [-0.043, -0.022, 0.159]),
        ("own.jsonl", [-0.043, -0.022, 0.159]),
        ("gnubg.sgf", [-0.022, 0.159]),
    ],
)
def test_a_loss_by_value_reads_the_equities_of_a_log(
    name: str, values: list[float], texts: dict[str, Path], tmp_path: Path
) -> None:
    done = train(texts[name], tmp_path / "run", "soft")
    assert done.exit_code == 0, done.stderr
    assert f"1 labelled decisions, {len(values)} judged candidates" in done.stderr
    shards = open_shards(next(path.parent for path in (tmp_path / "run").rglob("manifest.json")))
    assert shards.equities is not None
    decision = shards.decisions(np.array([0]))
    judged = np.flatnonzero(~np.isnan(shards.equities))
    found = dict(zip(position_ids(swap(decision.candidates[judged])), shards.equities[judged].tolist(), strict=True))
    assert sorted(found.values()) == pytest.approx(values)
    assert found["sGfwATDgc/ABMA"] == pytest.approx(0.159)  # 8/5 6/5


def test_a_loss_by_choice_learns_from_plays_alone(texts: dict[str, Path], tmp_path: Path) -> None:
    done = train(texts["xg.txt"], tmp_path / "run", "listwise")
    assert done.exit_code == 1
    assert "the logs hold no decision to learn from" in done.stderr


def test_a_position_without_a_play_is_explained_to_who_asks_for_plays(texts: dict[str, Path]) -> None:
    for command in ("decisions", "analyse"):
        done = CliRunner().invoke(main, [command, str(texts["xg.txt"])])
        assert done.exit_code == 1
        assert "1 rolls that nobody played; `pairgammon hint` judges" in done.stderr
