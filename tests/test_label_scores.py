"""Losses on labelled decisions: by hand, and as the command prints them."""

from __future__ import annotations

import json
import lzma
import re
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from backgammon.cli import main
from backgammon.learner.measure.label_scores import score_choices, unforced
from backgammon.records import read_labels
from backgammon.tools.errors import DataError
from scripts import score_labels

ROOT = Path(__file__).resolve().parent.parent
CANDS = [["sGfwATDgc/ABMA", 0.1, 2], ["4HPiASjgc/ABMA", 0.3, 0], ["0HPiATDgc/ABMA", -0.05, 2]]


def write(path: Path, *games: str) -> Path:
    lines = [{"game": game, "id": "4HPwATDgc/ABMA", "dice": [3, 1], "cands": CANDS} for game in games]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_choice_costs_what_it_is_behind_and_what_nobody_judged_is_counted(tmp_path: Path) -> None:
    found = unforced(read_labels([write(tmp_path / "a.jsonl", "a", "a", "b", "b")])[0])
    losses = found.losses.reshape(4, -1)[0]
    best, worse = int(np.nanargmin(losses)), int(np.nanargmax(losses))
    unknown = int(np.flatnonzero(np.isnan(losses))[0])
    assert found.labels is not None
    best = int(found.labels.best[0])
    scores = score_choices(found, np.array([best, worse, unknown, best])).overall
    assert (scores.decisions, scores.games, scores.not_judged) == (4, 2, 0.25)
    assert scores.agreement.value == 0.5
    assert scores.loss is not None
    assert scores.loss.value == pytest.approx(150 / 3, abs=1e-4)


def test_the_command_scores_labelled_decisions(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "a", "b")
    result = CliRunner().invoke(main, ["evaluate", str(path), "--json"], catch_exceptions=False)
    scores = json.loads(result.stdout)["scores"]
    assert scores["overall"]["agreement"]["value"] == 1.0
    assert scores["overall"]["loss"]["value"] == 0.0
    assert [row["name"] for row in scores["by_phase"]] == ["other"]
    (tmp_path / "b.mat").write_text("no labels")
    mixed = CliRunner().invoke(main, ["evaluate", str(tmp_path)])
    assert mixed.exit_code == 1
    assert "one kind at a time" in mixed.stderr


def test_forced_decisions_alone_are_nothing_to_score(tmp_path: Path) -> None:
    line = {"id": "tm3ABwDgc/ABYA", "dice": [3, 1], "cands": [["4HPwATDgc/ABMA", 0.0]]}
    (tmp_path / "a.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(DataError):
        unforced(read_labels([tmp_path / "a.jsonl"])[0])


def test_a_program_beside_a_look_ahead_is_compared_with_it(tmp_path: Path) -> None:
    pytest.importorskip("gnubg")
    labels = tmp_path / "labels.jsonl"
    with lzma.open(ROOT / "data" / "judged" / "gnubg-2ply-23301.jsonl.xz", "rt") as file:
        labels.write_text("".join(islice(file, 40)))
    words = [str(labels), "--ply", "0", "--peer", "gnubg:0"]
    done = CliRunner().invoke(score_labels.main, words, catch_exceptions=False)
    alone = CliRunner().invoke(score_labels.main, words[:1] + words[3:], catch_exceptions=False)
    assert done.output.startswith("against gnubg:0: ")
    own, theirs = (float(re.findall(r"^all .*loss ([\d.]+)", text.output, re.M)[0]) for text in (done, alone))
    assert float(done.output.split()[2]) == pytest.approx(own - theirs, abs=0.02)
    assert CliRunner().invoke(score_labels.main, [*words, "--json"]).exit_code == 2
