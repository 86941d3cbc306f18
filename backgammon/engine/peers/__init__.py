"""Other programs as players, each in a process of its own, and as judges: GNU Backgammon, Open Sage, pubeval."""

from __future__ import annotations

from backgammon.engine.peers.peer_player import PeerPlayer, is_peer

__all__ = ["PeerPlayer", "is_peer"]
