"""Why a play is not legal, and what is legal instead: the text of IllegalPlay."""

from __future__ import annotations

from backgammon.notation.formatting import list_plays
from backgammon.notation.grammar import Hop, point_name
from backgammon.notation.readings import Step, legal_plays, plays_with, possible_readings, ways_of_hop
from backgammon.rules.board import BAR, HOME
from backgammon.rules.decision import Decision
from backgammon.tools.quoting import quote


def explain_illegal(text: str, hops: tuple[Hop, ...], decision: Decision) -> str:
    """One line that names the move at fault, the reason, and the legal moves from the same point.

    Args:
        text: as typed.
        hops: its hops, at least one.
        decision: in which no reading of them is a whole legal play.
    """
    roll = decision.roll
    if decision.is_dance:
        return f"{quote(text)}: no checker can move with {roll}, so the turn passes; leave the play empty"
    legal = {(move.source, move.target) for _, play in legal_plays(decision) for move in play}
    for hop in hops:
        if not _can_be_part(hop, decision, legal):
            reason = _reason(hop, hops, decision)
            return f"{_name_hop(hop, text)} is not legal with {roll}{reason}; {_legal_from(hop.source, legal)}"
    false_stars = [reading.false_star for reading in possible_readings(hops, decision)]
    if false_stars and all(false_stars):
        return f"{quote(text)}: the star marks a hit, but no lone checker of the opponent stands there"
    fitting = plays_with(hops, decision)
    if fitting:
        return f"{quote(text)} is not a whole play of {roll}; plays with it: {list_plays(fitting.values())}"
    return (
        f"{quote(text)} is not legal with {roll}: these moves do not go together; {_legal_from(hops[0].source, legal)}"
    )


def _can_be_part(hop: Hop, decision: Decision, legal: set[Step]) -> bool:
    """True when some way to make the hop consists of moves that occur in legal plays."""
    for way in ways_of_hop(hop.source, hop.target, *decision.roll):
        landings = (hop.source, *way, hop.target)
        if all((landings[i], landings[i + 1]) in legal for i in range(len(landings) - 1)):
            return True
    return False


def _name_hop(hop: Hop, text: str) -> str:
    name = f"{point_name(hop.source)}/{point_name(hop.target)}"
    return repr(name) if name == text.strip() else f"{name!r} in {quote(text)}"


def _reason(hop: Hop, hops: tuple[Hop, ...], decision: Decision) -> str:
    """The first rule that forbids the hop, with a leading blank; empty when it takes more than one to say."""
    board = decision.position.board
    source, target = hop.source, hop.target
    arrives = any(other.target == source for other in hops)
    if target >= source:
        return ": points count down, from 24 to 1, then off"
    if board[source] <= 0 and not arrives:
        return f": no checker of the player on roll is on {point_name(source)}"
    if board[BAR] > 0 and source != BAR and not any(other.source == BAR for other in hops):
        return ": the checker on the bar enters first"
    if target == 0 and (board[HOME + 1 :] > 0).any() and not any(other.source > HOME for other in hops):
        return ": bearing off begins when every checker is in the home board"
    if target > 0 and board[target] < -1:
        return f": the opponent holds the {target} point"
    if not ways_of_hop(source, target, *decision.roll):
        return f": the dice give no move of {source - target}"
    return ""


def _legal_from(source: int, legal: set[Step]) -> str:
    """The legal moves from one point, larger die first, or all of them when there are none from there."""
    here = sorted(step for step in legal if step[0] == source)
    if here:
        return f"legal from {point_name(source)}: {_join(here)}"
    return f"none is legal from {point_name(source)}, only {_join(sorted(legal, key=lambda step: (-step[0], step[1])))}"


def _join(steps: list[Step]) -> str:
    return ", ".join(f"{point_name(source)}/{point_name(target)}" for source, target in steps)
