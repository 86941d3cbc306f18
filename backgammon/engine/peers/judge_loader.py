"""The judge that a name means; its package is loaded only then."""

from __future__ import annotations

from backgammon.engine.peers.gnubg_judge import GnubgJudge
from backgammon.engine.peers.peer_judge import PeerJudge
from backgammon.engine.peers.peer_name import PeerName
from backgammon.engine.peers.sage_judge import SageJudge

_JUDGES: dict[str, type[PeerJudge]] = {judge.program: judge for judge in (GnubgJudge, SageJudge)}


def load_judge(name: PeerName) -> PeerJudge:
    """Load a program at a depth.

    Raises:
        ImportError: its package is not installed.
    """
    return _JUDGES[name.program](name.plies)
