"""The picture of `pairgammon inspect`: four panels, drawn as SVG text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backgammon.learner.measure.inspection import Inspection
from backgammon.rules.phase import PHASES
from backgammon.tools.quoting import page_text

WIDTH, HEIGHT = 1000, 720
COLOURS = (
    "#1b6e5a", "#96402e", "#3a4f8f", "#8a6d1d", "#6b3f7a", "#4d7f2c", "#b0612a", "#2f7d9a",
    "#a33b66", "#5b5b5b", "#7a9a3a", "#c08a3e", "#486b8a", "#8f5a5a",
)  # fmt: skip
"""By expert; they repeat after the last."""
_LEFT, _RIGHT = 130, 610
"""Where the two columns of panels begin."""
_PANEL_WIDTH, _PANEL_HEIGHT = 330, 230
_TOP, _BOTTOM = 120, 435
"""Where the two rows of panels begin."""


def draw_inspection(inspection: Inspection) -> str:
    """The SVG."""
    title = f"{inspection.name}: {inspection.router}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12" fill="#222222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="20" y="26" font-size="16" font-weight="bold">{page_text(title)}</text>',
        *_legend(inspection.experts),
        *_phases(inspection),
        *_game(inspection),
        *_load(inspection),
        *_agreement(inspection),
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _colour(expert: int) -> str:
    return COLOURS[expert % len(COLOURS)]


def _legend(names: Sequence[str]) -> list[str]:
    """Names of the experts beside their colours, seven in a line."""
    parts = []
    for index, name in enumerate(names[:21]):
        x, y = 20 + 135 * (index % 7), 46 + 17 * (index // 7)
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{_colour(index)}"/>')
        parts.append(f'<text x="{x + 15}" y="{y}">{page_text(name)}</text>')
    return parts


def _heading(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y - 10}" font-weight="bold">{page_text(text)}</text>'


def _note(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y + _PANEL_HEIGHT // 2}" fill="#777777">{page_text(text)}</text>'


def _phases(inspection: Inspection) -> list[str]:
    """A bar for each phase, cut by the experts' shares."""
    parts = [_heading(_LEFT, _TOP, "which expert takes which phase")]
    step = _PANEL_HEIGHT / len(PHASES)
    for code, name in enumerate(PHASES):
        y, x = _TOP + code * step, float(_LEFT)
        parts.append(f'<text x="{_LEFT - 8}" y="{y + step / 2 + 4:.1f}" text-anchor="end">{name}</text>')
        count = int(inspection.phase_counts[code])
        parts.append(f'<text x="{_LEFT + _PANEL_WIDTH + 6}" y="{y + step / 2 + 4:.1f}" fill="#777777">{count:,}</text>')
        for expert, share in enumerate(inspection.phase_shares[code]) if count else ():
            width = float(share) * _PANEL_WIDTH
            parts.append(
                f'<rect x="{x:.1f}" y="{y + 3:.1f}" width="{width:.1f}" height="{step - 6:.1f}" '
                f'fill="{_colour(expert)}"/>'
            )
            x += width
    return parts


def _stack(x: float, y: float, places: Sequence[float], shares: Sequence[Sequence[float]]) -> list[str]:
    """Areas stacked to 1, one for each expert; `places` from 0 to 1."""
    levels = np.concatenate([np.zeros((len(shares), 1)), np.cumsum(np.asarray(shares), axis=1)], axis=1)
    xs = [x + _PANEL_WIDTH * place for place in places]
    parts = []
    for expert in range(levels.shape[1] - 1):
        lower = [f"{a:.1f},{y + _PANEL_HEIGHT * (1 - v):.1f}" for a, v in zip(xs, levels[:, expert], strict=True)]
        upper = [f"{a:.1f},{y + _PANEL_HEIGHT * (1 - v):.1f}" for a, v in zip(xs, levels[:, expert + 1], strict=True)]
        parts.append(f'<polygon points="{" ".join([*lower, *reversed(upper)])}" fill="{_colour(expert)}"/>')
    return parts


def _game(inspection: Inspection) -> list[str]:
    """Shares along the first game."""
    game = inspection.game
    places = [index / max(1, len(game) - 1) for index in range(len(game))]
    return [
        _heading(_RIGHT, _TOP, f"gate along a game of {len(game)} plays"),
        *_stack(_RIGHT, _TOP, places, game.tolist()),
        f'<text x="{_RIGHT}" y="{_TOP + _PANEL_HEIGHT + 18}" fill="#777777">first play</text>',
        f'<text x="{_RIGHT + _PANEL_WIDTH}" y="{_TOP + _PANEL_HEIGHT + 18}" text-anchor="end" fill="#777777">'
        "last play</text>",
    ]


def _load(inspection: Inspection) -> list[str]:
    """Load along the training."""
    parts = [_heading(_LEFT, _BOTTOM, "load of the experts in training")]
    if len(inspection.load) < 2:
        return [*parts, _note(_LEFT, _BOTTOM, "no run folder with a log given")]
    last = inspection.load[-1][0]
    places = [step / last for step, _ in inspection.load]
    parts += _stack(_LEFT, _BOTTOM, places, [load for _, load in inspection.load])
    parts.append(
        f'<text x="{_LEFT + _PANEL_WIDTH}" y="{_BOTTOM + _PANEL_HEIGHT + 18}" text-anchor="end" fill="#777777">'
        f"step {last:,}</text>"
    )
    return parts


def _agreement(inspection: Inspection) -> list[str]:
    """Bars of agreement by phase, the dense model's below in grey."""
    versus = " against dense (grey)" if inspection.dense else ""
    parts = [_heading(_RIGHT, _BOTTOM, f"agreement by phase{versus}")]
    if not inspection.agreement:
        return [*parts, _note(_RIGHT, _BOTTOM, "the model was trained without held-out decisions")]
    step = _PANEL_HEIGHT / len(PHASES)
    for code, name in enumerate(PHASES):
        y = _BOTTOM + code * step
        parts.append(f'<text x="{_RIGHT - 8}" y="{y + step / 2 + 4:.1f}" text-anchor="end">{name}</text>')
        rows = [(inspection.agreement, "#1b6e5a"), (inspection.dense or {}, "#aaaaaa")]
        height = (step - 6) / (2 if inspection.dense else 1)
        for index, (rates, colour) in enumerate(rates_and_colour for rates_and_colour in rows if rates_and_colour[0]):
            agreed, total = rates.get(name, (0, 0))
            if not total:
                continue
            top = y + 3 + index * height
            width = _PANEL_WIDTH * agreed / total
            parts.append(
                f'<rect x="{_RIGHT}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'
                f'<text x="{_RIGHT + width + 5:.1f}" y="{top + height / 2 + 4:.1f}">{agreed / total:.3f}</text>'
            )
    return parts
