"""GNU Backgammon's Position ID and the 20-letter code: a position in 10 bytes, one at a time or by the million.

Bytes: for the opponent, then for the player on roll: points 1..24 and the bar, each from its owner's side, each as
that many 1-bits and a 0-bit, lowest bit of byte 0 first. The Position ID is their base64 without padding (14
characters); the letter code of gnubg-nn's training and benchmark files writes each byte as two letters, 'A' + high
and 'A' + low half. Source: gnubg manual, "A technical description of the Position ID".

An ID shows the position BEFORE a play. For the ID after one ("opponent on roll") give swap(candidate).

Axes: N positions.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

import numpy as np

from backgammon.rules.board import NUM_CHECKERS, NUM_LOCATIONS, Position, check_board
from backgammon.tools.arrays import Boards, Uint8s
from backgammon.tools.errors import IdError, PositionError
from backgammon.tools.jit import kernel
from backgammon.tools.quoting import quote

Keys = Uint8s
"""uint8[N, 10]."""

POSITION_ID_LENGTH = 14
LETTER_CODE_LENGTH = 20
START_ID = "4HPwATDgc/ABMA"
"""Position ID of the starting position."""

_KEY_BYTES = 10
_KEY_BITS = 80
_BASE64_TEXT = re.compile("[A-Za-z0-9+/]*")
_LETTER_TEXT = re.compile("[A-P]*")

_OPPONENT_COUNT, _OWN_COUNT, _SHARED_POINT, _LEFT_OVER, _EMPTY = range(5)  # what can be wrong with a key


@kernel
def _pack(boards: Boards, keys: Keys) -> int:
    """Fill the keys; gives the first board that cannot occur in a game, or -1.

    A side takes 25 bits and one for each checker, 40 at most: it is gathered in one machine word, since setting single
    bits in the bytes was three times slower.
    """
    for i in range(boards.shape[0]):
        opponent, opponent_bits = 0, 0
        own, own_bits = 0, 0
        for point in range(1, 26):
            count = -int(boards[i, 25 - point])
            if count > 0:
                if count + opponent_bits > 40:
                    return i
                opponent |= ((1 << count) - 1) << opponent_bits
                opponent_bits += count
            opponent_bits += 1
            count = int(boards[i, point])
            if count > 0:
                if count + own_bits > 40:
                    return i
                own |= ((1 << count) - 1) << own_bits
                own_bits += count
            own_bits += 1
        if opponent_bits > 40 or own_bits > 40 or (opponent | own) == 0 or boards[i, 0] > 0 or boards[i, 25] < 0:
            return i
        for j in range(5):  # the first 40 bits, then the second, which hold what is left of `own`
            low = opponent | own << opponent_bits
            keys[i, j] = low >> 8 * j & 255
            keys[i, j + 5] = own >> (40 - opponent_bits) >> 8 * j & 255
    return -1


@kernel
def _unpack(keys: Keys, boards: Boards) -> tuple[int, int, int]:
    """Fill zeroed boards; gives (row, what is wrong, count or point at fault) of the first bad key, or (-1, 0, 0)."""
    for i in range(keys.shape[0]):
        bit = 0
        in_play = 0
        shared = 0
        for side in range(2):
            in_side = 0
            for point in range(1, 26):
                start = bit
                while bit < 80 and keys[i, bit >> 3] >> (bit & 7) & 1:
                    bit += 1
                count = bit - start
                bit += 1
                if count == 0:
                    continue
                in_side += count
                if side == 0:
                    boards[i, 25 - point] = -count
                elif boards[i, point] < 0:
                    shared = point
                else:
                    boards[i, point] = count
            if in_side > 15:
                return i, _OPPONENT_COUNT if side == 0 else _OWN_COUNT, in_side
            in_play += in_side
        if shared > 0:
            return i, _SHARED_POINT, shared
        for j in range(bit, 80):
            if keys[i, j >> 3] >> (j & 7) & 1:
                return i, _LEFT_OVER, bit
        if in_play == 0:
            return i, _EMPTY, 0
    return -1, 0, 0


def pack_boards(boards: Boards) -> Keys:
    """The 10 bytes of each position.

    Args:
        boards: int8[N, 26], the player on roll.

    Returns:
        uint8[N, 10].

    Raises:
        PositionError: another shape, or a board that cannot occur in a game (the message says which).
    """
    given = np.asarray(boards)
    if given.ndim != 2 or given.shape[1] != NUM_LOCATIONS or given.dtype != np.int8:
        raise PositionError(f"boards must be int8[N, {NUM_LOCATIONS}], not {given.dtype}{list(given.shape)}")
    keys = np.zeros((len(given), _KEY_BYTES), dtype=np.uint8)
    bad = int(_pack(np.ascontiguousarray(given), keys))
    if bad >= 0:
        try:
            check_board(given[bad])
        except PositionError as error:
            raise PositionError(f"board {bad}: {error}") from None
    return keys


def unpack_keys(keys: Keys, texts: Sequence[str], kind: str) -> Boards:
    """The boards of the 10-byte keys; `texts` and `kind` ("Position ID") are for the error message.

    Raises:
        IdError: a key that no position has.
    """
    boards = np.zeros((len(keys), NUM_LOCATIONS), dtype=np.int8)
    row, problem, number = _unpack(np.ascontiguousarray(keys), boards)
    if row >= 0:
        raise _id_error(kind, texts, int(row), _describe(int(problem), int(number)))
    return boards


def _describe(problem: int, number: int) -> str:
    if problem in (_OPPONENT_COUNT, _OWN_COUNT):
        who = "the opponent" if problem == _OPPONENT_COUNT else "the player on roll"
        return f"it gives {who} {number} checkers, there are only {NUM_CHECKERS}"
    if problem == _SHARED_POINT:
        return f"it puts checkers of both players on the {number} point"
    if problem == _LEFT_OVER:
        return f"its counts end after {number} bits, yet some of the bits behind them are set; they must all be 0"
    return "it has no checkers at all"


def _id_error(kind: str, texts: Sequence[str], row: int, problem: str) -> IdError:
    where = f"{kind} {quote(texts[row])}" + (f" (number {row + 1} of {len(texts)})" if len(texts) > 1 else "")
    return IdError(f"{where}: {problem}")


def position_ids(boards: Boards) -> list[str]:
    """The Position ID of each board, int8[N, 26] of the player on roll.

    Raises:
        PositionError: see `pack_boards`.
    """
    keys = pack_boards(boards)
    padded = np.zeros((len(keys), _KEY_BYTES + 2), dtype=np.uint8)  # 12 bytes make 16 characters, 14 are kept
    padded[:, :_KEY_BYTES] = keys
    text = base64.b64encode(padded.tobytes()).decode("ascii")
    return [text[i : i + POSITION_ID_LENGTH] for i in range(0, len(text), 16)]


def parse_position_ids(texts: Sequence[str]) -> Boards:
    """The boards, int8[N, 26] of the player on roll, of Position IDs.

    Raises:
        IdError: not 14 base64 characters, more than 15 checkers a side, both players on one point, bits left over.
    """
    kind = "Position ID"
    _check_characters(texts, POSITION_ID_LENGTH, _BASE64_TEXT, kind, "A-Z, a-z, 0-9, + and /")
    joined = "AA".join([*texts, ""])  # 16 characters each, which are 12 bytes
    padded = np.frombuffer(base64.b64decode(joined), dtype=np.uint8).reshape(len(texts), _KEY_BYTES + 2)
    boards = unpack_keys(padded[:, :_KEY_BYTES], texts, kind)
    if padded[:, _KEY_BYTES].any():
        row = int(padded[:, _KEY_BYTES].argmax())
        end = texts[row][-1]
        raise _id_error(
            kind, texts, row, f"its last character {end!r} sets bits that no ID uses; only A, Q, g, w can end one"
        )
    return boards


def parse_usable_ids(texts: Sequence[str]) -> tuple[Boards, dict[int, IdError]]:
    """The boards int8[N, 26] of Position IDs, and what is wrong with those that cannot be decoded, by their place.

    The board of a damaged ID is empty.
    """
    try:
        return parse_position_ids(texts), {}
    except IdError:
        pass
    boards = np.zeros((len(texts), NUM_LOCATIONS), dtype=np.int8)
    problems: dict[int, IdError] = {}
    for place, text in enumerate(texts):
        try:
            boards[place] = parse_position_ids([text])[0]
        except IdError as error:
            problems[place] = error
    return boards, problems


def letter_codes(boards: Boards) -> list[str]:
    """The 20-letter code of each board, int8[N, 26] of the player on roll.

    Raises:
        PositionError: see `pack_boards`.
    """
    keys = pack_boards(boards)
    text = (np.stack([keys >> 4, keys & 15], axis=-1) + np.uint8(ord("A"))).tobytes().decode("ascii")
    return [text[i : i + LETTER_CODE_LENGTH] for i in range(0, len(text), LETTER_CODE_LENGTH)]


def parse_letter_codes(texts: Sequence[str]) -> Boards:
    """The boards, int8[N, 26] of the player on roll, of 20-letter codes.

    Raises:
        IdError: not 20 letters A to P, or bits that no position has (as for a Position ID).
    """
    kind = "position code"
    _check_characters(texts, LETTER_CODE_LENGTH, _LETTER_TEXT, kind, "A to P")
    letters = np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8).reshape(len(texts), _KEY_BYTES, 2)
    halves = letters - np.uint8(ord("A"))
    return unpack_keys(halves[:, :, 0] * np.uint8(16) + halves[:, :, 1], texts, kind)


def _check_characters(texts: Sequence[str], length: int, allowed: re.Pattern[str], kind: str, alphabet: str) -> None:
    """Refuse texts of another length or alphabet; all are matched at once, one by one only to find the culprit."""
    if isinstance(texts, str):
        raise IdError(f"a list of {kind}s is needed, not the text {quote(texts)}")
    if set(map(len, texts)) <= {length} and allowed.fullmatch("".join(texts)):
        return
    for row, text in enumerate(texts):
        if len(text) != length:
            raise _id_error(kind, texts, row, f"it has {len(text)} characters, a {kind} has {length}")
        start = allowed.match(text)
        end = start.end() if start else 0
        if end < length:
            raise _id_error(kind, texts, row, f"character {end + 1}, {text[end]!r}, is not one of {alphabet}")


def position_id(position: Position) -> str:
    """The Position ID of a position seen by the player on roll.

    >>> position_id(Position.start())
    '4HPwATDgc/ABMA'
    """
    return position_ids(position.board[None])[0]


def parse_position_id(text: str) -> Position:
    """The position of a Position ID, seen by the player on roll; blanks around it do not matter.

    Raises:
        IdError: see `parse_position_ids`.
    """
    return Position(parse_position_ids([text.strip()])[0])


def letter_code(position: Position) -> str:
    """The 20-letter code of a position seen by the player on roll.

    >>> letter_code(Position.start())
    'OAHDPAABDAOAHDPAABDA'
    """
    return letter_codes(position.board[None])[0]


def parse_letter_code(text: str) -> Position:
    """The position of a 20-letter code, seen by the player on roll; blanks around it do not matter.

    Raises:
        IdError: see `parse_letter_codes`.
    """
    return Position(parse_letter_codes([text.strip()])[0])
