"""Moves and analysis in the values of GNU Backgammon's SGF.

Points are letters, the same for both colours: a..x are White's points 1..24, so Black's point p has the letter of
25 - p; y is the bar, z off. White is seat 0, Black seat 1.
"""

from __future__ import annotations

import math
import re

import numpy as np

from backgammon.records.record.annotation import (
    EVALUATION,
    ROLLOUT,
    CubeAnalysis,
    Level,
    PlayAnalysis,
    cumulative_chances,
    exclusive_chances,
    make_play_analysis,
)
from backgammon.records.replay.hops import Hop, make_hops

MAX_CANDIDATES_READ = 4_000
"""Candidates of one roll that are read; no roll has more."""

FORMAT_VERSION = 3
"""Version of the analysis that GNU Backgammon 1.07 writes."""

_BAR, _OFF = "y", "z"
_NUMBER = r"[-+]?(?:[0-9]{1,12}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(?:[eE][-+]?[0-9]{1,3})?"
_CONTEXT = re.compile(r"([0-9])(C?)")
_FLOAT = re.compile(_NUMBER)


def read_hops(letters: str, seat: int) -> list[Hop]:
    """Moves from pairs of letters a..z, in the mover's own numbers."""
    points = [_point(letter, seat) for letter in letters]
    hops = zip(points[::2], points[1::2], strict=True)
    return [(25 if source == 0 else source, 0 if target == 25 else target) for source, target in hops]


def _point(letter: str, seat: int) -> int:
    """25 for the bar, 0 for off."""
    if letter == _BAR:
        return 25
    if letter == _OFF:
        return 0
    white = ord(letter) - ord("a") + 1
    return white if seat == 0 else 25 - white


def format_hops_as_letters(hops: list[Hop], seat: int) -> str:
    """Inverse of `read_hops`."""
    return "".join(_letter(source, seat) + _letter(target, seat) for source, target in hops)


def _letter(point: int, seat: int) -> str:
    if point in (0, 25):
        return _OFF if point == 0 else _BAR
    return chr(ord("a") - 1 + (point if seat == 0 else 25 - point))


def read_play_analysis(values: list[str], board: list[int] | None, seat: int) -> PlayAnalysis | None:
    """The candidates of a property A, None when none can be understood.

    Args:
        values: as written; one that is a number only is the index of the chosen one and not needed.
        board: 26 counts before the play, seen by the mover; None when it is not known.
        seat: of the mover.
    """
    if board is None:
        return None
    afters: list[list[int]] = []
    equities: list[float] = []
    chances: list[list[float]] = []
    levels: list[Level] = []
    for value in values[: MAX_CANDIDATES_READ + 1]:
        letters, _, rest = value.strip().partition(" ")
        evaluation = _read_evaluation(rest)
        if evaluation is None or len(letters) % 2 or len(letters) > 8 or not all("a" <= c <= "z" for c in letters):
            continue
        after = board.copy()
        if make_hops(after, read_hops(letters, seat)) is None:
            continue
        afters.append(after)
        equities.append(evaluation[0])
        chances.append(evaluation[1])
        levels.append(evaluation[2])
    if not afters:
        return None
    arrays = np.array(equities, np.float32), np.array(chances, np.float32)
    return make_play_analysis(np.array(afters, np.int8), *arrays, levels)


def _read_evaluation(text: str) -> tuple[float, list[float], Level] | None:
    """(equity, chances, level) from "E ver 3 win wg wbg lg lbg equity 2C ..." or "X ver 3 Score ..."."""
    words = text.split()
    kind, words = (words[0], words[1:]) if words else ("", [])
    if words[:1] == ["ver"]:
        words = words[2:]
    if kind == "E" and len(words) >= 6:
        values = _read_floats(words[:6])
        level = _read_context(words[6]) if len(words) > 6 else Level(EVALUATION)
    elif kind == "X" and "Score" in words and "Output" in words:
        score, output = words.index("Score") + 1, words.index("Output") + 1
        values = _read_floats([*words[output : output + 5], *words[score : score + 1]], 6)
        level = Level(ROLLOUT, trials=_read_trials(words))
    else:
        return None
    return None if values is None else (values[5], _chances(values), level)


def _chances(values: list[float]) -> list[float]:
    """Chances of the six outcomes from gnubg's five, which are cumulative."""
    win, win_g, win_b, lose_g, lose_b = values[:5]
    return exclusive_chances(win, win_g, win_b, 1 - win, lose_g, lose_b)


def _read_floats(words: list[str], count: int | None = None) -> list[float] | None:
    if len(words) != (count or len(words)) or not all(_FLOAT.fullmatch(word) for word in words):
        return None
    values = [float(word) for word in words]
    return values if all(math.isfinite(value) and abs(value) < 1e6 for value in values) else None


def _read_context(word: str) -> Level:
    found = _CONTEXT.match(word)
    return Level(EVALUATION, int(found[1]), is_cubeful=bool(found[2])) if found else Level(EVALUATION)


def _read_trials(words: list[str]) -> int:
    after = words[words.index("Trials") + 1 :] if "Trials" in words else []
    return int(after[0]) if after and after[0].isascii() and after[0].isdigit() and len(after[0]) < 10 else 0


def read_cube_analysis(value: str, is_match: bool) -> CubeAnalysis | None:
    """The property DA: "E ver 3 2C 1 0.0 1" and twice seven numbers, or the same from a rollout."""
    words = value.split()
    kind, words = (words[0], words[1:]) if words else ("", [])
    if words[:1] == ["ver"]:
        words = words[2:]
    if kind == "E" and len(words) >= 18:
        values = _read_floats(words[-14:])
        level = _read_context(words[0])
    elif kind == "X" and words.count("Output") == 2:
        first = words.index("Output") + 1
        second = words.index("Output", first) + 1
        values = _read_floats(words[first : first + 7] + words[second : second + 7], 14)
        level = Level(ROLLOUT, trials=_read_trials(words))
    else:
        return None
    if values is None:
        return None
    chances = tuple(_chances(values))
    double_pass = None if is_match else 1.0  # the match equity of the writer's table is not in the file
    return CubeAnalysis(level, chances, values[6], values[13], double_pass, is_mwc=is_match)  # type: ignore[arg-type]


def read_luck(value: str) -> float | None:
    """The property LU, None when it is not a finite number."""
    return float(value) if _FLOAT.fullmatch(value) and abs(float(value)) < 1e6 else None


def format_play_analysis(analysis: PlayAnalysis, letters: list[str], made: int | None) -> str:
    """The property A; empty when the format cannot hold the analysis: it knows only evaluations and rollouts.

    A list with holes, or with levels that are not true, would be worse than none.

    Args:
        analysis: of the roll.
        letters: for each candidate the moves as letters.
        made: row of the play that was made, None when it was not evaluated or not made.
    """
    is_known = all(level.method in (EVALUATION, ROLLOUT) for level in analysis.levels)
    if not is_known or not np.isfinite(analysis.chances).all():
        return ""
    values = [f"{moves} {_format_evaluation(analysis, row)}" for row, moves in enumerate(letters)]
    return f"A[{made or 0}]" + "".join(f"[{value}]" for value in values)


def _format_evaluation(analysis: PlayAnalysis, row: int) -> str:
    level = analysis.levels[row]
    win, win_g, win_b, _, lose_g, lose_b = cumulative_chances(analysis.chances[row])
    numbers = " ".join(f"{value:.6f}" for value in (win, win_g, win_b, lose_g, lose_b))
    equity = f"{analysis.equities[row]:.6f}"
    if level.method != ROLLOUT:
        return f"E ver {FORMAT_VERSION} {numbers} {equity} {_format_context(level)}"
    deviations = " ".join(["0.000000"] * 7)
    return (
        f"X ver {FORMAT_VERSION} Score {equity} {equity} Trials {level.trials} "
        f"Output {numbers} {equity} {equity} StdDev {deviations} SK 0"
    )


def _format_context(level: Level) -> str:
    """Plies, cubeful, not deterministic noise: what GNU Backgammon needs to name the level again."""
    plies = min(9, level.plies or 0)
    return f"{plies}{'C' if level.is_cubeful else ''} 0 1 0.000000 1"


def format_cube_analysis(analysis: CubeAnalysis, is_match: bool) -> str:
    """The property DA; empty when the values are of another kind than this format has for the game."""
    take = analysis.double_take
    if analysis.chances is None or analysis.no_double is None or take is None:
        return ""
    if analysis.is_mwc != is_match or analysis.level.method != EVALUATION:
        return ""
    win, win_g, win_b, _, lose_g, lose_b = cumulative_chances(analysis.chances)
    cubeless = 2 * win - 1 + win_g + win_b - lose_g - lose_b
    shared = " ".join(f"{value:.6f}" for value in (win, win_g, win_b, lose_g, lose_b, cubeless))
    context = _format_context(analysis.level).split(" ", 1)[0]
    outputs = f"{shared} {analysis.no_double:.6f} {shared} {take:.6f}"
    return f"DA[E ver {FORMAT_VERSION} {context} 1 0.000000 1 {outputs}]"
