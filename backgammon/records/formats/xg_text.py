"""The texts that eXtreme Gammon and BGBlitz export of a position: an XGID, a board, candidates or a cube decision.

The words are translated into many languages, so only the XGID, numbers and marks are read. eXtreme Gammon's candidates:

     1. XG Roller++ 13/11 6/5                    eq:+0.009 (-0.012)
       Player:   50.26% (G:14.41% B:0.66%)
       Opponent: 49.74% (G:13.48% B:0.55%)

and BGBlitz's:

     1.   0.124 mwp /  -0.492            19/18, 14/12
          0.254  0.000  0.000  -  0.746  0.338  0.004

A file may hold any number of positions, each with an XGID.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from backgammon.notation.pasted import XGID_BODY, begin_of_board, find_positions
from backgammon.notation.xgid import BOTTOM, XgId, parse_xgid
from backgammon.records.formats.position_text import (
    MAX_POSITIONS,
    NUMBER,
    CandidateList,
    read_level,
    read_six_chances,
    record_of_xgid,
    to_number,
)
from backgammon.records.record.annotation import CubeAnalysis, Level, exclusive_chances
from backgammon.records.record.record import MatchRecord
from backgammon.records.record.text_encoding import decode
from backgammon.tools.errors import IdError, RecordError

MAX_LINE = 2_000
"""Characters of a line that are looked at."""

MAX_COMMENT = 10_000
"""Characters of a note."""

_WORDS = r"\S++(?:\s\S++)*"  # single blanks between them
_XGID = re.compile(rf"(?<![-A-Za-z0-9]){XGID_BODY}")
_NAMES = re.compile(rf"X\s?:\s*+({_WORDS})\s{{2,}}+O\s?:\s*+({_WORDS})")
_BLITZ_NAME = re.compile(rf"\+\s++([XO]): ({_WORDS})\s{{2,}}+[0-9]{{1,3}}\s*+$")
_CANDIDATE = re.compile(r"\s*+[0-9]{1,3}\.\s++(\S.*)")
_LEG = r"\w{1,8}+(?:/\w{1,8}+\*?){1,4}(?:\([2-4]\))?"
_PLAY = re.compile(rf"\b((?:{_LEG}[\s,]++){{1,4}})\S{{0,12}}?:\s*+({NUMBER})")
_BLITZ = re.compile(rf"(?:[0-9.,]{{1,10}}+\s++mwp\s*+/\s*+)?({NUMBER})(?:\s++\([^)]{{1,20}}\))?\s++(\S*/.*)")
_PERCENT = rf"({NUMBER})\s*+%"
_CHANCES = re.compile(rf"{_PERCENT}\s*+\(\D{{1,12}}?{_PERCENT}\s*+\D{{1,12}}?{_PERCENT}\s*+\)")
_LABEL = r"\s*+([^\s0-9:+-][^0-9:+-]{0,60}+)"
_CUBE_LINE = re.compile(rf"(?=\s){_LABEL}:?\s*+({NUMBER})(?:\s*+\({NUMBER}\))?\s*+$")
_TWO_NUMBERS = rf"({NUMBER})\s*+\(\s*+{NUMBER}\)"
_BLITZ_CUBE_LINE = re.compile(rf"{_LABEL}:\s*+{_TWO_NUMBERS}(?:\s*+{_TWO_NUMBERS})?\s*+$")
_BLITZ_CHANCES = re.compile(rf"\s*+({_WORDS})\s{{2,}}+({NUMBER})\s++({NUMBER})\s++({NUMBER})\s*+$")
_ASKED = re.compile(r"[XO]\s[^0-9:]{2,60}+[1-6]-?[1-6]\s*+$")  # "X to play 31"
_FOOTER = re.compile(r"\s*+eXtreme Gammon .{0,40}[0-9]\.[0-9]")
_FOOTNOTE = re.compile(r"[¹²³⁴⁵⁶⁷⁸⁹]|\S.{0,100}[0-9]\s?%\s*+$")  # of a rollout, of a cube decision
_VERDICT = re.compile(r"[^:]{3,40}:\s[^:]{2,60}$")  # "Best Cube action: Redouble / Take", in any language
_DEPTH = re.compile(r"XG Roller\+{0,2}|[0-9]{1,2}-pl[a-zé]{1,4}\b|Rollout", re.IGNORECASE)


def looks_like(text: str) -> bool:
    """True for a text with an XGID in it."""
    return _XGID.search(text) is not None


def read(data: bytes, name: str = "") -> list[MatchRecord]:
    """Every position of a text, each as a match record with one game that begins there.

    Args:
        data: the bytes of the file.
        name: of the file, kept in the records.

    Raises:
        RecordError: no XGID, one that is impossible, or too many.
    """
    text, encoding = decode(data)
    lines = [line[:MAX_LINE] for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    starts = find_positions(lines)
    if not starts:
        raise RecordError("not a position of eXtreme Gammon or BGBlitz: it has no XGID")
    if len(starts) > MAX_POSITIONS:
        raise RecordError(f"{len(starts):,} positions in one file; {MAX_POSITIONS:,} are read: split the file")
    ends = [begin_of_board(lines, number) for number, _ in starts[1:]] + [len(lines)]
    begins = [0, *ends[:-1]]
    records = []
    for (number, code), begin, end in zip(starts, begins, ends, strict=True):
        try:
            xgid = parse_xgid(code)
        except IdError as error:
            raise RecordError(f"line {number + 1}: {error}") from None
        records.append(_read_position(xgid, lines[begin:end], (name, number + 1, encoding)))
    return records


def _read_position(xgid: XgId, lines: list[str], place: tuple[str, int, str]) -> MatchRecord:
    reader = _PositionReader("X" if xgid.turn == BOTTOM else "O")
    for line in lines:
        reader.take_in(line)
    players = reader.names["O"], reader.names["X"]
    return record_of_xgid(xgid, players, reader.candidates, reader.cube_analysis(), place, reader.comment)


class _PositionReader:
    """One position so far."""

    def __init__(self, on_roll: str) -> None:
        self.names = {"X": "", "O": ""}
        self.candidates = CandidateList()
        self._on_roll = on_roll
        self._halves: list[tuple[str, list[float]]] = []  # name; win, gammon, backgammon
        self._cube_values: list[tuple[str, float]] = []
        self._is_blitz = False
        self._level = Level()
        self._note: list[str] = []
        self._is_noted = False  # from its first line to the footer everything belongs to the note
        self._has_verdict = False
        self._is_told = False  # the analysis, or the roll that is asked about, has come

    @property
    def comment(self) -> str:
        """The note below the analysis."""
        return "\n".join(self._note).strip()[:MAX_COMMENT]

    def take_in(self, line: str) -> None:
        """Go past the next line."""
        if _FOOTER.match(line):
            self._is_noted, self._is_told = False, False
        elif self._is_noted or (self._is_told and self._begins_note(line)):
            self._is_noted = True
            self._note.append(line.rstrip())
        else:
            self._take_in_analysis(line)

    def _begins_note(self, line: str) -> bool:
        """True for a line below the analysis that is none: it begins at the margin and tells no figures."""
        if not line[:1].strip() or _FOOTNOTE.match(line) or read_six_chances(line) is not None:
            return False
        if (found := _CANDIDATE.match(line)) and (_PLAY.search(found[1]) or _BLITZ.fullmatch(found[1].strip())):
            return False
        if not self.candidates.plays and not self._has_verdict and _VERDICT.match(line):
            self._has_verdict = True
            return False
        return not any(pattern.search(line) for pattern in (_CHANCES, _CUBE_LINE, _BLITZ_CUBE_LINE, _BLITZ_CHANCES))

    def _take_in_analysis(self, line: str) -> None:
        if "|" in line or not line.strip():
            return
        self._is_told = self._is_told or _ASKED.match(line) is not None
        if found := _BLITZ_NAME.search(line):
            self.names[found[1]] = found[2][:100]
            self._is_blitz = True
        elif found := _NAMES.match(line):
            self.names["X"], self.names["O"] = found[1][:100], found[2][:100]
        elif found := _CANDIDATE.match(line):
            self._take_in_candidate(found[1])
        elif chances := read_six_chances(line):
            self.candidates.add_chances(chances)
        elif found := _CHANCES.search(line):
            self._take_in_half("", found.groups())
        elif found := (_BLITZ_CUBE_LINE if self._is_blitz else _CUBE_LINE).match(line):
            numbers = [text for text in found.groups()[1:] if text]
            self._cube_values.append((found[1].strip(), to_number(numbers[-1])))
            self._is_told = True
        elif self._is_blitz and (found := _BLITZ_CHANCES.match(line)):
            self._take_in_half(found[1], found.groups()[1:])
        elif not self.candidates.plays and (found := _DEPTH.search(line)):
            self._level = read_level(found[0], first_ply=1)

    def _take_in_candidate(self, text: str) -> None:
        text = text.strip()
        if found := _BLITZ.fullmatch(text):
            self.candidates.add(found[2], to_number(found[1]), Level("BGBlitz"))
            self._is_told = True
        elif found := _PLAY.search(text):
            self._is_told = True
            self.candidates.add(
                found[1].strip(" ,"), to_number(found[2]), read_level(text[: found.start()], first_ply=1)
            )
        self._halves = []

    def _take_in_half(self, name: str, numbers: tuple[str, ...]) -> None:
        """Chances of the player and then of the opponent, for the last candidate or for the cube."""
        self._halves.append((name, [to_number(text) / 100 for text in numbers]))
        if self.candidates.plays and len(self._halves) == 2:
            self.candidates.add_chances(exclusive_chances(*self._halves[0][1], *self._halves[1][1]))

    def cube_analysis(self) -> CubeAnalysis | None:
        """The cube decision; None when the text is about a roll."""
        if self.candidates.plays or not self._cube_values:
            return None
        chances = None
        if len(self._halves) >= 2:
            (first_name, first), (_, second) = self._halves[:2]
            # eXtreme Gammon begins with the player on roll, BGBlitz writes names.
            is_turned = self._is_blitz and first_name != self.names[self._on_roll]
            chances = tuple(exclusive_chances(*second, *first) if is_turned else exclusive_chances(*first, *second))
        values = dict(self._name_values())
        level = Level("BGBlitz") if self._is_blitz else self._level
        return CubeAnalysis(
            level,
            chances,  # type: ignore[arg-type]
            values.get("no_double"),
            values.get("double_take"),
            values.get("double_pass"),
        )

    def _name_values(self) -> Iterator[tuple[str, float]]:
        """Which value is which: eXtreme Gammon keeps to an order, BGBlitz sorts them; a pass is always worth 1."""
        if not self._is_blitz:
            names = ("no_double", "double_take", "double_pass")
            yield from zip(names, (value for _, value in self._cube_values), strict=False)
            return
        for label, value in self._cube_values:
            if "/" not in label:
                yield "no_double", value
            else:
                yield ("double_pass" if value == 1.0 else "double_take"), value
