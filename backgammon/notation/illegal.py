"""Why a play is not legal, and what is legal instead: the text of IllegalPlay."""

from __future__ import annotations

from collections import Counter

from backgammon.board import BAR, HOME
from backgammon.notation.legs import Hop, point_name
from backgammon.notation.quoting import quote
from backgammon.notation.readings import Step, legal_plays, possible_readings, ways_of_hop
from backgammon.rules import Decision


def explain_illegal(text: str, hops: tuple[Hop, ...], decision: Decision) -> str:
    """One line that names the move at fault, the reason, and the legal moves from the same point.

    Args:
        text: as typed.
        hops: its hops, at least one.
        decision: in which no reading of them is a whole legal play.
    """
    if decision.is_dance:
        return f"{quote(text)}: no checker can move with {decision.roll}, so the turn passes; leave the play empty"
    plays = [Counter((move.source, move.target) for move in play) for _, play in legal_plays(decision)]
    legal = {step for play in plays for step in play}
    for hop in hops:
        if not _can_be_part(hop, decision, legal):
            reason = _reason(hop, hops, decision)
            return f"{_name_hop(hop, text)} is not legal with {decision.roll}{reason}; {_legal_from(hop.source, legal)}"
    readings = possible_readings(hops, decision)
    false_star = next((reading.false_star for reading in readings if reading.false_star is not None), None)
    if false_star is not None:
        return f"{quote(text)}: the star at {false_star.target} marks a hit, but no lone checker of the opponent is met there"
    if any(Counter(reading.steps) <= play for reading in readings for play in plays):
        return f"{quote(text)} is only a part of a play: with {decision.roll} {_dice_to_play(plays)} must be played"
    return f"{quote(text)} is not legal with {decision.roll}: its moves are not legal together; {_legal_from(hops[0].source, legal)}"


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


def _dice_to_play(plays: list[Counter[Step]]) -> str:
    num_moves = max(play.total() for play in plays)
    return {1: "one die", 2: "two dice", 3: "three moves", 4: "four moves"}[num_moves]
