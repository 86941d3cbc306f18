"""Text of plays, positions and matches: play text, GNU Position ID and Match ID, XGID, the board diagram."""

from __future__ import annotations

from backgammon.notation.diagram import BoardNotes, draw_board
from backgammon.notation.gnu_id import (
    letter_code,
    letter_codes,
    parse_letter_code,
    parse_letter_codes,
    parse_position_id,
    parse_position_ids,
    position_id,
    position_ids,
)
from backgammon.notation.grammar import Hop, parse_hops
from backgammon.notation.match_id import GnuGameState, MatchId, match_id, parse_match_id
from backgammon.notation.play_text import complete_play, format_play, parse_play
from backgammon.notation.xgid import XgId, format_xgid, parse_xgid

__all__ = [
    "BoardNotes",
    "GnuGameState",
    "Hop",
    "MatchId",
    "XgId",
    "complete_play",
    "draw_board",
    "format_play",
    "format_xgid",
    "letter_code",
    "letter_codes",
    "match_id",
    "parse_hops",
    "parse_letter_code",
    "parse_letter_codes",
    "parse_match_id",
    "parse_play",
    "parse_position_id",
    "parse_position_ids",
    "parse_xgid",
    "position_id",
    "position_ids",
]
