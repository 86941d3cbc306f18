"""Other programs as players, each in a process of its own: GNU Backgammon and pubeval, from the extra [peers]."""

from __future__ import annotations

from backgammon.peers.player import PEER_NAMES, PeerPlayer, is_peer

__all__ = ["PEER_NAMES", "PeerPlayer", "is_peer"]
