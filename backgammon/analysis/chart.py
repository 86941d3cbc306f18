"""The course of a match as SVG: the equity of seat 0 after every roll, game behind game."""

from __future__ import annotations

from html import escape

from backgammon.analysis.judging import JudgedMatch

WIDTH, HEIGHT = 1000, 260

_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 990, 14, 232
_LIMIT = 3.0
_LINE, _GRID, _INK = "#3a7bd5", "#88868f", "#88868f"


def equity_chart(match: JudgedMatch) -> str:
    """One `<svg>` element; equity in cubeless points from -3 to 3, a vertical line where a game begins."""
    total = max(1, len(match.rolls))
    step = (_RIGHT - _LEFT) / total
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>equity of {escape(match.players[0])} after every roll</title>'
    ]
    for value in range(-3, 4):
        y = _height(value)
        weight = "1.4" if value == 0 else "0.4"
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="{_GRID}" stroke-width="{weight}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="{_INK}">{value:+d}</text>')
    done = 0
    for game in match.games:
        x = _LEFT + step * done
        if done:
            parts.append(f'<path d="M{x:.1f} {_TOP}V{_BOTTOM}" stroke="{_GRID}" stroke-dasharray="3 4"/>')
        parts.append(f'<text x="{x + 4:.1f}" y="{HEIGHT - 8}" fill="{_INK}">{game.number}</text>')
        points = [(x, _height(0.0))]
        for index, roll in enumerate(game.rolls, start=1):
            equity = roll.chosen.equity if roll.seat == 0 else -roll.chosen.equity
            points.append((x + step * index, _height(equity)))
        line = "L".join(f"{px:.1f} {py:.1f}" for px, py in points)
        parts.append(f'<path d="M{line}" fill="none" stroke="{_LINE}" stroke-width="1.8" stroke-linejoin="round"/>')
        done += len(game.rolls)
    return "".join([*parts, "</svg>"])


def _height(equity: float) -> float:
    """Where an equity lies from top to bottom."""
    share = (max(-_LIMIT, min(_LIMIT, equity)) + _LIMIT) / (2 * _LIMIT)
    return _BOTTOM - share * (_BOTTOM - _TOP)
