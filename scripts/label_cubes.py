"""Draw cube decisions from our own play, and have them judged: by our own look-ahead, or by GNU Backgammon.

    python -m scripts.label_cubes --wide --count 84000 --seed 19101 --out cubes.jsonl.xz [--plies 2]
    python -m scripts.label_cubes --count 3000 --seed 19002 --judge gnubg --out fresh.jsonl.xz [--preload fastpoll.so]

The model that ships plays itself at 0-ply, cube and all: money games with and without the Jacoby rule, and matches to
3, 5, 7, 9 and 11 points, in turn. A decision is any roll before which a double was possible. Of those within CLOSE of
a double at 0-ply every second one is taken, of the others one in 16; "w" is what a decision stands for.

--wide draws what a net learns from, 20 times as fast: positions of games without a cube, 5 % of whose plays are random,
at stakes that are drawn too; every one within CLOSE_WIDE, one in 25 of the others.

Each line is as `rank` would answer ("xgid", "equities": no double, double/take, double/pass in EMG), has a "game", the
block of games played side by side that it comes from, and "chances" by our own look-ahead (of the player on roll, see
`outcome.OUTCOMES`). `evaluate` reads such lines, `scripts.learn_cube` learns from them. --judge gnubg asks GNU
Backgammon 1.07 (Debian package `gnubg`), which looks ahead with the cube; see `scripts.label_at_stakes` for --work and
--preload.
"""

from __future__ import annotations

import json
import lzma
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from backgammon.cube.cube_verdict import CubeVerdict
from backgammon.cube.stakes import CENTRED, OWN, Stakes, put_in_xgid
from backgammon.engine.at_stakes import StakesEngine
from backgammon.engine.engine_spec import EngineSpec
from backgammon.engine.peers.gnubg_judge import engine_boards
from backgammon.evaluation.player import Noise
from backgammon.learner.net.engine_builder import build_engine
from backgammon.notation.xgid import XgId, format_xgid
from backgammon.rules.board import START, Board, Position
from backgammon.table.cube_games import CubeTable
from backgammon.tools.arrays import Boards, Dice, Int64s
from backgammon.tools.errors import ConfigError
from backgammon.tools.storage import replace_file
from scripts.label_at_stakes import ask_gnubg, find_gnubg
from scripts.program import note, program
from scripts.verify_movegen import engine_decisions

STARTS = (
    Stakes(5), Stakes(), Stakes(7), Stakes(has_jacoby=True), Stakes(3), Stakes(9), Stakes(), Stakes(11)
)  # fmt: skip
"""Kinds of the blocks, in turn."""
PAIRS = 4
"""Pairs of games or matches in a block."""
CLOSE = 0.2
"""EMG between doubling and not, at 0-ply."""
CLOSE_SHARE, FAR_SHARE = 1 / 2, 1 / 16

LENGTHS = (3, 5, 7, 9, 11, 13)
"""Matches of a wide draw."""
NUM_STAKES = 400
"""Different stakes of a wide draw."""
CLOSE_WIDE = 0.25
WIDE_FAR_SHARE = 1 / 25
WIDE_ROWS, WIDE_PARTS = 40_000, 12_000
"""Positions that are played for a part of a wide draw, and how many of them are looked at."""

GNUBG_CUBES = """
import json, os
import gnubg
gnubg.command("set threads 1")
context = gnubg.evalcontext(1, int(os.environ["PG_PLIES"]), 1, 1, 0.0)
def judge(asked):
    info = gnubg.cubeinfo(
        asked["cube"], asked["owner"], 1, asked["length"], tuple(asked["score"]), asked["crawford"], 0
    )
    info["beavers"] = 0
    if not asked["length"]:
        info["jacoby"] = asked["jacoby"]
        price = 0.0 if asked["jacoby"] and asked["owner"] == -1 else 1.0
        info["gammonprice"] = ((price, price), (price, price))
    return gnubg.cfevaluate(tuple(tuple(side) for side in asked["board"]), info, context)[1:4]
"""
"""What `question` asks, in the Python of GNU Backgammon: EMG of no double, double/take, double/pass."""

_ANSWER_FILE = """
done = sum(1 for _ in open("answers.jsonl")) if os.path.exists("answers.jsonl") else 0
with open("questions.jsonl") as questions, open("answers.jsonl", "a") as answers:
    for number, line in enumerate(questions):
        if number >= done:
            answers.write(json.dumps(judge(json.loads(line))) + "\\n")
            answers.flush()
"""


class CubeCase(NamedTuple):
    """A cube decision: int8[26] of the player on roll, its stakes, its block, and how many it stands for."""

    board: Board
    stakes: Stakes
    block: str
    weight: float


class _Recorder:
    """Plays at 0-ply and remembers what it was asked about the cube."""

    name = "recorder"

    def __init__(self, engine: StakesEngine) -> None:
        self._engine = engine
        self.asked: dict[tuple[bytes, Stakes], float] = {}

    def decide_cubes(self, boards: Boards, stakes: Sequence[Stakes]) -> list[CubeVerdict]:
        """See `CubePlayer`; a doubler and the doubled ask the same."""
        verdicts = self._engine.decide_cubes(boards, stakes)
        for board, one, verdict in zip(boards, stakes, verdicts, strict=True):
            gap = verdict.no_double - min(verdict.double_take, verdict.double_pass)
            self.asked.setdefault((board.tobytes(), one), gap)
        return verdicts

    def choose_plays(self, boards: Boards, dice: Dice, stakes: Sequence[Stakes], noise: Noise) -> Int64s:  # noqa: ARG002
        """See `CubePlayer`."""
        return self._engine.choose(boards, dice, stakes)


def draw(count: int, seed: int) -> Iterator[CubeCase]:
    """Cube decisions, block after block; the same for the same seed and model."""
    engine = build_engine(EngineSpec()).plays
    rng = np.random.default_rng(seed)
    found = block = 0
    while found < count:
        recorder = _Recorder(engine)
        start = STARTS[block % len(STARTS)]
        pairs = range(block * PAIRS, (block + 1) * PAIRS)
        block += 1
        table = CubeTable((recorder, recorder), pairs, seed, 2 * PAIRS, start)
        while table.is_busy:
            table.play_turn()
        for (content, stakes), gap in recorder.asked.items():
            share = CLOSE_SHARE if abs(gap) <= CLOSE else FAR_SHARE
            if rng.random() < share and found < count:
                found += 1
                yield CubeCase(np.frombuffer(content, dtype=np.int8), stakes, f"{seed}/{block}", 1 / share)


def draw_widely(count: int, seed: int) -> Iterator[CubeCase]:
    """Cube decisions at stakes that nobody played for; the same for the same seed and model."""
    engine = build_engine(EngineSpec()).plays
    rng = np.random.default_rng(seed)
    pool = [_random_stakes(rng) for _ in range(NUM_STAKES)]
    found = part = 0
    while found < count:
        boards, _ = engine_decisions(WIDE_ROWS, seed * 100 + part, 0.05, num_games=256)
        boards = boards[rng.permutation(len(boards))[:WIDE_PARTS]]
        boards = boards[(boards != START).any(axis=1)]
        part += 1
        stakes = [pool[i] for i in rng.integers(0, len(pool), len(boards))]
        for board, one, verdict in zip(boards, stakes, engine.decide_cubes(boards, stakes), strict=True):
            gap = verdict.no_double - min(verdict.double_take, verdict.double_pass)
            share = 1.0 if abs(gap) <= CLOSE_WIDE else WIDE_FAR_SHARE
            if rng.random() < share and found < count:
                found += 1
                yield CubeCase(board, one, f"{seed}/{part}", 1 / share)


def _random_stakes(rng: np.random.Generator) -> Stakes:
    """Stakes at which a double is possible: two in five of money play, one in three of them with a turned cube."""
    while True:
        cube, owner = ((1, CENTRED), (1, CENTRED), (1, CENTRED), (2, OWN), (2, OWN), (4, OWN))[rng.integers(6)]
        if rng.random() < 0.4:
            has_jacoby = bool(rng.random() < 0.4)
            return Stakes(has_jacoby=has_jacoby) if owner == CENTRED else Stakes(0, (0, 0), 2, OWN, False, has_jacoby)
        length = int(rng.choice(LENGTHS))
        own, theirs = (int(points) for points in rng.integers(0, length, 2))
        if own + cube < length:
            return Stakes(length, (own, theirs), cube, owner)


def judge_ourselves(cases: Sequence[CubeCase], plies: int) -> list[dict[str, Any]]:
    """EMG of no double, double/take, double/pass by our look-ahead, and the chances that it sees."""
    engine = build_engine(EngineSpec(cube_plies=plies)).cube
    answers: list[dict[str, Any]] = []
    for first in range(0, len(cases), 4096):
        part = cases[first : first + 4096]
        for verdict in engine.decide_cubes(np.array([case.board for case in part]), [case.stakes for case in part]):
            assert verdict.outcomes is not None
            chances = [round(chance, 6) for chance in verdict.outcomes.tolist()]
            answers.append({"equities": [round(value, 6) for value in verdict.equities], "chances": chances})
        note(f"{len(answers):,} of {len(cases):,} judged")
    return answers


def question(case: CubeCase) -> dict[str, Any]:
    """What GNU Backgammon is asked, its player 1 on roll."""
    stakes = case.stakes
    return {
        "cube": stakes.cube,
        "owner": {CENTRED: -1, OWN: 1}.get(stakes.owner, 0),
        "length": stakes.length,
        "score": [stakes.score[1], stakes.score[0]],
        "crawford": int(stakes.is_crawford),
        "jacoby": int(stakes.has_jacoby),
        "board": next(iter(engine_boards(case.board[None]))),
    }


def judge_by_gnubg(cases: Sequence[CubeCase], plies: int, folder: Path, preload: Path | None) -> list[dict[str, Any]]:
    """EMG of no double, double/take, double/pass by GNU Backgammon, answers kept in a folder as they come.

    Raises:
        ConfigError: the program is missing, or the folder holds other answers.
    """
    questions = "".join(json.dumps(question(case)) + "\n" for case in cases)
    ask_gnubg(folder, find_gnubg(None), plies, preload, questions, GNUBG_CUBES + _ANSWER_FILE)
    lines = (folder / "answers.jsonl").read_text().splitlines()
    return [{"equities": [round(value, 6) for value in json.loads(line)]} for line in lines]


@program(__doc__)
@click.option("--count", default=20_000, show_default=True, help="Decisions.")
@click.option("--seed", default=19_001, show_default=True)
@click.option("--wide", is_flag=True, help="Draw positions at any stakes, to learn from.")
@click.option("--judge", default="own", show_default=True, type=click.Choice(("own", "gnubg")))
@click.option("--plies", default=2, show_default=True, type=click.IntRange(0, 3), help="Depth of the judge.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write, .jsonl.xz.")
@click.option("--work", type=click.Path(path_type=Path), help="Folder of gnubg's answers so far.  [default: a new one]")
@click.option("--preload", type=click.Path(path_type=Path, exists=True), help="A library for gnubg's LD_PRELOAD.")
def main(
    count: int, seed: int, wide: bool, judge: str, plies: int, out: Path, work: Path | None, preload: Path | None
) -> None:
    """Draw, ask, write."""
    if judge == "own" and (work or preload):
        raise ConfigError("--work and --preload are for --judge gnubg")
    cases = list((draw_widely if wide else draw)(count, seed))
    note(f"{len(cases):,} decisions drawn")
    if judge == "own":
        answers = judge_ourselves(cases, plies)
    else:
        answers = judge_by_gnubg(cases, plies, work or Path(tempfile.mkdtemp()), preload)
    lines = []
    for case, answer in zip(cases, answers, strict=True):
        xgid = format_xgid(put_in_xgid(XgId(Position(case.board)), case.stakes))
        lines.append(json.dumps({"game": case.block, "xgid": xgid, **answer, "w": case.weight}) + "\n")
    replace_file(out, lzma.compress("".join(lines).encode()))
    note(f"{len(lines):,} labelled decisions in {out}")


if __name__ == "__main__":
    main()
