"""The coach's report as text, as plain values, and as one HTML file without anything from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from backgammon.learner.coach.habits import CERTAIN, Fit, Habit
from backgammon.learner.coach.people_inputs import TYPICAL_REGRET
from backgammon.learner.coach.study import FEWEST_PLAYS, Study
from backgammon.notation.gnu_id import position_id
from backgammon.notation.play_text import format_play
from backgammon.notation.svg import board_svg, play_arrows
from backgammon.rules.decision import Decision
from backgammon.tools.intervals import Estimate
from backgammon.tools.quoting import page_text

SHOWN_HABITS = 15
OWN_COLOUR = "#e8872b"

_STYLE = """
:root{color-scheme:light dark;--ink:#1d1d1f;--soft:#6b6b72;--line:#d9d6cf;--page:#faf8f4;--card:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#ecebe8;--soft:#a09fa6;--line:#3b3a40;--page:#1a1a1d;--card:#242428}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:980px;margin:0 auto;padding:24px 16px 64px}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2em}
p,li{color:var(--soft)}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:4px 10px 4px 0;text-align:left;border-bottom:1px solid var(--line)}td.n,th.n{text-align:right}
.scroll{overflow-x:auto}.plays{display:grid;grid-template-columns:repeat(auto-fill,minmax(280px,1fr));gap:16px}
.plays section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px}
.plays svg{width:100%;height:auto}code{font:12px ui-monospace,monospace}
"""


def summary_lines(study: Study) -> list[str]:
    """What was learnt from, and how sure it is."""
    matches = len(np.unique(study.table.plays.unit))
    lines = [
        f"{len(study.table):,} unforced plays in {matches:,} matches.",
        f"Mean regret {1000 * study.strength:.1f} mpt a play by the engine at 0-ply; typical people lose "
        f"{1000 * TYPICAL_REGRET:.1f}.",
    ]
    if study.is_calibration:
        lines.append(
            f"Fewer than {FEWEST_PLAYS:,} plays: habits cannot be told from chance, so only the sharpness of the "
            "choices was learnt."
        )
    return lines


def render_coach_text(study: Study) -> str:
    """The report for a terminal, lines joined, without a line end after the last."""
    lines = [f"{study.player}: what sets this player apart", *summary_lines(study), ""]
    lines.append(f"{'foreseen on matches that the model has not seen':50} {'plays':>7}  nats                agreement")
    for fit, gain in zip(study.fits, study.gains, strict=True):
        lines.append(f"{fit.name:50} {fit.plays:7,}  {_show(fit.nats)}  {_show(fit.agreement)}")
        lines.append(f"{'  more than people of equal strength':50} {'':7}  {_show(gain.nats)}  {_show(gain.agreement)}")
    for heading, habits in _tables(study):
        lines += ["", f"{heading} (mean of the plays made less mean expected)"]
        lines += [f"  {habit.name:26} {_show(habit.difference, 3)}  {habit.decisions:7,} decisions" for habit in habits]
    if study.typical:
        lines += ["", "Most typical plays"]
        lines += [f"  {position_id(text.position)} {text.roll}  {play}" for text, play, _ in _typical(study)]
    return "\n".join(lines)


def coach_values(study: Study) -> dict[str, Any]:
    """The report as plain values for JSON."""
    return {
        "player": study.player,
        "plays": len(study.table),
        "matches": len(np.unique(study.table.plays.unit)),
        "mean_regret_mpt": 1000 * study.strength,
        "only_calibration": study.is_calibration,
        "foreseen": [_fit_values(fit) for fit in study.fits],
        "gain_over_people": [_fit_values(gain) for gain in study.gains],
        "against_people": [_habit_values(habit) for habit in study.from_people],
        "against_engine": [_habit_values(habit) for habit in study.from_engine],
        "typical": [
            {"id": position_id(decision.position), "dice": list(decision.roll), "play": own, "people": others}
            for decision, own, others in _typical(study)
        ],
    }


def render_coach_page(study: Study) -> str:
    """The report as one HTML file."""
    body = "".join(_sections(study))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{page_text(study.player)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def _sections(study: Study) -> Iterable[str]:
    yield f"<h1>{page_text(study.player)}: what sets this player apart</h1>"
    yield "".join(f"<p>{page_text(line)}</p>" for line in summary_lines(study))
    yield "<h2>How well the choices are foreseen</h2><p>On matches that the model has not seen; nats is the mean "
    yield "logarithm of the probability of the play that was made, +- are 95 % intervals by match.</p>"
    yield '<div class="scroll"><table><tr><th>plays</th><th class="n">number</th><th class="n">nats</th>'
    yield '<th class="n">agreement</th><th class="n">nats over people</th><th class="n">agreement over people</th></tr>'
    for fit, gain in zip(study.fits, study.gains, strict=True):
        cells = [f"{fit.plays:,}", *map(_show, (fit.nats, fit.agreement, gain.nats, gain.agreement))]
        yield f"<tr><td>{page_text(fit.name)}</td>{''.join(f'<td class=n>{cell}</td>' for cell in cells)}</tr>"
    yield "</table></div>"
    for heading, habits in _tables(study):
        yield f"<h2>{heading}</h2><p>Mean over the plays that were made, less the mean expected there.</p>"
        yield '<div class="scroll"><table><tr><th>feature</th><th class="n">difference</th>'
        yield '<th class="n">decisions</th></tr>'
        for habit in habits:
            yield f"<tr><td>{page_text(habit.name)}</td><td class=n>{_show(habit.difference, 3)}</td>"
            yield f"<td class=n>{habit.decisions:,}</td></tr>"
        yield "</table></div>"
    if study.typical:
        yield "<h2>The most typical plays</h2><p>Drawn is what was played, named what people of equal strength play "
        yield 'most often. The player has the light checkers.</p><div class="plays">'
        yield from (_drawn(decision, own, others) for decision, own, others in _typical(study))
        yield "</div>"


def _tables(study: Study) -> list[tuple[str, Sequence[Habit]]]:
    """Habits that are certain, with a heading; none where there is nothing to say."""
    tables = (("Against people of equal strength", study.from_people), ("Against the engine", study.from_engine))
    certain = [(name, [habit for habit in habits if abs(habit.errors) > CERTAIN]) for name, habits in tables]
    return [(name, habits[:SHOWN_HABITS]) for name, habits in certain if habits]


def _typical(study: Study) -> Iterable[tuple[Decision, str, str]]:
    """The decision, the play that was made, and the likeliest play of people."""
    plays = study.table.plays
    for place in study.typical:
        decision = plays.one(place)
        assert decision.chosen is not None
        usual = int(np.argmax(study.others[plays.offsets[place] : plays.offsets[place + 1]]))
        yield decision, format_play(decision.play_of(decision.chosen)), format_play(decision.play_of(usual))


def _drawn(decision: Decision, own: str, others: str) -> str:
    """A play on its board."""
    assert decision.chosen is not None
    text = f"{decision.roll}: {own}"
    arrows = play_arrows(decision.play_of(decision.chosen), OWN_COLOUR)
    board = board_svg(decision.position, decision.roll, arrows, title=text)
    people = "as people do" if own == others else f"people: {others}"
    identifier = position_id(decision.position)
    return (
        f"<section>{board}<div>{page_text(text)}</div><p>{page_text(people)}<br><code>{identifier}</code></p></section>"
    )


def _show(estimate: Estimate, digits: int = 4) -> str:
    reach = estimate.half_width
    return f"{estimate.value:+.{digits}f}" + (f" +- {reach:.{digits}f}" if reach is not None else "")


def _fit_values(fit: Fit) -> dict[str, Any]:
    return {"group": fit.name, "plays": fit.plays, "nats": _values(fit.nats), "agreement": _values(fit.agreement)}


def _habit_values(habit: Habit) -> dict[str, Any]:
    return {"feature": habit.name, **_values(habit.difference), "errors": habit.errors, "decisions": habit.decisions}


def _values(estimate: Estimate) -> dict[str, float | None]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
