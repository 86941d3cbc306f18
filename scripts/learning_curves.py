"""What more data, a larger net and more rounds of expert iteration buy: dev loss, measured and drawn.

    pairgammon self-play --player gnubg:0 --games 30000 --random 0 --random 0 --random .2 --seed 91 --out SHARDS
    python -m scripts.learning_curves train SHARDS --labels FILE ... --work DIR --out docs/learning-curves.jsonl
    python -m scripts.learning_curves judge NAME [TEXT=]MODEL... --labels FILE ... --out FILE.jsonl
    python -m scripts.learning_curves draw docs/learning-curves.jsonl docs/learning-curves.svg

`train` learns from the choices alone (listwise, ten candidates of each decision, patterns, six experts by phase, no
outcomes), one seed: nets of one size from more and more games, and nets of several sizes from the most games. Every
net sees the same number of decisions, those with fewer games the same ones again. `judge` takes the nets of a chain, in
order, with a TEXT for the axis. LABELS are decisions with the equity of every candidate; the loss is that of
`pairgammon evaluate`, without the bear-off tables, so a figure may differ from one with them in the second digit.

What is in the output already is not measured again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import click
import numpy as np

from backgammon.learner.data.decision_shards import take_decisions
from backgammon.learner.data.shards import Shards, open_shards
from backgammon.learner.measure.label_scores import score_choices, unforced
from backgammon.learner.net.scorer import load_scorer
from backgammon.learner.training.shard_training import train_on_shards
from backgammon.records import read_labels
from backgammon.tools.storage import replace_file
from comparison_net.config import TrainConfig
from comparison_net.network_config import NetworkConfig
from comparison_net.training.run_folder import RunFolder
from scripts.draw_curve import COLOURS, tick_step
from scripts.program import Program

GAMES = (1_000, 4_000, 16_000)
SHAPES = ((64, 16), (128, 32), (256, 32), (512, 64))
USUAL_SHAPE = (256, 32)

Row = dict[str, Any]


def cells() -> Iterator[tuple[str, float, int, tuple[int, int]]]:
    """(curve, place on its axis, games, widths) of every net that `train` makes; some serve both curves."""
    for games in GAMES:
        yield "games", games, games, USUAL_SHAPE
    for shape in SHAPES:
        yield "units", shape[0], GAMES[-1], shape


def train_cell(shards: Shards, games: int, shape: tuple[int, int], most: int, work: Path) -> Path:
    """Train one net, or find it; gives its run folder.

    Args:
        shards: of independent games.
        games: take the first so many.
        shape: widths of the two hidden layers.
        most: decisions in the largest number of games.
        work: holds sets and runs.
    """
    data = work / f"{games}"
    rows = np.flatnonzero(shards.game < games)
    if not data.exists():
        take_decisions(shards, rows, data)
    config = TrainConfig(
        NetworkConfig(hidden=shape, head="phase", inputs="patterns"),
        epochs=max(1, round(most / len(rows))),
        batch_decisions=512,
        sampled_candidates=10,
        weight_decay=0.1,
        held_out=0.0,
        patience=0,
    )
    run = work / f"{games}-{shape[0]}-{shape[1]}"
    train_on_shards(open_shards(data), config, run, resume=RunFolder(run).is_started)
    return run


def judge(model: str | Path, labels: list[Path]) -> dict[str, Any]:
    """Agreement and loss, with its 95 % half-width, of a model by the file of labels."""
    scorer = load_scorer(model)
    found: dict[str, Any] = {}
    for path in labels:
        labelled = unforced(read_labels([path])[0])
        scores = score_choices(labelled, scorer.choose(labelled.decisions.boards, labelled.decisions.dice)).overall
        assert scores.loss is not None
        name = path.name.split(".")[0]
        found[name] = {
            "agreement": round(scores.agreement.value, 4),
            "loss": round(scores.loss.value, 3),
            "half_width": round(scores.loss.half_width or 0.0, 3),
        }
    return found


def read_rows(path: Path) -> list[Row]:
    """What has been measured."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def add_row(path: Path, row: Row) -> None:
    """Keep one more measurement, unless the same place of the curve is there."""
    rows = [*read_rows(path), row]
    replace_file(path, ("\n".join(json.dumps(one) for one in rows) + "\n").encode())
    print(json.dumps(row), flush=True)


def is_there(path: Path, curve: str, x: float) -> bool:
    """True when a place has been measured."""
    return any(row["curve"] == curve and row["x"] == x for row in read_rows(path))


def measure_cells(source: Path, labels: list[Path], work: Path, out: Path) -> None:
    """Every net of `cells`."""
    shards = open_shards(source)
    most = int((shards.game < GAMES[-1]).sum())
    work.mkdir(parents=True, exist_ok=True)
    for curve, x, games, shape in cells():
        if not is_there(out, curve, x):
            run = train_cell(shards, games, shape, most, work)
            row = {"curve": curve, "x": x, "games": games, "hidden": list(shape), "decisions": most}
            add_row(out, {**row, **judge(run / "last.safetensors", labels)})


WIDTH, HEIGHT, PANEL = 960, 340, 300
TOP, BOTTOM = 64, 272


def _panel(rows: list[Row], names: list[str], title: str, left: float, is_logarithmic: bool) -> Iterator[str]:
    """One curve for each file of labels, the loss from 0 upwards."""
    places = [math.log2(row["x"]) if is_logarithmic else row["x"] for row in rows]
    first, last = min(places), max(places)
    highest: float = max(row[name]["loss"] + row[name]["half_width"] for row in rows for name in names)
    step = tick_step(highest)
    right = left + PANEL - 60

    def x(place: float) -> float:
        return left + (right - left) * ((place - first) / (last - first) if last > first else 0.5)

    top_loss = step * math.ceil(highest / step)

    def y(loss: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * loss / top_loss

    yield f'<text x="{left - 24}" y="48" font-size="13" font-weight="bold" fill="#222222">{escape(title)}</text>'
    for tick in range(math.ceil(highest / step) + 1):
        level = y(tick * step)
        yield f'<line x1="{left}" x2="{right}" y1="{level:.1f}" y2="{level:.1f}" stroke="#dddddd"/>'
        yield f'<text x="{left - 6}" y="{level + 4:.1f}" text-anchor="end" fill="#555555">{tick * step:g}</text>'
    for row, place in zip(rows, places, strict=True):
        text = row.get("label", f"{row['x']:,}")
        yield f'<text x="{x(place):.1f}" y="{BOTTOM + 18}" text-anchor="middle" fill="#555555">{escape(text)}</text>'
    for name, colour in zip(names, COLOURS, strict=False):
        points = [(x(place), y(row[name]["loss"]), row[name]) for row, place in zip(rows, places, strict=True)]
        for across, down, figure in points:
            low, high = y(figure["loss"] - figure["half_width"]), y(figure["loss"] + figure["half_width"])
            yield f'<line x1="{across:.1f}" x2="{across:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{colour}"/>'
            yield f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3" fill="{colour}"/>'
        line = " ".join(f"{across:.1f},{down:.1f}" for across, down, _ in points)
        yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'


def draw(rows: list[Row]) -> str:
    """The three panels as SVG: games, units, and the chains of rounds."""
    names = [name for name, value in rows[0].items() if isinstance(value, dict)]
    curves = list(dict.fromkeys(row["curve"] for row in rows))
    titles = {"games": "games of the expert (256-32)", "units": "units of the first layer (16,000 games)"}
    width = max(WIDTH, PANEL * len(curves) + 60)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" font-family="sans-serif" '
        'font-size="11">',
        f'<rect width="{width}" height="{HEIGHT}" fill="#ffffff"/>',
        '<text x="20" y="24" font-size="15" font-weight="bold" fill="#222222">Loss on the dev sets, millipoints a '
        "decision at 0-ply</text>",
    ]
    for k, curve in enumerate(curves):
        chosen = sorted((row for row in rows if row["curve"] == curve), key=lambda row: float(row["x"]))
        title = titles.get(curve, f"rounds: {curve}")
        parts += _panel(chosen, names, title, 50 + PANEL * k, curve in titles)
    for k, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        parts.append(f'<text x="{20 + 200 * k}" y="{HEIGHT - 14}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


@click.group(help=__doc__)
def main() -> None:
    """One of the three."""


_LABELS = click.option(
    "--labels", multiple=True, required=True, type=click.Path(path_type=Path), help="May be repeated."
)
_OUT = click.option("--out", required=True, type=click.Path(path_type=Path), help="JSON lines, one a net.")


@main.command("train", cls=Program)
@click.argument("shards", type=click.Path(path_type=Path))
@_LABELS
@click.option("--work", required=True, type=click.Path(path_type=Path), metavar="DIR")
@_OUT
def train_command(shards: Path, labels: tuple[Path, ...], work: Path, out: Path) -> None:
    """Nets from more and more games, and of several sizes."""
    measure_cells(shards, list(labels), work, out)


@main.command("judge", cls=Program)
@click.argument("name")
@click.argument("models", nargs=-1, required=True, metavar="[TEXT=]MODEL...")
@_LABELS
@_OUT
def judge_command(name: str, models: tuple[str, ...], labels: tuple[Path, ...], out: Path) -> None:
    """The nets of a chain, in order."""
    for number, model in enumerate(models):
        label, _, path = model.rpartition("=")
        if not is_there(out, name, number):
            row = {"curve": name, "x": number, "label": label or str(number)}
            add_row(out, {**row, **judge(path, list(labels))})


@main.command("draw", cls=Program)
@click.argument("lines", type=click.Path(path_type=Path))
@click.argument("picture", type=click.Path(path_type=Path))
def draw_command(lines: Path, picture: Path) -> None:
    """The picture of what was measured."""
    replace_file(picture, draw(read_rows(lines)).encode())


if __name__ == "__main__":
    main()
