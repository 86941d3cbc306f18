"""What positions are worth with the cube, without looking ahead: N positions times K states of the cube in one kernel.

Axis legend: N positions, K states of the cube, A and B points away of the player on roll and of the opponent, 6
outcomes.
Everything is from the side of the player ON ROLL, before its roll.

Values are points per unit of each state's own cube in money play, chances to win the match (MWC) in a match.

Source: R. Janowski, Take-Points in Money Games (1993), as GNU Backgammon applies it. A value lies between that of a
cube which nobody turns again (dead) and that of one which is turned at the perfect moment (live); `efficiency` says
where.
The live value is a broken line through the points where the cube is cashed. In a match these points follow, level by
level, from the largest cube that can matter. GNU Backgammon mixes the lines of a centred cube too, where Janowski has a
formula of his own for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from backgammon.cube.cube_net import NUM_STAKES, CubeLine, CubeNet, learnt_shift, no_net, put_state, sum_positions
from backgammon.cube.efficiency import EXACT_MOST
from backgammon.cube.met import MatchEquityTable, default_table
from backgammon.cube.stakes import Stakes
from backgammon.evaluation.outcome import Outcomes
from backgammon.tools.arrays import Boards, Float32s, Float64s, Int64s
from backgammon.tools.intrinsics import borrow
from backgammon.tools.jit import kernel

_NARROWEST = 1e-7
"""Winning and losing a cube differ by less MWC than that: see `valuation`."""


class Terms(NamedTuple):
    """Stakes as the kernels read them, from the side of the player on roll; the state of the cube stands apart.

    Attributes:
        is_match: False for money play.
        is_crawford: the cube is dead.
        has_jacoby: gammons count single while the cube is centred.
        chances: float64[A + 1, B + 1], chance to win the match when the next game begins at this score; money: no rows.
    """

    is_match: bool
    is_crawford: bool
    has_jacoby: bool
    chances: Float64s


class Prospects(NamedTuple):
    """What is known of positions whatever the stakes.

    Attributes:
        outcomes: float32[N, 6] of the player on roll.
        efficiency: float64[N], see `efficiency`.
        exact: float64[N, 3], exact money equities with the cube owned, centred, the opponent's, if nothing is doubled
            now; NaN where there are none.
        hidden: float32[N, H], what the positions say to a net of H hidden units that moves the efficiency, see
            `cube_net`; no columns without one.
        net: that net.
    """

    outcomes: Outcomes
    efficiency: Float64s
    exact: Float64s
    hidden: Float32s
    net: CubeNet

    def take(self, rows: Int64s) -> Prospects:
        """Those of some of the positions."""
        return Prospects(self.outcomes[rows], self.efficiency[rows], self.exact[rows], self.hidden[rows], self.net)

    def learnt(self, net: CubeNet, boards: Boards) -> Prospects:
        """The same with a net; boards int8[N, 26] after a play, the player on roll to answer."""
        return self._replace(hidden=sum_positions(net, boards, self.outcomes), net=net)


_NO_NET = no_net()


def make_terms(stakes: Stakes, table: MatchEquityTable | None = None) -> Terms:
    """Terms of stakes; the table of match equities is the one that ships if none is given."""
    if not stakes.is_match:
        return Terms(False, False, stakes.has_jacoby, np.zeros((0, 0)))
    chances = (table or default_table()).next_game(stakes.away, stakes.is_next_behind_crawford)
    return Terms(True, stakes.is_crawford, False, np.ascontiguousarray(chances))


def make_prospects(outcomes: Outcomes, efficiency: Float64s, exact: Float64s | None = None) -> Prospects:
    """Prospects, without exact equities if none are given; arguments as its attributes."""
    if exact is None:
        exact = np.full((len(outcomes), 3), np.nan)
    hidden = np.empty((len(outcomes), 0), dtype=np.float32)
    return Prospects(np.ascontiguousarray(outcomes, dtype=np.float32), efficiency, exact, hidden, _NO_NET)


@kernel
def chance_after(chances: Float64s, own: int, theirs: int) -> float:
    """Chance to win the match when the player has won `own` points more and the opponent `theirs`."""
    a = chances.shape[0] - 1 - own
    b = chances.shape[1] - 1 - theirs
    return float(chances[max(a, 0), max(b, 0)])


@kernel
def _mean_win(chances: Float64s, cube: int, gammon: float, backgammon: float) -> float:
    """Mean chance after a win with a cube, given the shares of gammons and backgammons among wins."""
    single = 1.0 - gammon - backgammon
    return (
        single * chance_after(chances, cube, 0)
        + gammon * chance_after(chances, 2 * cube, 0)
        + backgammon * chance_after(chances, 3 * cube, 0)
    )


@kernel
def _mean_loss(chances: Float64s, cube: int, gammon: float, backgammon: float) -> float:
    """The same after a loss, shares among losses."""
    single = 1.0 - gammon - backgammon
    return (
        single * chance_after(chances, 0, cube)
        + gammon * chance_after(chances, 0, 2 * cube)
        + backgammon * chance_after(chances, 0, 3 * cube)
    )


@kernel
def _between(x: float, x0: float, y0: float, x1: float, y1: float) -> float:
    """The straight line through two points at x."""
    if x1 <= x0:
        return y1
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


@kernel
def _broken_line(
    win: float, owner: int, worst: float, cashed_by_him: float, his_point: float,
    cashed: float, own_point: float, best: float,
) -> float:  # fmt: skip
    """The live value at a winning chance.

    From `worst` at 0 to `best` at 1; at `his_point` the opponent cashes if he may, at `own_point` the player if it may.
    """
    x0, y0, x1, y1 = 0.0, worst, 1.0, best
    if owner <= 0:
        if win <= his_point:
            x1, y1 = his_point, cashed_by_him
        else:
            x0, y0 = his_point, cashed_by_him
    if owner >= 0 and not (owner == 0 and win <= his_point):
        if win >= own_point:
            x0, y0 = own_point, cashed
        else:
            x1, y1 = own_point, cashed
    return _between(win, x0, y0, x1, y1)


@kernel
def _money_live(win: float, owner: int) -> float:
    """Live value in points per cube unit where there are no gammons."""
    return _broken_line(win, owner, -1.0, -1.0, 0.2, 1.0, 0.8, 1.0)


@kernel
def _cash_points(
    chances: Float64s, cube: int, win_gammon: float, win_backgammon: float, lose_gammon: float, lose_backgammon: float
) -> tuple[float, float]:
    """Winning chances from which each side cashes with a perfect cube: of the player, and of the opponent for himself.

    By recursion from the first cube whose double is dead for somebody. The opponent's conditions are the player's with
    gains and losses exchanged; as only ratios of differences enter, chances need no exchange.
    """
    own_away = chances.shape[0] - 1
    their_away = chances.shape[1] - 1
    level = cube
    while own_away > 2 * level and their_away > 2 * level:
        level *= 2
    is_own_dead = own_away <= 2 * level
    is_theirs_dead = their_away <= 2 * level
    # A doubler whose doubled cube wins the match is redoubled at once, unless that is true of the other too.
    own_stake = 4 * level if is_own_dead and not is_theirs_dead else 2 * level
    their_stake = 4 * level if is_theirs_dead and not is_own_dead else 2 * level
    won = _mean_win(chances, own_stake, win_gammon, win_backgammon)
    lost = _mean_loss(chances, own_stake, lose_gammon, lose_backgammon)
    own_point = (lost - chance_after(chances, level, 0)) / (lost - won) if lost != won else 1.0
    won = _mean_win(chances, their_stake, win_gammon, win_backgammon)
    lost = _mean_loss(chances, their_stake, lose_gammon, lose_backgammon)
    their_point = (won - chance_after(chances, 0, level)) / (won - lost) if lost != won else 1.0
    while level > cube:
        level //= 2
        won = _mean_win(chances, 2 * level, win_gammon, win_backgammon)
        lost = _mean_loss(chances, 2 * level, lose_gammon, lose_backgammon)
        own_ratio = (chance_after(chances, level, 0) - won) / (chance_after(chances, 0, 2 * level) - won)
        their_ratio = (chance_after(chances, 0, level) - lost) / (chance_after(chances, 2 * level, 0) - lost)
        own_point, their_point = 1.0 - their_point * own_ratio, 1.0 - own_point * their_ratio
    return own_point, their_point


@kernel
def dead_value(terms: Terms, outcomes: Outcomes, cube: int, owner: int) -> float:
    """Value of a position whose cube nobody turns any more: the cubeless value at this score.

    Args:
        terms: the stakes.
        outcomes: float32[6] of the player on roll.
        cube: its value.
        owner: 1, 0, -1.
    """
    win = float(outcomes[0]) + float(outcomes[1]) + float(outcomes[2])
    lose = 1.0 - win
    if not terms.is_match:
        if terms.has_jacoby and owner == 0:
            return win - lose
        return float(win - lose + outcomes[1] + 2.0 * outcomes[2] - outcomes[4] - 2.0 * outcomes[5])
    won = _mean_win(terms.chances, cube, outcomes[1] / win, outcomes[2] / win) if win > 0 else 0.0
    lost = _mean_loss(terms.chances, cube, outcomes[4] / lose, outcomes[5] / lose) if lose > 0 else 0.0
    return win * won + lose * lost


@kernel
def _live_line(terms: Terms, outcomes: Outcomes, cube: int, owner: int) -> CubeLine:
    """What a position is worth by how well the cube is used, in native values; live is dead where nobody can use it.

    Args:
        terms: the stakes.
        outcomes: float32[6].
        cube: its value.
        owner: 1, 0, -1.
    """
    terms, outcomes = borrow(terms), borrow(outcomes)
    win = float(outcomes[0]) + float(outcomes[1]) + float(outcomes[2])
    lose = 1.0 - win
    if not terms.is_match or win <= 0.0 or lose <= 0.0:
        dead = dead_value(terms, outcomes, cube, owner)
        if win <= 0.0 or lose <= 0.0:
            return CubeLine(win, dead, dead, 1.0, 0.0, dead, dead)
        mean_win = 1.0 + (outcomes[1] + 2.0 * outcomes[2]) / win
        mean_loss = 1.0 + (outcomes[4] + 2.0 * outcomes[5]) / lose
        total = mean_win + mean_loss + 0.5
        own_point, his_point = (mean_loss + 1.0) / total, (mean_loss - 0.5) / total
        best, worst, cashed, lost = mean_win, -mean_loss, 1.0, -1.0
        if terms.has_jacoby and owner == 0:  # no gammons before the cube is turned
            best, worst = 1.0, -1.0
    else:
        shares = outcomes[1] / win, outcomes[2] / win, outcomes[4] / lose, outcomes[5] / lose
        best = _mean_win(terms.chances, cube, shares[0], shares[1])
        worst = _mean_loss(terms.chances, cube, shares[2], shares[3])
        dead = win * best + lose * worst
        own_away = terms.chances.shape[0] - 1
        their_away = terms.chances.shape[1] - 1
        # At 2-away 2-away the cube has no leverage: whoever gets a market loser doubles, and that is the last of it.
        if terms.is_crawford or (own_away <= cube and their_away <= cube) or (own_away == 2 and their_away == 2):
            return CubeLine(win, dead, dead, 1.0, 0.0, dead, dead)
        own_point, their_point = _cash_points(terms.chances, cube, *shares)
        his_point = 1.0 - their_point
        cashed, lost = chance_after(terms.chances, cube, 0), chance_after(terms.chances, 0, cube)
    live = _broken_line(win, owner, worst, lost, his_point, cashed, own_point, best)
    return CubeLine(win, dead, live, own_point, his_point, best, worst)


@kernel
def _normalised(terms: Terms, line: CubeLine, cube: int) -> CubeLine:
    """The line in EMG of its own cube; a line without leverage where the game decides nothing."""
    if not terms.is_match:
        return line
    won, lost = chance_after(terms.chances, cube, 0), chance_after(terms.chances, 0, cube)
    if won - lost < _NARROWEST:
        return CubeLine(line.win, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    scale, shift = 2.0 / (won - lost), (won + lost) / (won - lost)
    return CubeLine(
        line.win,
        line.dead * scale - shift,
        line.live * scale - shift,
        line.own_point,
        line.his_point,
        line.best * scale - shift,
        line.worst * scale - shift,
    )


@kernel
def put_units(terms: Terms, line: CubeLine, cube: int, owner: int, out: Float32s) -> None:
    """What the net reads of a state, into out float32[NUM_STAKES]."""
    own_away = terms.chances.shape[0] - 1 if terms.is_match else 0
    their_away = terms.chances.shape[1] - 1 if terms.is_match else 0
    is_flat = terms.has_jacoby and owner == 0
    put_state(_normalised(terms, line, cube), owner, is_flat, own_away, their_away, cube, out)


@kernel
def cube_value(terms: Terms, prospects: Prospects, row: int, cube: int, owner: int) -> float:
    """Value of a position to the player on roll that does not double now.

    Args:
        terms: the stakes.
        prospects: of N positions.
        row: which of them.
        cube: its value.
        owner: 1, 0, -1.
    """
    terms, prospects = borrow(terms), borrow(prospects)
    outcomes = borrow(prospects.outcomes)[row]
    known = float(prospects.exact[row, 1 - owner])
    has_exact = not np.isnan(known)
    if has_exact and not terms.is_match:
        return known
    line = _live_line(terms, outcomes, cube, owner)
    if line.live == line.dead:
        return line.dead
    efficiency = float(prospects.efficiency[row])
    if has_exact:
        money_dead = 2.0 * line.win - 1.0
        money_live = _money_live(line.win, owner)
        if money_live != money_dead:
            efficiency = min(max((known - money_dead) / (money_live - money_dead), 0.0), EXACT_MOST)
    elif prospects.hidden.shape[1] > 0:
        state = np.empty(NUM_STAKES, dtype=np.float32)
        put_units(terms, line, cube, owner, state)
        efficiency += learnt_shift(prospects.net, prospects.hidden[row], state)
    return (1.0 - efficiency) * line.dead + efficiency * line.live


@kernel
def fill_values(terms: Terms, prospects: Prospects, cubes: Int64s, owners: Int64s, out: Float64s) -> None:
    """`cube_value` of every position in every state, cubes and owners int64[K], into out float64[N, K]."""
    terms, prospects = borrow(terms), borrow(prospects)
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = cube_value(terms, prospects, i, cubes[k], owners[k])


@kernel
def fill_lines(terms: Terms, outcomes: Outcomes, cube: int, owner: int, values: Float64s, units: Float32s) -> None:
    """For learning: dead and live native values float64[N, 2] in one state, and what a net reads of it."""
    for i in range(values.shape[0]):
        line = _live_line(terms, outcomes[i], cube, owner)
        values[i, 0], values[i, 1] = line.dead, line.live
        put_units(terms, line, cube, owner, units[i])


@kernel
def _fill_dead(terms: Terms, outcomes: Outcomes, cube: int, owner: int, out: Float64s) -> None:
    for i in range(out.shape[0]):
        out[i] = dead_value(terms, outcomes[i], cube, owner)


def static_values(terms: Terms, prospects: Prospects, states: Sequence[tuple[int, int]]) -> Float64s:
    """Values float64[N, K] for a player on roll that does not double now.

    Args:
        terms: the stakes but for the cube.
        prospects: of N positions.
        states: K pairs of the cube's value and its owner.
    """
    cubes, owners = np.array(states, dtype=np.int64).reshape(-1, 2).T.copy()
    out = np.empty((len(prospects.outcomes), len(cubes)))
    fill_values(terms, prospects, cubes, owners, out)
    return out


def dead_values(terms: Terms, outcomes: Outcomes, cube: int, owner: int) -> Float64s:
    """Values float64[N] of outcomes float32[N, 6] with a dead cube: cubeless, at the score."""
    out = np.empty(len(outcomes))
    _fill_dead(terms, np.ascontiguousarray(outcomes, dtype=np.float32), cube, owner, out)
    return out
