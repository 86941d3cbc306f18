"""What `scripts.fuzz_importers` gives an input to: every importer, identifier and protocol.

A target takes bytes and gives nothing; whatever it raises is a find.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from backgammon.evaluation.player import PipCountPlayer
from backgammon.notation.gnu_id import parse_letter_code, parse_position_id
from backgammon.notation.identifier import parse_identifier
from backgammon.notation.match_id import parse_match_id
from backgammon.notation.play_text import complete_play, parse_play
from backgammon.notation.xgid import parse_xgid
from backgammon.protocols.adviser import Adviser
from backgammon.protocols.external_player import answer_board
from backgammon.protocols.lines import read_lines
from backgammon.protocols.ubgi_engine import UbgiEngine
from backgammon.protocols.ubgi_settings import EngineSettings
from backgammon.protocols.wildbg import answer_request
from backgammon.records.formats import gnubg_text, java_fibs, jsonl, label_lines, mat, sgf, snowie, xg, xg_text
from backgammon.records.formats.registry import WRITABLE, Format, check_head, read_records
from backgammon.records.record.record import MatchRecord
from backgammon.records.record.source import open_sources
from backgammon.records.replay.logged_labels import labelled_decisions
from backgammon.records.replay.replay import ReplayedMatch, replay_match
from backgammon.records.replay.rewriting_losses import find_losses
from backgammon.rules.board import Position
from backgammon.rules.decision import Decision
from backgammon.rules.dice import parse_roll
from backgammon.search import Searcher, SearchSettings
from backgammon.tools.errors import PairgammonError, RecordError
from scripts.xg_short_form import mend, spread
from tests.evaluators import PipEvaluator

Target = Callable[[bytes], None]

MEANING = {"games", "length", "scores", "starts", "plays", "rolls", "results"}
"""What no format may lose, however strange the input; of names and notes some hold less than others."""


def make_targets() -> list[Target]:
    """What the first byte of an input chooses from; new ones go to the end, since the corpus counts on the order."""
    adviser = Adviser(PipCountPlayer(), searcher=Searcher(PipEvaluator(), SearchSettings(plies=0)))
    opening = Decision.make(Position.start(), (3, 1))
    double = Decision.make(Position.start(), (1, 1))
    targets = [
        _importer(read_records),
        _importer(mat.read),
        _importer(sgf.read),
        _importer(jsonl.read),
        _importer(lambda data, name: xg.read_records(spread(data), b"", name)),
        _importer(lambda data, name: xg.read(mend(data), name)),
        _importer(lambda data, name: xg.read_records(spread(data[64:]), data[:64], name)),
        _importer(java_fibs.read),
        _importer(gnubg_text.read),
        _importer(xg_text.read),
        _importer(snowie.read),
        _texts(parse_identifier, parse_position_id, parse_match_id, parse_xgid, parse_letter_code, parse_roll),
        _texts(
            lambda text: parse_play(text, opening),
            lambda text: complete_play(text, opening),
            lambda text: parse_play(text, double),
        ),
        _open_archive,
        _protocol(lambda: lambda line: answer_board(line, adviser)),
        _protocol(lambda: UbgiEngine(lambda _: adviser, EngineSettings(max_ply=2), "fuzzer").answer),
        _protocol(lambda: lambda line: answer_request(line, adviser)),
        _importer(label_lines.read),
    ]
    return [_guard(target) for target in targets]


def _guard(target: Target) -> Target:
    """A target that takes the error of a mistake in its input as the answer that it is."""

    def run(data: bytes) -> None:
        with contextlib.suppress(PairgammonError):
            target(data)

    return run


def _importer(read: Callable[[bytes, str], list[MatchRecord]]) -> Target:
    """Reads, and looks at the first matches."""

    def run(data: bytes) -> None:
        records = read(data, "fuzz")
        is_thorough = hashlib.blake2b(data, digest_size=1).digest()[0] % 16 == 0
        for record in records[:3]:
            _check_record(record, is_thorough)

    return run


def _texts(*parsers: Callable[[str], object]) -> Target:
    """Gives one text to each parser."""

    def run(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        for parse in parsers:
            with contextlib.suppress(PairgammonError):
                parse(text)

    return run


def _open_archive(data: bytes) -> None:
    """Opens a file that may be compressed or hold others."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "input"
        path.write_bytes(data)
        for _ in open_sources(path, check_head):
            pass


def _protocol(make_answer: Callable[[], Callable[[str], object]]) -> Target:
    """Says line after line to somebody new."""

    def run(data: bytes) -> None:
        answer = make_answer()
        try:
            for line in read_lines(io.BytesIO(data)):
                if line is not None:
                    answer(line)
        except PairgammonError as error:
            raise AssertionError(f"left unanswered: {error!r}") from error

    return run


def _check_record(record: MatchRecord, is_thorough: bool) -> None:
    """Replay a match; when thorough, write it in every format too."""
    try:
        match = replay_match(record)
    except RecordError:
        return
    _check_replay(record, match)
    # a game set up at its end: a roll behind it is lost, and with it the only sign that it was played
    is_at_end = any(game.start is not None and game.start.position.is_over for game in record.games)
    if is_thorough and not is_at_end:
        for entry in WRITABLE:
            _check_format(record, entry)


def _check_replay(record: MatchRecord, match: ReplayedMatch) -> None:
    """Every roll is accounted for, every analysed play has its candidates."""
    for game, played in zip(record.games, match.games, strict=True):
        lost = played.problem.num_lost if played.problem else 0
        assert played.num_rolls == len(played) + played.num_dances + played.num_unplayed + lost
        for label in labelled_decisions(game, played):
            assert len(label.rows) == len(label.analysis)


def _check_format(record: MatchRecord, entry: Format) -> None:
    """What a format can hold is read again as it was meant."""
    assert entry.write is not None
    try:
        text = entry.write(record)
    except RecordError:
        return
    again = read_records(text.encode("utf-8", "surrogatepass"))
    assert len(again) == 1 or not record.games
    if not record.games:
        return
    losses = find_losses(record, again[0])
    missing = losses & MEANING
    if "unknown rolls" in losses:  # no play, no dice: sgf cannot hold it, and what follows counts otherwise
        missing -= {"rolls"}
    assert not missing, f"{entry.name} loses {sorted(missing)}"
