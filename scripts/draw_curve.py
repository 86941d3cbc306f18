"""Draw a learning curve, JSON lines in, SVG out.

    python -m scripts.draw_curve docs/maskable-ppo.jsonl seconds win_rate --title "..." > docs/maskable-ppo.svg

The first name is the horizontal axis, the others are curves; all curves are shares from 0 to 1.
"""

from __future__ import annotations

import json
from pathlib import Path
from xml.sax.saxutils import escape

import click

from scripts.program import program

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 620, 62, 310
COLOURS = ("#1b6e5a", "#96402e", "#8a6d1d", "#3a4f8f")


def tick_step(largest: float) -> float:
    """A round distance between at most eight ticks."""
    step = 1.0
    while largest / step > 8:
        step *= 2.5 if str(step).startswith("2") else 2
    return step


def draw(rows: list[dict[str, float]], axis: str, names: list[str], title: str) -> str:
    """The SVG."""
    largest = max(row[axis] for row in rows) or 1.0

    def x(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * value / largest

    def y(share: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * share

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold" fill="#222222">{escape(title)}</text>',
    ]
    for tenth in range(0, 11, 2):
        level = y(tenth / 10)
        parts.append(f'<line x1="{LEFT}" x2="{RIGHT}" y1="{level:.1f}" y2="{level:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{level + 4:.1f}" text-anchor="end" fill="#555555">{tenth * 10} %</text>')
    step, tick = tick_step(largest), 0.0
    while tick <= largest:
        parts.append(
            f'<text x="{x(tick):.1f}" y="{BOTTOM + 18}" text-anchor="middle" fill="#555555">{tick:,.0f}</text>'
        )
        tick += step
    parts.append(f'<text x="{RIGHT}" y="{BOTTOM + 38}" text-anchor="end" fill="#222222">{escape(axis)}</text>')
    for k, name in enumerate(names):
        colour = COLOURS[k % len(COLOURS)]
        points = " ".join(f"{x(row[axis]):.1f},{y(row[name]):.1f}" for row in rows)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        label = f"{name.replace('_', ' ')}: {rows[-1][name]:.1%}"
        parts.append(f'<text x="{LEFT + 190 * k}" y="44" fill="{colour}">{escape(label)}</text>')
    return "\n".join([*parts, "</svg>", ""])


@program(__doc__)
@click.argument("lines", type=click.Path(path_type=Path))
@click.argument("axis")
@click.argument("names", nargs=-1, required=True)
@click.option("--title", default="")
def main(lines: Path, axis: str, names: tuple[str, ...], title: str) -> None:
    """Read, draw, print."""
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    print(draw(rows, axis, list(names), title), end="")


if __name__ == "__main__":
    main()
