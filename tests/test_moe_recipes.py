"""The recipes of the experiment, and what the docs say about the heads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.learner.inputs.head_names import HEADS
from comparison_net.config import load_config
from comparison_net.moe.cost import multiply_adds
from comparison_net.network_config import TOKENS

ROOT = Path(__file__).resolve().parent.parent
RECIPES = sorted((ROOT / "scripts" / "recipes" / "mixtures").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_a_configuration_that_says_what_it_is(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
    load_config(path, domain=BOARDS)


def test_the_recipes_cover_every_head() -> None:
    assert {load_config(path).network.head for path in RECIPES} == set(HEADS)


def test_recipes_of_one_table_cost_the_same() -> None:
    """Equal active multiply-adds, but for those that are there to cost more or less."""
    others = ("-few", "-lean", "-deep", "-upcycled")
    for is_board in (False, True):
        costs = [
            multiply_adds(load_config(path).network, BOARDS)
            for path in RECIPES
            if path.stem.startswith("board-") == is_board and not path.stem.endswith(others)
        ]
        assert max(costs) < 1.06 * min(costs)


def test_the_docs_describe_every_head_with_its_tokens() -> None:
    text = (ROOT / "docs" / "mixture-of-experts.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| ([a-z ]+) \|", text, flags=re.MULTILINE))
    assert set(rows) == set(HEADS) - {"dense"}
    assert all(word in TOKENS for tokens in rows.values() for word in tokens.split(" or "))
