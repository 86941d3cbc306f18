"""The report as one HTML file: no script from elsewhere, no font, no picture that is not in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from backgammon.analysis.candidate_table import behind_text, chances_text, equity_text, level_text, play_text
from backgammon.analysis.chart import equity_chart
from backgammon.analysis.judging import JudgedGame, JudgedRoll
from backgammon.analysis.report import (
    Report,
    cube_texts,
    figure_rows,
    judge_of,
    notes_of,
    problem_texts,
    roll_text,
    title_of,
)
from backgammon.analysis.scales import GNUBG_MARKS, find_mark
from backgammon.notation.svg import board_svg, play_arrows
from backgammon.search import RankedCandidate

SHOWN_CANDIDATES = 6
BEST_COLOUR, PLAYED_COLOUR = "#3fae49", "#e8872b"

_STYLE = """
:root{color-scheme:light dark;--ink:#1d1d1f;--soft:#6b6b72;--line:#d9d6cf;--page:#faf8f4;--card:#fff;--mark:#b3451f}
@media(prefers-color-scheme:dark){:root{--ink:#ecebe8;--soft:#a09fa6;--line:#3b3a40;--page:#1a1a1d;--card:#242428;
--mark:#f0905f}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1060px;margin:0 auto;padding:24px 16px 64px}h1{font-size:1.6rem;margin:.2em 0}
h2{font-size:1.2rem;margin:2em 0 .6em}h3{font-size:1rem;margin:0 0 .4em}
p,li{color:var(--soft)}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:4px 10px 4px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600}td.n,th.n{text-align:right}.scroll{overflow-x:auto}
.play{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px;margin:0 0 18px;
display:grid;grid-template-columns:minmax(260px,5fr) 7fr;gap:18px}@media(max-width:760px){.play{display:block}}
.play svg{width:100%;height:auto;display:block}.played td{font-weight:600}
.play td,.play th{white-space:nowrap}.loss{color:var(--mark);font-weight:600}
code{font:13px ui-monospace,monospace;user-select:all;overflow-wrap:anywhere}
details{margin:.6em 0}summary{cursor:pointer}.chart{width:100%;height:auto;background:var(--card);
border:1px solid var(--line);border-radius:10px}.best{color:#2c8c37}.key{display:inline-block;width:.8em;height:.8em;
border-radius:50%;margin:0 .35em 0 .8em}
"""


def render_page(reports: Sequence[Report]) -> str:
    """The page of one or more matches."""
    title = title_of(reports[0]) if len(reports) == 1 else f"{len(reports)} matches"
    body = "".join(part for report in reports for part in _report(report))
    texts = dict.fromkeys(note for report in reports for note in notes_of(report))
    notes = "".join(f"<li>{escape(note)}</li>" for note in texts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}"
        f"<h2>How to read this</h2><ul>{notes}</ul></main></body></html>\n"
    )


def _report(report: Report) -> Iterable[str]:
    yield f"<h1>{escape(title_of(report))}</h1><p>{escape(judge_of(report))}</p>"
    rows = "".join(
        f"<tr><th>{escape(label)}</th><td>{escape(one)}</td><td>{escape(other)}</td></tr>"
        for label, one, other in figure_rows(report)
    )
    names = "".join(f"<th>{escape(name)}</th>" for name in report.match.players)
    yield f'<div class="scroll"><table><tr><th></th>{names}</tr>{rows}</table></div>'
    yield f"<h2>Equity of {escape(report.match.players[0])} after every roll</h2>{equity_chart(report.match)}"
    if report.worst:
        yield f"<h2>The {len(report.worst)} plays that lost most</h2>"
        yield f'<p><span class="key" style="background:{BEST_COLOUR}"></span>best'
        yield f'<span class="key" style="background:{PLAYED_COLOUR}"></span>played; the player who moves has the light '
        yield "checkers and bears off bottom right</p>"
        yield from (_worst(report, roll) for roll in report.worst)
    for heading, texts in (("Cube actions, not judged", cube_texts(report)), ("Not followed", problem_texts(report))):
        if texts:
            items = "".join(f"<li>{escape(text)}</li>" for text in texts)
            yield f"<h2>{heading}</h2><ul>{items}</ul>"
    yield "<h2>Every roll</h2>"
    yield from (_game(report, game) for game in report.match.games)


def _worst(report: Report, roll: JudgedRoll) -> str:
    """A play with its board, candidates and identifiers."""
    plays = roll.decision.plays
    arrows = (
        *play_arrows(plays[roll.ranked[0].row], BEST_COLOUR),
        *play_arrows(plays[roll.chosen.row], PLAYED_COLOUR),
    )
    owner = roll.identifier.match.cube_owner
    side = 0 if owner < 0 else 1 if owner == roll.seat else -1
    text = roll_text(report, roll)
    board = board_svg(roll.decision.position, roll.decision.roll, arrows, roll.cube, side, text)
    shown = [one for place, one in enumerate(roll.ranked) if place < SHOWN_CANDIDATES or one is roll.chosen]
    rows = "".join(_candidate(roll, one) for one in shown)
    return (
        f'<section class="play"><div>{board}</div><div><h3>{escape(text)}</h3><div class="scroll"><table>'
        '<tr><th>play</th><th class="n">equity</th><th class="n">behind</th><th>win g bg - lose g bg, %</th>'
        f"<th>depth</th></tr>{rows}</table></div><p><code>{roll.identifier.xgid}</code><br>"
        f"<code>{roll.identifier.position_id}:{roll.identifier.match_id}</code></p></div></section>"
    )


def _candidate(roll: JudgedRoll, one: RankedCandidate) -> str:
    mark = ' class="played"' if one.row == roll.decision.chosen else ""
    behind = behind_text(roll.ranked[0], one)
    return (
        f'<tr{mark}><td>{escape(play_text(roll.decision, one.row))}</td><td class="n">{equity_text(one)}</td>'
        f'<td class="n">{behind}</td><td>{chances_text(one.outcomes)}</td><td>{level_text(one)}</td></tr>'
    )


def _game(report: Report, game: JudgedGame) -> str:
    """A list of all rolls, folded away."""
    result = "result unknown" if game.points is None else _result(report, game.points)
    score = f", score {game.score.points[0]}-{game.score.points[1]}" if report.match.length else ""
    rows = "".join(_roll(report, roll) for roll in game.rolls)
    return (
        f"<details><summary>Game {game.number}{score}: {escape(result)}, net luck {game.net_luck:+.3f}</summary>"
        '<div class="scroll"><table><tr><th class="n">roll</th><th>player</th><th>dice</th><th>play</th>'
        f'<th class="n">lost</th><th class="n">luck</th><th class="n">equity</th></tr>{rows}</table></div></details>'
    )


def _result(report: Report, points: int) -> str:
    winner = report.match.players[0 if points > 0 else 1]
    return f"{winner} wins {abs(points)} point{'s'[: abs(points) != 1]}"


def _roll(report: Report, roll: JudgedRoll) -> str:
    mark = find_mark(roll.loss, GNUBG_MARKS)
    lost = f'<span class="loss">{roll.loss:.3f} {mark.sign}</span>' if mark else f"{roll.loss:.3f}"
    return (
        f'<tr><td class="n">{roll.roll + 1}</td><td>{escape(report.match.players[roll.seat])}</td>'
        f"<td>{roll.decision.roll}</td><td>{escape(play_text(roll.decision, roll.chosen.row))}</td>"
        f'<td class="n">{lost if roll.is_counted else ""}</td><td class="n">{roll.luck:+.3f}</td>'
        f'<td class="n">{roll.chosen.equity:+.3f}</td></tr>'
    )
