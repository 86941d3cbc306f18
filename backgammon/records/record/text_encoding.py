"""Bytes of a text file to text, whatever program wrote it or mailed it."""

from __future__ import annotations

import re

from backgammon.tools.errors import RecordError

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_WESTERN = {"iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252", "ascii", "us-ascii"}
"""Character sets that files declare and that are read as the Windows code page, which contains them."""

_SAMPLE = 1 << 14
"""Bytes, or lines, by which a file without a mark is judged."""

_QUOTE_MARKS = re.compile(r"^(?:[ \t]?>)+[ \t]?")
_WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """(text, name of the encoding): by byte order mark, by the zeros of a wide one, else UTF-8, else code page 1252.

    Args:
        data: of the whole file.
        declared: name of the character set that the file itself gives, "" without one.

    Raises:
        RecordError: zero bytes that no encoding explains, so no text at all.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _without_marks(data, encoding), encoding
    if wide := _guess_wide(data[:_SAMPLE]):
        return _without_marks(data, wide), wide
    if b"\0" in data:
        raise RecordError("this is no text but a binary file; a match log is needed")
    if declared.strip().lower().replace("_", "-") in _WESTERN:
        return data.decode("cp1252", errors="replace"), "cp1252"
    try:
        return data.decode("utf-8").replace("\ufeff", ""), "utf-8"  # joined files have marks inside
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), "cp1252"


def to_plain(data: bytes) -> tuple[bytes, str]:
    """(the text as UTF-8 without a mail's quote marks, the encoding it had); a file that needs nothing stays as it is.

    The UTF-8 begins with its mark, so that no character set that the text declares is believed any more.

    Raises:
        RecordError: see `decode`.
    """
    text, encoding = decode(data)
    plain = _unquoted(text) if _is_quoted(text) else text
    if plain is text and encoding not in _WIDE:
        return data, encoding
    return b"\xef\xbb\xbf" + plain.encode("utf-8", errors="replace"), encoding


def _without_marks(data: bytes, encoding: str) -> str:
    text = data.decode(encoding, errors="replace").replace("\ufeff", "")
    if "\0" in text[:_SAMPLE]:
        raise RecordError("this is no text but a binary file; a match log is needed")
    return text


def _guess_wide(sample: bytes) -> str:
    """The encoding of two or four bytes a character that a text without a mark has, "" for none.

    In a log most characters are digits, blanks and Latin letters: of each group of bytes all but one are zero then.
    """
    for encoding, size, place in (
        ("utf-32-le", 4, 0),
        ("utf-32-be", 4, 3),
        ("utf-16-le", 2, 0),
        ("utf-16-be", 2, 1),
    ):
        count = len(sample) // size
        zeros = [sample[start : count * size : size].count(0) for start in range(size)]
        if count and not zeros[place] and all(zeros[i] > count // 2 for i in range(size) if i != place):
            return encoding
    return ""


def _unquoted(text: str) -> str:
    """What was quoted, on the lines where it stood; what stands above and below in words of the answer is left out."""
    lines = text.replace("\r\n", "\n").split("\n")
    quoted = [number for number, line in enumerate(lines) if line.lstrip().startswith(">")]
    first, last = quoted[0], quoted[-1]
    kept = [_QUOTE_MARKS.sub("", line) if first <= number <= last else "" for number, line in enumerate(lines)]
    return "\n".join(kept)


def _is_quoted(text: str) -> bool:
    """True when most of a text stands on lines that begin with the mark of a quotation."""
    lines = [line for line in text[: 16 * _SAMPLE].split("\n") if line.strip()][:_SAMPLE]
    return 2 * sum(len(line) for line in lines if line.lstrip().startswith(">")) > sum(map(len, lines))
