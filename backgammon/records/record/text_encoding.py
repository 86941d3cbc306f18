"""Bytes of a text file to text, whatever program wrote it."""

from __future__ import annotations

from backgammon.tools.errors import RecordError

_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_WESTERN = {"iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252", "ascii", "us-ascii"}
"""Character sets that files declare and that are read as the Windows code page, which contains them."""


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """(text, name of the encoding): by byte order mark, else UTF-8, else the Windows code page 1252.

    Args:
        data: of the whole file.
        declared: name of the character set that the file itself gives, "" without one.

    Raises:
        RecordError: zero bytes, so no text at all.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace").replace("\ufeff", ""), encoding
    if b"\0" in data:
        raise RecordError("this is no text but a binary file; a match log is needed")
    if declared.strip().lower().replace("_", "-") in _WESTERN:
        return data.decode("cp1252", errors="replace"), "cp1252"
    try:
        return data.decode("utf-8").replace("\ufeff", ""), "utf-8"  # joined files have marks inside
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), "cp1252"
