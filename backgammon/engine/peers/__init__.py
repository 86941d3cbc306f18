"""Other programs as players, each in a process of its own: GNU Backgammon and pubeval, from the extra [peers]."""

from __future__ import annotations

from backgammon.engine.peers.peer_player import PEER_NAMES, PeerPlayer, is_peer

__all__ = ["PEER_NAMES", "PeerPlayer", "is_peer"]
