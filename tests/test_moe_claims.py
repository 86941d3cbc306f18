"""The table of claims: which cells it needs, and what it says of them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from scripts.moe_claims import DENSE, TOKEN, Claim, all_claims, names_of, rows
from scripts.moe_experiment import BORROWED, parse_name, read_recipe
from scripts.moe_table import Result

GAMES = np.repeat(np.arange(400), 5)


def result(name: str, loss: float, seeds: int = 3) -> Result:
    """Cells whose decisions lose about so many millipoints."""
    rng = np.random.default_rng(len(name))
    losses = {seed: rng.exponential(20, len(GAMES)) + rng.normal(loss, 4, len(GAMES)) for seed in range(seeds)}
    return Result(name, {}, losses, {seed: (row < 10).astype(float) for seed, row in losses.items()}, {}, {})


def said(claim: Claim, better: float, worse: float, seeds: int = 3) -> str:
    """The last column of a claim's row."""
    cells = {claim.better: result(claim.better, better, seeds), claim.worse: result(claim.worse, worse, seeds)}
    (row,) = rows([claim], cells, GAMES)
    return row.strip("| ").split(" | ")[-1]


def test_every_cell_that_a_claim_needs_can_be_trained_in_the_order_given() -> None:
    names = names_of(all_claims())
    assert {DENSE, TOKEN} <= set(names)
    for place, name in enumerate(names):
        read_recipe(name)
        if name in BORROWED:
            assert BORROWED[name] in names[:place]
        if parse_name(name).is_continued:
            assert DENSE in names[:place]


@pytest.mark.parametrize(
    ("better", "worse", "is_equal", "found"),
    [
        (5.0, 9.0, False, "holds"),
        (9.0, 5.0, False, "refuted"),
        (9.0, 5.0, True, "refuted"),
        (5.0, 9.0, True, "better"),
        (7.0, 7.0, False, r"not seen, [0-9.]+ mpt would be"),
        (7.0, 7.0, True, r"within [0-9.]+ mpt"),
    ],
)
def test_a_claim_is_judged_by_its_interval(better: float, worse: float, is_equal: bool, found: str) -> None:
    claim = Claim("a source", "its claim", TOKEN, DENSE, is_equal)
    assert re.fullmatch(found, said(claim, better, worse))


@pytest.mark.parametrize(("better", "found"), [(2.0, "ahead"), (12.0, "behind"), (7.0, "level")])
def test_one_seed_is_no_verdict(better: float, found: str) -> None:
    assert said(Claim("a source", "its claim", TOKEN, DENSE), better, 7.0, seeds=1) == f"one seed: {found}"


def test_a_claim_without_its_cells_is_said_to_be_untested() -> None:
    (row,) = rows([Claim("a source", "its claim", TOKEN, DENSE)], {DENSE: result(DENSE, 5.0)}, GAMES)
    assert row.endswith("untested |")
