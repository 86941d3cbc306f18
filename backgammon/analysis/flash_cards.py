"""Errors as cards for other programs: a text that Anki imports, and positions as eXtreme Gammon exports them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from backgammon.analysis.error_store import StoredError
from backgammon.notation.diagram import BoardNotes, draw_board
from backgammon.notation.svg import board_svg
from backgammon.rules.board import Position
from backgammon.rules.dice import make_roll
from backgammon.tools.quoting import page_text

ANKI_HEAD = "#separator:tab\n#html:true\n#notetype:Basic\n#deck:pairgammon\n#tags column:3\n"


def write_anki(errors: Iterable[StoredError]) -> str:
    """Front, back and tags of each error, one line each: the board as SVG with the roll, then the candidates."""
    return ANKI_HEAD + "".join(f"{_front(one)}\t{_back(one)}\t{_tags(one)}\n" for one in errors)


def write_xg_text(errors: Iterable[StoredError]) -> str:
    """The positions with their candidates, as `records` and other programs read them.

    XG calls our 0-ply 1-ply, so one is added here.
    """
    return "\n".join(_xg_position(one) for one in errors)


def _front(error: StoredError) -> str:
    entry = error.entry
    picture = board_svg(
        Position(np.array(entry["board"], dtype=np.int8)),
        None if error.is_cube else make_roll(*entry["dice"]),
        cube=entry["cube"]["value"],
        cube_side=entry["cube"]["side"],
        title=f"{error.player} {_task(error)}",
    )
    return _one_line(f"{picture}<br>{page_text(error.player)} {_task(error)}<br><code>{page_text(error.xgid)}</code>")


def _task(error: StoredError) -> str:
    """What is asked."""
    if not error.is_cube:
        return f"to play {_dice(error.entry)}"
    is_own = error.entry["seat"] == error.entry["on_roll"]
    return "on roll: double?" if is_own else "is doubled (the board is seen by the doubler): take?"


def _back(error: StoredError) -> str:
    entry = error.entry
    if error.is_cube:
        values = zip(("No double", "Double, take", "Double, pass"), entry["verdict"]["equities"], strict=True)
        rows = "".join(f"<tr><td>{name}</td><td>{equity:+.3f}</td></tr>" for name, equity in values)
        right = f"<p>{page_text(entry['verdict']['wording'])}</p>"
        done = (
            f"<p>{page_text(error.player)} {page_text(entry['text'])}: {page_text(error.match)}, game {error.game}</p>"
        )
        return _one_line(f"<table>{rows}</table>{right}{done}")
    best = entry["candidates"][0]["equity"]
    rows = "".join(
        f"<tr><td>{page_text(one['play'])}{' *' if one['played'] else ''}</td><td>{one['equity']:+.3f}</td>"
        f"<td>{one['equity'] - best:+.3f}</td></tr>"
        for one in entry["candidates"]
    )
    why = f"<p>{page_text(entry['difference'])}</p>" if entry["difference"] else ""
    return _one_line(f"<table>{rows}</table>{why}<p>* played: {page_text(error.match)}, game {error.game}</p>")


def _tags(error: StoredError) -> str:
    return f"backgammon {error.phase.replace(' ', '-')}"


def _dice(entry: dict[str, Any]) -> str:
    return "".join(map(str, entry["dice"]))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _xg_position(error: StoredError) -> str:
    entry = error.entry
    position = Position(np.array(entry["board"], dtype=np.int8))
    if error.is_cube:
        return _xg_cube(error, position)
    best = entry["candidates"][0]["equity"]
    lines = [
        error.xgid,
        "",
        f"X:{_one_line(error.player)}   O:opponent",
        draw_board(position, BoardNotes(roll=make_roll(*entry["dice"]))),
        f"X to play {_dice(entry)}",
        "",
    ]
    for place, one in enumerate(entry["candidates"], start=1):
        win, gammon, backgammon, lose_gammon, lose_backgammon = (100 * value for value in one["chances"])
        behind = f" ({one['equity'] - best:+.3f})" if place > 1 else ""
        level = "Rollout" if one["standard_error"] is not None else f"{one['ply'] + 1}-ply"
        lines += [
            f"{place:5}. {level:12} {one['play']:28} eq:{one['equity']:+.3f}{behind}",
            f"      Player:   {win:.2f}% (G:{gammon:.2f}% B:{backgammon:.2f}%)",
            f"      Opponent: {100 - win:.2f}% (G:{lose_gammon:.2f}% B:{lose_backgammon:.2f}%)",
            "",
        ]
    return "\n".join([*lines, ""])


def _xg_cube(error: StoredError, position: Position) -> str:
    """A cube decision; in these texts the player on roll is X and its values are shown, whoever decides."""
    verdict = error.entry["verdict"]
    names = ("O:opponent", "X:" + _one_line(error.player))
    is_own = error.entry["seat"] == error.entry["on_roll"]
    own, other = (names[1], names[0]) if is_own else ("X:opponent", "O:" + _one_line(error.player))
    win, gammon, backgammon, lose_gammon, lose_backgammon = (100 * value for value in verdict["chances"])
    no_double, double_take, double_pass = verdict["equities"]
    best = max(no_double, min(double_take, double_pass))
    lines = [
        error.xgid,
        "",
        f"{own}   {other}",
        draw_board(position, BoardNotes()),
        "X on roll, cube action",
        "",
        f"Analyzed in {verdict['ply'] + 1}-ply",
        f"Player Winning Chances:   {win:.2f}% (G:{gammon:.2f}% B:{backgammon:.2f}%)",
        f"Opponent Winning Chances: {100 - win:.2f}% (G:{lose_gammon:.2f}% B:{lose_backgammon:.2f}%)",
        "",
        "Cubeful Equities:",
        f"       No double:     {no_double:+.3f} ({no_double - best:+.3f})",
        f"       Double/Take:   {double_take:+.3f} ({double_take - best:+.3f})",
        f"       Double/Pass:   {double_pass:+.3f} ({double_pass - best:+.3f})",
        "",
        f"Best Cube action: {verdict['wording'].replace(', ', ' / ')}",
        "",
    ]
    return "\n".join([*lines, ""])
