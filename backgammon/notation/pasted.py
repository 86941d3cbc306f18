"""Finding identifiers in text as people paste it: mail, chat, markdown, a link, the clipboard of a program.

An identifier is looked for by its own form, never by what stands around it, so labels may be in any language. Only
where the form alone could be chance (14 letters are a word as well) a label, or that it decodes, decides.

In the block that eXtreme Gammon puts on the clipboard the XGID heads the board, and a note below it may name others:
`find_positions` tells them apart. No pattern here has nested or overlapping repeats: the time is linear in the text.
"""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

from backgammon.notation.gnu_id import POSITION_ID_LENGTH, parse_position_id
from backgammon.notation.match_id import MATCH_ID_LENGTH, parse_match_id
from backgammon.tools.errors import IdError

MAX_PASTED = 50_000
"""Characters that are looked at."""

XGID_BODY = r"[-A-Pa-p]{26}(?::[-A-Z0-9]{1,6}){9}"
"""An XGID without "XGID=", as far as its form goes."""

_BODY = re.compile(rf"(?<![-A-Za-z0-9])({XGID_BODY})(?![A-Za-z0-9]|:[-A-Za-z0-9])")
_WRAPPED = re.compile(r":[ \t>|]*\n[ \t>|]*(?=[-0-9A-Z])")
_SPACED = re.compile(r"[ \t]{0,9}:[ \t]{0,9}(?=[-0-9DBR])")
_LABELLED_XGID = re.compile(r"XGID\s*+[=:]\s*+([^\s\"'`<>()\[\]{}|]++)", re.IGNORECASE)
_BARE_FIELDS = re.compile(r"(?<!\S)[^\s:/]{1,60}+(?::[^\s:/]{0,12}+){6,12}(?!\S)")
_OGID = re.compile(r"\bOGID\b|(?<![0-9A-Za-z])[0-9a-p]{0,15}:[0-9a-p]{0,15}:[BWND?][0-9][OTPN](?![0-9A-Za-z])")

_RUN = re.compile(r"[A-Za-z0-9+/]+")
_PAIR = re.compile(r"([^\s:]{1,60}+):([^\s:]{0,60}+)")
_POSITION_LABEL = re.compile(r"(?:position|gnu\s?bg|gnu)[\s_-]?id\s*+[=:]?\W*+$", re.IGNORECASE)
_MATCH_LABEL = re.compile(r"match[\s_-]?id\s*+[=:]?[^\w+/]*+$", re.IGNORECASE)
_LABEL = re.compile(r"\b(?:position|match|gnu\s?bg|gnu)[\s_-]?id\b|\bXGID\s*+[=:]?\s", re.IGNORECASE)
_LABEL_REACH = 40
"""Characters before a run in which its label is looked for."""

_FRAME = re.compile(r"[^\w+]*+\+[-0-9]{20,60}")
_NAMES = re.compile(r"\W*+X\s?:.{1,200}?\sO\s?:")
_FOOTER = re.compile(r"eXtreme Gammon.{0,40}[0-9]\.[0-9]")
_NEAR = 5
"""Lines with anything on them in which a board or its players follow an XGID."""

_ABOVE = 20
"""Lines of a board that stands above its XGID, as BGBlitz writes it."""

_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-")
_PUNCTUATION = " \t\n\"'`.,;:!?*_~()[]{}<>|\\\u2018\u2019\u201c\u201d\u00ab\u00bb\u2022#=-"


def unwrap(text: str) -> str:
    """The text without what mail, browsers and word processors do to it; at most MAX_PASTED characters.

    Wide and typographic forms become plain ones, invisible characters go, links and entities are decoded.
    """
    text = text[:MAX_PASTED]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_DASHES)
        text = "".join(character for character in text if unicodedata.category(character) != "Cf")
    text = text.replace("\\/", "/")  # as JSON may write a slash
    if "%" in text:
        text = unquote(text)
    if "&" in text:
        text = html.unescape(text)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("XGID=3D", "XGID=")  # "=" of quoted-printable mail


def find_xgids(text: str) -> list[str]:
    """The XGIDs that name a position, in order; one that is damaged beyond its form is given as it stands.

    Args:
        text: as `unwrap` gives it.
    """
    codes = [code for _, code in find_positions(text.split("\n"))]
    codes = codes or _BODY.findall(_WRAPPED.sub(":", text)) or _BODY.findall(_SPACED.sub(":", text))
    if not codes and (labelled := _LABELLED_XGID.findall(text)):
        codes = [found.rstrip(_PUNCTUATION.replace("-", "")) for found in labelled]
    if not codes and not is_opengammon_id(text):
        codes = _BARE_FIELDS.findall(text.strip(_PUNCTUATION.replace("-", "")))
    return codes


def find_positions(lines: list[str]) -> list[tuple[int, str]]:
    """(line, XGID without "XGID=") of each position of a text; those that a note or a sentence names are left out.

    A position is an XGID with a board or players by it, or alone on its line outside of such a block. A text in which
    nothing else is named means what its sentences name.
    """
    named = [(number, match) for number, line in enumerate(lines) if ":" in line for match in _BODY.finditer(line)]
    positions: list[tuple[int, str]] = []
    is_in_block, last = False, 0
    for index, (number, match) in enumerate(named):
        following = named[index + 1][0] if index + 1 < len(named) else len(lines)
        is_in_block = is_in_block and not any(_FOOTER.search(line) for line in lines[last:number])
        has_board = _has_board(lines, number, following)
        if has_board or (not is_in_block and _is_alone(match)):
            positions.append((number, match[1]))
        is_in_block, last = is_in_block or has_board, number
    return positions or [(number, match[1]) for number, match in named]


def begin_of_board(lines: list[str], number: int) -> int:
    """First line of what belongs to an XGID: the board may stand above it (BGBlitz)."""
    for above in range(number - 1, max(-1, number - _ABOVE), -1):
        if _FRAME.match(lines[above]) and " O: " in lines[above]:
            return above
        if lines[above].strip() and not lines[above].startswith((" ", "v", "^")):
            break
    return number


def _has_board(lines: list[str], number: int, following: int) -> bool:
    """True when a board or the names of its players stand below or above the XGID of a line."""
    near = [line for line in lines[number + 1 : following] if line.strip()][:_NEAR]
    return any(_NAMES.match(line) or _FRAME.match(line) for line in near) or begin_of_board(lines, number) < number


def _is_alone(match: re.Match[str]) -> bool:
    """True when nothing but its label and marks stand on the line of an XGID."""
    line = match.string
    before = line[: match.start()].strip(_PUNCTUATION + "0123456789")
    return before.upper() in ("", "XGID") and not line[match.end() :].strip(_PUNCTUATION)


def is_opengammon_id(text: str) -> bool:
    """True for a text with an OGID, the identifier of OpenGammon."""
    return _OGID.search(text) is not None


def is_block(text: str) -> bool:
    """True for a text whose parts belong together: a label with its identifier, or a board with what stands by it."""
    return _LABEL.search(text) is not None or any(_FRAME.match(line) for line in text.split("\n"))


def is_match_id(text: str) -> bool:
    """True for a text whose only identifier is a Match ID."""
    runs = _RUN.findall(text)
    return any(len(run) == MATCH_ID_LENGTH and _decodes(run) for run in runs)


def find_gnu_ids(text: str) -> list[tuple[str, str]]:
    """(Position ID, Match ID or "") of every position, in order.

    What a label announces, or what is the whole text, is given as it stands; any other run must decode.
    """
    core = text.strip(_PUNCTUATION)
    if pair := _PAIR.fullmatch(core):
        first = _RUN.match(pair[1])
        if first is not None and len(pair[1].rstrip("=")) in range(POSITION_ID_LENGTH - 4, POSITION_ID_LENGTH + 5):
            return [(pair[1].rstrip("="), pair[2].rstrip("="))]
    if len(core) == POSITION_ID_LENGTH and not any(character.isspace() for character in core):
        return [(core, "")]
    runs = [run for match in _RUN.finditer(text) for run in _runs_of(match, text)]
    positions = [run for run in runs if run[2] == "position"] or [run for run in runs if _is_position(run)]
    found = []
    for index, (start, position, _) in enumerate(positions):
        end = positions[index + 1][0] if index + 1 < len(positions) else len(text)
        begin = start if len(positions) > 1 else 0
        found.append((position, _match_of(runs, begin, end, (start + len(position), text))))
    return found


_Run = tuple[int, str, str]
"""Where it begins, the characters, and what its label says it is: "position", "match" or ""."""


def _runs_of(match: re.Match[str], text: str) -> list[_Run]:
    """The run of a match with its label; in a link the last part behind a slash counts as well."""
    start, run = match.start(), match[0]
    before = text[max(0, start - _LABEL_REACH) : start]
    label = "match" if _MATCH_LABEL.search(before) else "position" if _POSITION_LABEL.search(before) else ""
    for length in (POSITION_ID_LENGTH, MATCH_ID_LENGTH):
        if len(run) > length and run[-length - 1] == "/" and _decodes(run[-length:]):
            return [(start + len(run) - length, run[-length:], label)]
    return [(start, run, label)]


def _match_of(runs: list[_Run], begin: int, end: int, behind: tuple[int, str]) -> str:
    """The Match ID of a position: labelled, or right behind it, or the first run that decodes."""
    near = [run for run in runs if begin <= run[0] < end and len(run[1]) == MATCH_ID_LENGTH]
    if labelled := [run for run in runs if begin <= run[0] < end and run[2] == "match"]:
        return labelled[0][1]
    place, text = behind
    for start, run, _ in near:
        if start >= place and not text[place:start].strip(_PUNCTUATION):
            return run
    return next((run for _, run, _ in near if _decodes(run)), "")


def _is_position(run: _Run) -> bool:
    return len(run[1]) == POSITION_ID_LENGTH and _decodes(run[1])


def _decodes(run: str) -> bool:
    try:
        if len(run) == MATCH_ID_LENGTH:
            parse_match_id(run)
        else:
            parse_position_id(run)
    except IdError:
        return False
    return True
