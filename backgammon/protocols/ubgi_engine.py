"""UBGI, the Universal Backgammon Interface, versions 0.1 and 0.2: commands in, lines out.

One session understands both versions. Commands that only one of them has (0.1: setoption, newsession, setscore,
setcube, setturn, `go role`; 0.2: set, get, keys, `go chequer`) tell which one the client speaks, and that decides the
codes of errors and the form of answers; until then it is 0.2.

Decisions are answered at once, so `stop` finds nothing to stop and `search_in_progress` never happens. Of the limits of
0.1 `movetime`, `depth` and `nodes` are upper bounds that are always kept; `trials` asks for a rollout and is refused.

Source: bgci, docs/ubgi-v0.1-spec.md and docs/ubgi-v0.2-spec.md (2026), after the draft of O. Schonning-Johansen (2025).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backgammon.cube.stakes import CENTRED as UNOWNED
from backgammon.cube.stakes import OPPONENT, OWN, Stakes, stakes_of_xgid
from backgammon.evaluation.outcome import cumulative, equities
from backgammon.notation.gnu_id import position_id
from backgammon.notation.identifier import IdentifiedPosition, parse_identifier
from backgammon.notation.match_id import CENTRED
from backgammon.protocols.adviser import Advice, Adviser, spell_play
from backgammon.protocols.lines import MAX_LINE
from backgammon.protocols.ubgi_settings import OPTIONS, SETTINGS, EngineSettings, Refusal, RefusalKind, Version
from backgammon.rules import game as turns
from backgammon.rules.board import Position, swap
from backgammon.rules.dice import Roll, make_roll
from backgammon.rules.game import GameState
from backgammon.tools.errors import PairgammonError
from backgammon.tools.quoting import quote

PASS = "pass"
"""The move when no checker can move."""

_ROLES = ("chequer", "cube", "turn")
_LIMITS = ("movetime", "depth", "nodes")
_OWNERS = {"center": None, "p0": 0, "p1": 1}
_SEATS = {"p0": 0, "p1": 1}


class UbgiEngine:
    """One session; it keeps the position, the dice and the settings."""

    def __init__(
        self, make_adviser: Callable[[EngineSettings], Adviser], settings: EngineSettings, author: str
    ) -> None:
        """A session before its first line.

        Args:
            make_adviser: gives the engine for some settings; called when a decision is first asked for, and again when
                the settings have changed.
            settings: to begin with.
            author: who the engine says it is by.
        """
        self.is_finished = False
        self.version = Version.V02
        self.settings = settings
        self._make_adviser = make_adviser
        self._adviser: tuple[EngineSettings, Adviser] | None = None
        self._author = author
        self._position: Position | None = None
        self._roll: Roll | None = None
        self._cube: tuple[int, int | None] = (1, None)
        self._stakes: Stakes | None = None
        self._length, self._score, self._uses_crawford, self._has_jacoby = 0, (0, 0), True, False
        self._games_one_away = 0
        self._turn = 0
        self._commands: dict[str, Callable[[list[str]], list[str]]] = {
            "ubgi": self._handshake,
            "isready": self._report_ready,
            "quit": self._quit,
            "stop": self._stop,
            "newgame": self._begin_game,
            "position": self._set_position,
            "dice": self._set_dice,
            "go": self._decide,
            "set": self._set_key,
            "get": self._show_key,
            "keys": self._list_keys,
            "setoption": self._set_option,
            "newsession": self._begin_session,
            "setscore": self._set_score,
            "setcube": self._set_cube,
            "setturn": self._set_turn,
        }

    def answer(self, line: str | None) -> list[str]:
        """The lines that answer one line; None stands for a line that was too long to be read."""
        try:
            if line is None:
                raise Refusal(RefusalKind.SYNTAX, f"a line has at most {MAX_LINE} bytes")
            words = line.split()
            if not words:
                return []
            if words[0] not in self._commands:
                raise Refusal(RefusalKind.UNKNOWN, quote(words[0]))
            return self._commands[words[0]](words[1:])
        except Refusal as refusal:
            return [f"error {refusal.kind.code(self.version)} {refusal}"]
        except PairgammonError as error:
            return [f"error {RefusalKind.VALUE.code(self.version)} {' '.join(str(error).split())}"]

    # Handshake and settings

    def _handshake(self, words: list[str]) -> list[str]:
        _expect(words, 0, "ubgi")
        options = [option.describe(self.settings) for option in OPTIONS]
        name = f"pairgammon {self._current().name}"
        return [f"id name {name}", f"id author {self._author}", f"proto {Version.V02.value}", *options, "ubgiok"]

    def _report_ready(self, words: list[str]) -> list[str]:
        _expect(words, 0, "isready")
        self._current()
        return ["readyok"]

    def _quit(self, words: list[str]) -> list[str]:
        _expect(words, 0, "quit")
        self.is_finished = True
        return []

    def _stop(self, words: list[str]) -> list[str]:
        _expect(words, 0, "stop")
        return []

    def _set_key(self, words: list[str]) -> list[str]:
        self.version = Version.V02
        if len(words) < 2:
            raise Refusal(RefusalKind.SYNTAX, "expected: set <key> <value>")
        setting = SETTINGS.get(words[0])
        if setting is None:
            raise Refusal(RefusalKind.UNSUPPORTED, f"{quote(words[0])}: `keys` lists what can be set")
        self.settings = setting.apply(self.settings, " ".join(words[1:]))
        return []

    def _show_key(self, words: list[str]) -> list[str]:
        self.version = Version.V02
        _expect(words, 1, "get <key>")
        setting = SETTINGS.get(words[0])
        if setting is None:
            raise Refusal(RefusalKind.UNSUPPORTED, f"{quote(words[0])}: `keys` lists what there is")
        return [f"value {setting.key} {setting.show(self.settings)}"]

    def _list_keys(self, words: list[str]) -> list[str]:
        self.version = Version.V02
        _expect(words, 0, "keys")
        return [setting.describe(self.settings) for setting in SETTINGS.values()]

    def _set_option(self, words: list[str]) -> list[str]:
        self.version = Version.V01
        if len(words) < 4 or words[0] != "name" or words[2] != "value":
            raise Refusal(RefusalKind.SYNTAX, "expected: setoption name <Name> value <Value>")
        option = next((option for option in OPTIONS if option.name == words[1]), None)
        if option is None:
            raise Refusal(RefusalKind.UNSUPPORTED, f"option {quote(words[1])}: `ubgi` lists what there is")
        self.settings = option.setting.apply(self.settings, " ".join(words[3:]))
        return []

    # The game

    def _begin_game(self, words: list[str]) -> list[str]:
        _expect(words, 0, "newgame")
        self._position, self._roll, self._stakes = None, None, None
        self._cube, self._turn = (1, None), 0
        self._games_one_away += self._has_one_away()
        return []

    def _begin_session(self, words: list[str]) -> list[str]:
        self.version = Version.V01
        usage = "newsession type <money|match> [length <N>] [jacoby <on|off>] [crawford <on|off>]"
        fields = _read_pairs(words, usage)
        kind = fields.pop("type", "")
        length = _read_number(fields.pop("length", "0"), "length", 0, 99)
        if kind not in ("money", "match") or (kind == "match") != (length > 0):
            raise Refusal(RefusalKind.SYNTAX, f"expected: {usage}; a match has a length, money play has none")
        for name, value in fields.items():
            if name not in ("jacoby", "crawford") or value not in ("on", "off"):
                raise Refusal(RefusalKind.SYNTAX, f"expected: {usage}")
        self._length, self._score, self._games_one_away = length, (0, 0), 0
        self._uses_crawford = fields.get("crawford", "on") == "on"
        self._has_jacoby = fields.get("jacoby") == "on" and not length
        return []

    def _set_score(self, words: list[str]) -> list[str]:
        self.version = Version.V01
        _expect(words, 2, "setscore <p0> <p1>")
        first, second = (_read_number(word, "score", 0, max(self._length - 1, 0) or 99) for word in words)
        self._score = first, second
        return []

    def _set_cube(self, words: list[str]) -> list[str]:
        self.version = Version.V01
        usage = "setcube value <N> owner <center|p0|p1>"
        fields = _read_pairs(words, usage)
        if set(fields) != {"value", "owner"} or fields["owner"] not in _OWNERS:
            raise Refusal(RefusalKind.SYNTAX, f"expected: {usage}")
        value = _read_number(fields["value"], "cube", 1, turns.MAX_CUBE)
        if value & (value - 1):
            raise Refusal(RefusalKind.VALUE, f"cube {value}: it shows a power of two")
        self._cube, self._stakes = (value, _OWNERS[fields["owner"]]), None
        return []

    def _set_turn(self, words: list[str]) -> list[str]:
        self.version = Version.V01
        _expect(words, 1, "setturn <p0|p1>")
        if words[0] not in _SEATS:
            raise Refusal(RefusalKind.SYNTAX, "expected: setturn <p0|p1>")
        self._turn, self._stakes = _SEATS[words[0]], None
        return []

    def _set_position(self, words: list[str]) -> list[str]:
        usage = "position <gnubgid|xgid> <ID>"
        if len(words) < 2:
            raise Refusal(RefusalKind.SYNTAX, f"expected: {usage}")
        if words[0] not in ("gnubgid", "xgid"):
            raise Refusal(RefusalKind.UNSUPPORTED, f"{quote(words[0])}: {usage}")
        text = " ".join(words[1:])
        found = parse_identifier(text)
        if (found.xgid_source is not None) != (words[0] == "xgid"):
            raise Refusal(RefusalKind.VALUE, f"{quote(text)} is no {words[0]}")
        if found.position.is_over:
            raise Refusal(RefusalKind.VALUE, f"{quote(text)}: the game is over in this position")
        self._take_over(found)
        return []

    def _take_over(self, found: IdentifiedPosition) -> None:
        """The position, and the dice and the cube where the ID holds them."""
        self._position, self._roll, self._stakes = found.position, found.match.dice, None
        if found.xgid_source is not None:
            match = found.match
            self._turn = match.on_roll
            self._cube = match.cube, None if match.cube_owner == CENTRED else match.cube_owner
            self._stakes = stakes_of_xgid(found.xgid_source)

    def _set_dice(self, words: list[str]) -> list[str]:
        _expect(words, 2, "dice <d1> <d2>")
        self._roll = make_roll(*(_read_number(word, "die", 1, 6) for word in words))
        return []

    # Decisions

    def _decide(self, words: list[str]) -> list[str]:
        role = self._read_role(words)
        if role == "cube":
            return [f"bestcube {self._cube_action()}"]
        state = self._state()
        if self._roll is None:
            raise Refusal(RefusalKind.STATE, "missing dice: give `dice <d1> <d2>` first")
        advice = self._current().rank(turns.roll_dice(state, *self._roll), self._current_stakes())
        return self._answer_play(advice, role)

    def _read_role(self, words: list[str]) -> str:
        """What is to be decided; limits are checked and need no attention, see the module's text."""
        usage = "go [chequer|cube|turn]"
        if words and words[0] == "role":
            self.version = Version.V01
            usage = "go role <chequer|cube|turn> [movetime <ms>] [depth <n>] [nodes <n>] [trials <n>]"
            fields = _read_pairs(words, usage)
            role = fields.pop("role")
            if "trials" in fields:
                raise Refusal(RefusalKind.UNSUPPORTED, "trials: the engine evaluates and rolls nothing out")
            for name, value in fields.items():
                if name not in _LIMITS:
                    raise Refusal(RefusalKind.SYNTAX, f"expected: {usage}")
                _read_number(value, name, 1, 1_000_000_000)
        else:
            self.version = Version.V02 if words else self.version
            role = words[0] if len(words) == 1 else "" if words else "chequer"
        if role not in _ROLES:
            raise Refusal(RefusalKind.SYNTAX, f"expected: {usage}")
        return role

    def _cube_action(self) -> str:
        state = self._state()
        return "double" if state.may_double and self._current().doubles(state, self._current_stakes()) else "nodouble"

    def _answer_play(self, advice: Advice, role: str) -> list[str]:
        """The final answer, behind the best candidates for who wants to look."""
        decision = advice.decision
        best = int(advice.order[0])
        text = self._spell(advice, best)
        after = Position(swap(decision.candidates[best]))
        lines = [self._describe(advice, rank) for rank in range(min(self.settings.multipv, len(advice.order)))]
        if role == "chequer":
            lines.append(f"bestmove {text}")
            if self.version is Version.V01:
                lines.append(f"bestmoveid {position_id(after)}")
            return lines
        move = f"moveid={position_id(after)}" if self.version is Version.V01 else f"move={text}"
        return [*lines, f"bestturn cube={self._cube_action()} {move}"]

    def _describe(self, advice: Advice, rank: int) -> str:
        """The info line of a candidate, rank 0 the best; without chances it has no equity, for a score is none."""
        row = int(advice.order[rank])
        words = ["info", "multipv", str(rank + 1), "depth", str(int(advice.plies[row]) + 1)]
        if advice.outcomes is not None:
            outcomes = advice.outcomes[row]
            win, gammon, backgammon, _, _ = cumulative(outcomes).tolist()
            words += ["score" if self.version is Version.V02 else "eq", f"{float(equities(outcomes)):.4f}"]
            words += ["pwin", f"{win:.4f}", "pgammon", f"{gammon:.4f}", "pbg", f"{backgammon:.4f}"]
        return " ".join([*words, "pv", self._spell(advice, row)])

    def _spell(self, advice: Advice, row: int) -> str:
        return spell_play(advice.decision.plays[row]) or PASS

    def _has_one_away(self) -> bool:
        return self._length > 1 and (self._length - self._score[0] == 1) != (self._length - self._score[1] == 1)

    def _current_stakes(self) -> Stakes:
        """What is played for: as the XGID says, else as session, score and cube do.

        UBGI does not say which game is the Crawford game: the first one at such a score is taken for it.

        Raises:
            StakesError: these cannot stand together.
        """
        if self._stakes is not None:
            return self._stakes
        turn, (cube, owner) = self._turn, self._cube
        is_crawford = self._uses_crawford and self._has_one_away() and self._games_one_away <= 1 and cube == 1
        return Stakes(
            length=self._length,
            score=(self._score[turn], self._score[1 - turn]) if self._length else (0, 0),
            cube=cube,
            owner={None: UNOWNED, turn: OWN}.get(owner, OPPONENT),
            is_crawford=is_crawford,
            has_jacoby=self._has_jacoby,
        )

    def _state(self) -> GameState:
        """The game before the roll."""
        if self._position is None:
            raise Refusal(RefusalKind.STATE, "missing position: give `position gnubgid <ID>` first")
        state = turns.new_game(position=self._position, turn=self._turn)
        cube, owner = self._cube
        return replace(state, cube=cube, cube_owner=owner)

    def _current(self) -> Adviser:
        """The engine for the present settings."""
        wanted = self.settings.for_engine()
        if self._adviser is None or self._adviser[0] != wanted:
            self._adviser = wanted, self._make_adviser(wanted)
        return self._adviser[1]


def _expect(words: list[str], count: int, usage: str) -> None:
    if len(words) != count:
        raise Refusal(RefusalKind.SYNTAX, f"expected: {usage}")


def _read_pairs(words: list[str], usage: str) -> dict[str, str]:
    """Names and values in turn, no name twice."""
    names, values = words[::2], words[1::2]
    if len(names) != len(values) or len(set(names)) != len(names):
        raise Refusal(RefusalKind.SYNTAX, f"expected: {usage}")
    return dict(zip(names, values, strict=True))


def _read_number(text: str, name: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and low <= int(text) <= high):
        raise Refusal(RefusalKind.VALUE, f"{name} {quote(text)}: must be {low}..{high}")
    return int(text)
