"""Coverage-guided fuzzing of every importer, identifier and protocol with atheris (`pip install -e '.[fuzz]'`).

    python -m scripts.fuzz_importers --seconds 1200
    python -m scripts.fuzz_importers --executions 1000000 # in processes of 50,000, one after the other
    python -m scripts.fuzz_importers --seeds             # write the seeds of tests/corpus anew
    python -m scripts.fuzz_importers FILE ...            # run single inputs, for instance a crash

The first byte of an input chooses what it is given to. Anything but a PairgammonError is a find: it is written to the
folder "finds" in the corpus with its traceback, once for each place in the code, and fuzzing goes on. An input that
takes more than 2 seconds or lets the process grow beyond 512 MB is one too; there libFuzzer writes a file and stops.
What the importers understand is replayed; every sixteenth of those is also written in each format and read again.
Protocols must answer whatever is said: an error that leaves them is a find as well.

The limit of 512 MB is on the whole process: interpreter, kernels, the fuzzer's own books, which grow with every
execution, and all that the inputs so far have left in caches. So a long campaign is cut into processes; they share
the corpus, and each takes up what the ones before it have found.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import re
import struct
import subprocess
import sys
import tempfile
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path

import click

from scripts.program import program

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests" / "corpus"
MAX_SECONDS = 2
MAX_MEGABYTES = 512
MAX_INPUT = 1 << 12
PROCESS_EXECUTIONS = 50_000
"""Inputs of one process of a campaign."""

MEANING = {"games", "length", "scores", "starts", "plays", "rolls", "results"}
"""What no format may lose, however strange the input; of names and notes some hold less than others."""

_RECORD_BYTES = 2_560
_TRAILER_BYTES = 36


def spread(data: bytes) -> bytes:
    """Records of eXtreme Gammon from a short description, so that a fuzzer need not carry 2,560 bytes for each.

    A record is a kind, a number of patches, and for each patch an offset (2 bytes), a length and the bytes.
    """
    records: list[bytes] = []
    position = 0
    while position + 2 <= len(data) and len(records) < 64:
        record = bytearray(_RECORD_BYTES)
        record[8] = data[position] % 8
        num_patches = data[position + 1]
        position += 2
        for _ in range(num_patches):
            head = data[position : position + 3]
            if len(head) < 3:
                break
            offset, length = int.from_bytes(head[:2], "little") % _RECORD_BYTES, head[2]
            patch = data[position + 3 : position + 3 + length][: _RECORD_BYTES - offset]
            record[offset : offset + len(patch)] = patch
            position += 3 + length
        records.append(bytes(record))
    return b"".join(records)


def squeeze(records: bytes) -> bytes:
    """Inverse of `spread` for real records."""
    parts: list[bytes] = []
    for first in range(0, len(records), _RECORD_BYTES):
        record = records[first : first + _RECORD_BYTES]
        runs = [
            list(run)
            for is_filled, run in itertools.groupby(range(_RECORD_BYTES), lambda i, r=record: bool(r[i]))  # type: ignore[misc]
            if is_filled
        ]
        patches = [run[i : i + 255] for run in runs for i in range(0, len(run), 255)][:255]
        parts.append(bytes((record[8], len(patches))))
        parts += [struct.pack("<HB", run[0], len(run)) + record[run[0] : run[-1] + 1] for run in patches]
    return b"".join(parts)


def mend(data: bytes) -> bytes:
    """A container of eXtreme Gammon with the right checksum, so that what lies behind it is reached."""
    if len(data) < _TRAILER_BYTES:
        return data
    register_size, data_size = struct.unpack_from("<ii", data, len(data) - _TRAILER_BYTES + 12)
    end = len(data) - _TRAILER_BYTES
    start = end - register_size - data_size
    if not 0 <= start <= end:
        return data
    crc = struct.pack("<I", zlib.crc32(data[start:end]))
    return data[:end] + crc + data[end + 4 :]


def make_targets() -> list[Callable[[bytes], None]]:
    """What the first byte of an input chooses from; new ones go to the end, since the corpus counts on the order."""
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
    from backgammon.records.formats.registry import WRITABLE, check_head, read_records
    from backgammon.records.record.record import MatchRecord
    from backgammon.records.record.source import open_sources
    from backgammon.records.replay.logged_labels import labelled_decisions
    from backgammon.records.replay.replay import replay_match
    from backgammon.records.replay.rewriting_losses import find_losses
    from backgammon.rules.board import Position
    from backgammon.rules.decision import Decision
    from backgammon.rules.dice import parse_roll
    from backgammon.search import Searcher, SearchSettings
    from backgammon.tools.errors import PairgammonError, RecordError
    from tests.evaluators import PipEvaluator

    adviser = Adviser(PipCountPlayer(), searcher=Searcher(PipEvaluator(), SearchSettings(plies=0)))
    opening = Decision.make(Position.start(), (3, 1))
    double = Decision.make(Position.start(), (1, 1))
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))

    def check(record: MatchRecord, is_thorough: bool) -> None:
        try:
            match = replay_match(record)
        except RecordError:
            return
        for game, played in zip(record.games, match.games, strict=True):
            lost = played.problem.num_lost if played.problem else 0
            assert played.num_rolls == len(played) + played.num_dances + played.num_unplayed + lost
            for label in labelled_decisions(game, played):
                assert len(label.rows) == len(label.analysis)
        if not is_thorough or any(game.start is not None and game.start.position.is_over for game in record.games):
            return  # a game set up at its end: a roll behind it is lost, and with it the only sign that it was played
        for entry in WRITABLE:
            assert entry.write is not None
            try:
                text = entry.write(record)
            except RecordError:
                continue
            again = read_records(text.encode("utf-8", "surrogatepass"))
            assert len(again) == 1 or not record.games
            if record.games:
                losses = find_losses(record, again[0])
                missing = losses & MEANING
                if "unknown rolls" in losses:  # no play, no dice: sgf cannot hold it, and what follows counts otherwise
                    missing -= {"rolls"}
                assert not missing, f"{entry.name} loses {sorted(missing)}"

    def importer(read: Callable[[bytes, str], list[MatchRecord]]) -> Callable[[bytes], None]:
        def run(data: bytes) -> None:
            records = read(data, "fuzz")
            is_thorough = hashlib.blake2b(data, digest_size=1).digest()[0] % 16 == 0
            for record in records[:3]:
                check(record, is_thorough)

        return run

    def texts(*parsers: Callable[[str], object]) -> Callable[[bytes], None]:
        def run(data: bytes) -> None:
            text = data.decode("utf-8", "replace")
            for parse in parsers:
                with contextlib.suppress(PairgammonError):
                    parse(text)

        return run

    def archive(data: bytes) -> None:
        path = folder / "input"
        path.write_bytes(data)
        for _ in open_sources(path, check_head):
            pass

    def protocol(make_answer: Callable[[], Callable[[str], object]]) -> Callable[[bytes], None]:
        def run(data: bytes) -> None:
            answer = make_answer()
            try:
                for line in read_lines(io.BytesIO(data)):
                    if line is not None:
                        answer(line)
            except PairgammonError as error:
                raise AssertionError(f"left unanswered: {error!r}") from error

        return run

    targets = [
        importer(read_records),
        importer(mat.read),
        importer(sgf.read),
        importer(jsonl.read),
        importer(lambda data, name: xg.read_records(spread(data), b"", name)),
        importer(lambda data, name: xg.read(mend(data), name)),
        importer(lambda data, name: xg.read_records(spread(data[64:]), data[:64], name)),
        importer(java_fibs.read),
        importer(gnubg_text.read),
        importer(xg_text.read),
        importer(snowie.read),
        texts(parse_identifier, parse_position_id, parse_match_id, parse_xgid, parse_letter_code, parse_roll),
        texts(
            lambda text: parse_play(text, opening),
            lambda text: complete_play(text, opening),
            lambda text: parse_play(text, double),
        ),
        archive,
        protocol(lambda: lambda line: answer_board(line, adviser)),
        protocol(lambda: UbgiEngine(lambda _: adviser, EngineSettings(max_ply=2), "fuzzer").answer),
        protocol(lambda: lambda line: answer_request(line, adviser)),
        importer(label_lines.read),
    ]

    def guard(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
        def run(data: bytes) -> None:
            with contextlib.suppress(PairgammonError):
                target(data)

        return run

    return [guard(target) for target in targets]


def run_input(data: bytes, targets: list[Callable[[bytes], None]]) -> None:
    """Give one input to the target that its first byte chooses."""
    if data:
        targets[data[0] % len(targets)](data[1 : MAX_INPUT + 1])


def write_seeds(folder: Path) -> int:
    """Write one small input for each target, all of our own making; gives their number."""
    from tests.fuzz_seeds import make_seeds

    folder.mkdir(parents=True, exist_ok=True)
    seeds = make_seeds(squeeze)
    for seed in seeds:
        (folder / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    return len(seeds)


class Keeper:
    """Runs inputs and keeps those that raise what they should not, one for each place in the code."""

    def __init__(self, targets: list[Callable[[bytes], None]], folder: Path) -> None:
        self._targets = targets
        self._folder = folder
        self._places: set[str] = set()

    def __call__(self, data: bytes) -> None:
        """Run one input; never raises."""
        try:
            run_input(data, self._targets)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            place = f"{type(error).__name__} {error} " + " ".join(
                f"{frame.name}:{frame.lineno}" for frame in frames[-3:]
            )
            if place not in self._places:
                self._places.add(place)
                self._folder.mkdir(parents=True, exist_ok=True)
                path = self._folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()
                path.write_bytes(data)
                path.with_suffix(".txt").write_text(traceback.format_exc())
                print(f"FIND {path}: {place}", file=sys.stderr, flush=True)


def fuzz(seconds: int, corpus: Path, extra: tuple[str, ...]) -> None:
    """Fuzz until the time is up or something is found; does not return."""
    import atheris

    sources = [file for file in (ROOT / "backgammon").rglob("*.py") if b"jit import" in file.read_bytes()]
    # numba cannot read instrumented code
    kernels = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in sources]
    with atheris.instrument_imports(include=["backgammon"], exclude=kernels):
        targets = make_targets()
    for seed in sorted(CORPUS.iterdir()):  # compiles the kernels before the clock runs
        run_input(seed.read_bytes(), targets)
    arguments = [
        sys.argv[0],
        str(corpus),
        str(CORPUS),
        f"-max_total_time={seconds}",
        f"-timeout={MAX_SECONDS}",
        f"-rss_limit_mb={MAX_MEGABYTES}",
        f"-max_len={MAX_INPUT}",
        "-print_final_stats=1",
        *extra,
    ]
    atheris.Setup(arguments, Keeper(targets, corpus / "finds"))
    atheris.Fuzz()


def run_campaign(executions: int, corpus: Path) -> int:
    """Fuzz in processes of PROCESS_EXECUTIONS until so many inputs have run; gives the exit code.

    Prints a line for each process and the sum. A process that libFuzzer stops, or a find, ends the campaign.
    """
    done, slowest, peak = 0, 0, 0
    while done < executions:
        command = [sys.executable, "-m", "scripts.fuzz_importers", "--corpus", str(corpus), "--seconds", "0"]
        options = [f"-runs={min(PROCESS_EXECUTIONS, executions - done)}", f"-seed={done + 1}", "-verbosity=0"]
        result = subprocess.run(
            [*command, *(f"--libfuzzer={option}" for option in options)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        found = dict(re.findall(r"stat::(\w+):\s*(\d+)", result.stderr))
        if result.returncode or "FIND" in result.stderr or not found:
            print(result.stderr[-4000:], file=sys.stderr)
            print(f"stopped after {done:,} executions: exit code {result.returncode}")
            return 1
        done += int(found["number_of_executed_units"])
        slowest = max(slowest, int(found["slowest_unit_time_sec"]))
        peak = max(peak, int(found["peak_rss_mb"]))
        print(f"{done:,} executions, 0 finds, slowest {slowest} s, peak {peak} MB", flush=True)
    return 0


@program(__doc__)
@click.argument("inputs", nargs=-1, type=click.Path(path_type=Path))
@click.option("--seconds", default=600, show_default=True, help="How long to fuzz.")
@click.option("--executions", type=int, help="Run so many inputs instead, in several processes.")
@click.option(
    "--corpus",
    type=click.Path(path_type=Path),
    default=ROOT / "runs" / "fuzz",
    help="Where finds of coverage are kept.",
)
@click.option("--seeds", is_flag=True, help="Write the seeds to tests/corpus and stop.")
@click.option("--libfuzzer", "extra", multiple=True, help="A further argument of libFuzzer; may be repeated.")
@click.pass_context
def main(
    ctx: click.Context,
    inputs: tuple[Path, ...],
    seconds: int,
    executions: int | None,
    corpus: Path,
    seeds: bool,
    extra: tuple[str, ...],
) -> None:
    """Fuzz, or run single inputs; exit code 1 when a campaign was stopped."""
    if seeds:
        print(f"{write_seeds(CORPUS)} seeds")
        return
    if inputs:
        targets = make_targets()
        for path in inputs:
            run_input(path.read_bytes(), targets)
            print(f"{path}: passed")
        return
    corpus.mkdir(parents=True, exist_ok=True)
    if executions:
        ctx.exit(run_campaign(executions, corpus))
    fuzz(seconds, corpus, extra)


if __name__ == "__main__":
    main()
