"""The claims of the papers on routers, each beside what became of it inside a board; in markdown.

    python -m scripts.moe_experiment DIR --judge later --losses soft --seeds 1,2,3 --recipes "NAMES"
    python -m scripts.moe_claims DIR

`--names` prints NAMES, the recipes that the claims need, in an order in which they can be trained. Figures are those of
`scripts.moe_table`: a difference is paired by decision and seed, its interval of 95 % holds the sampling of games and
the spread from seed to seed. A claim *holds* or is *refuted* where its interval excludes 0, else it was *not seen*, and
the smallest true difference that would have been seen four times of five stands beside. The
spread is pooled over the claims; one of a single seed gets no verdict: only who was *ahead*.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from backgammon.learner.inputs.board_domain import BOARDS
from backgammon.records import read_labels
from backgammon.tools.arrays import Float64s, Int64s
from comparison_net.moe.cost import multiply_adds
from scripts.moe_experiment import BORROWED, parse_name, read_recipe
from scripts.moe_sets import JUDGED, judged_set
from scripts.moe_table import Figure, Result, SeedSpread, differences, estimate, pool_seeds, read_results
from scripts.program import program

DENSE, TOKEN, EXPERT = "board-dense", "board-softmax-token", "board-softmax-expert"
SHARES = (10, 25, 50, 100)


class Claim(NamedTuple):
    """What a source says: `better` loses less than `worse`, or not more where `is_equal`."""

    source: str
    text: str
    better: str
    worse: str
    is_equal: bool = False


def all_claims() -> list[Claim]:
    """Every claim, in the order of its source."""
    vmoe, liu, soft = "V-MoE", "Liu et al. 2024", "Puigcerver et al. 2024"
    upcycling, us = "Komatsuzaki et al. 2023", "Do et al. 2025"
    claims = [
        Claim(vmoe, "token choice beats dense at equal cost", TOKEN, DENSE),
        Claim(liu, "expert choice beats token choice", EXPERT, TOKEN),
        Claim(liu, "the same with Sinkhorn plans", "board-sinkhorn-expert", "board-sinkhorn-token"),
        Claim(liu, "a plan of bounded entries is as good as softmax", "board-sparse-expert", EXPERT, is_equal=True),
        Claim(liu, "soft beats token choice at equal cost", "board-soft", TOKEN),
        Claim(liu, "soft beats expert choice at equal cost", "board-soft", EXPERT),
        Claim(soft, "soft with fewer slots is as good as dense, for less", "board-soft-few", DENSE, is_equal=True),
        Claim(
            soft, "soft is as good as a dense net of twice its cost", "board-soft", "board-dense-deep", is_equal=True
        ),
    ]
    for share in SHARES:
        upcycled = f"board-upcycled+{share}"
        claims += [
            Claim(upcycling, f"upcycled beats dense continued, {share} % more", upcycled, f"{DENSE}+{share}"),
            Claim(upcycling, f"upcycled beats scratch, {share} % more", upcycled, f"board-upcycled/{share}"),
        ]
    for name, kind in (("board-us", "trained"), ("board-us-free", "training-free")):
        lean = f"{name}-lean"
        claims += [
            Claim(us, f"{kind} beats token choice", name, TOKEN),
            Claim(us, f"{kind} beats expert choice", name, EXPERT),
            Claim(us, f"{kind} is as good as token choice with 14 % less work of experts", lean, TOKEN, is_equal=True),
        ]
    return claims


def names_of(claims: list[Claim]) -> list[str]:
    """The recipes that are compared, each behind what it starts from or borrows."""
    wanted = dict.fromkeys(name for claim in claims for name in (claim.better, claim.worse))
    return sorted(wanted, key=lambda name: (name in BORROWED, parse_name(name).is_continued))


def verdict(claim: Claim, lost: Figure, seeds: int) -> str:
    """What became of a claim, by the loss of `better` less that of `worse`."""
    low, high = lost.mean - lost.half, lost.mean + lost.half
    if seeds == 1:
        return "one seed: level" if low <= 0 <= high else "one seed: ahead" if high < 0 else "one seed: behind"
    if low > 0:
        return "refuted"
    if claim.is_equal:
        return f"within {high:.2f} mpt" if high > 0 else "better"
    return "holds" if high < 0 else f"not seen, {lost.visible:.2f} mpt would be"


def rows(claims: list[Claim], results: dict[str, Result], games: Int64s) -> list[str]:
    """The rows of the table; claims whose cells are missing are said to be untested.

    Args:
        claims: what to say.
        results: judged cells by recipe.
        games: int64[N] of the judged decisions.
    """
    known = [claim for claim in claims if {claim.better, claim.worse} <= set(results)]
    spread: dict[str, SeedSpread] = {}
    for kind in ("losses", "hits"):
        apart = [differences(getattr(results[one.better], kind), getattr(results[one.worse], kind)) for one in known]
        spread[kind] = pool_seeds(apart)

    def compare(claim: Claim, kind: str) -> Figure:
        values: list[dict[int, Float64s]] = [getattr(results[name], kind) for name in (claim.better, claim.worse)]
        return estimate(differences(*values), games, spread[kind])

    lines = []
    for claim in claims:
        figures = ["", "", "", "untested"]
        if claim in known:
            lost = compare(claim, "losses")
            seeds = len(differences(results[claim.better].losses, results[claim.worse].losses))
            figures = [str(seeds), lost.show(2, "+"), compare(claim, "hits").show(4, "+"), verdict(claim, lost, seeds)]
        costs = [cost_of(name) for name in (claim.better, claim.worse)]
        compared = f"`{claim.better}` − `{claim.worse}`"
        lines.append(" | ".join(["", claim.source, claim.text, compared, f"{costs[0] / costs[1]:.2f}", *figures, ""]))
    return [line.strip() for line in lines]


def cost_of(name: str) -> int:
    """Multiply-adds of an alternative."""
    return multiply_adds(read_recipe(name).network, BOARDS)


@program(__doc__)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR", required=False)
@click.option("--names", "only_names", is_flag=True, help="Print the recipes that the claims need.")
@click.option("--judge", "judged", type=click.Choice(list(JUDGED)), default="later", show_default=True)
def main(folder: Path | None, only_names: bool, judged: str) -> None:
    """Print the table."""
    claims = all_claims()
    if only_names:
        click.echo(" ".join(names_of(claims)))
        return
    if folder is None:
        raise click.UsageError("give the DIR of scripts.moe_experiment")
    results = read_results(folder, "soft", judged)
    labelled, _ = read_labels([judged_set(folder / "sets", judged)])
    games = labelled.decisions.unit
    click.echo(f"{len(labelled):,} decisions of {len(np.unique(games)):,} games\n")
    heads = ("source", "its claim", "compared", "cost", "seeds", "loss, mpt", "agreement", "here")
    click.echo("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    click.echo("\n".join(rows(claims, results, games)))


if __name__ == "__main__":
    main()
