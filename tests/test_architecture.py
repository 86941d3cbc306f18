"""The plan of the house, read from the imports: which room stands on which, and where the heavy libraries live.

The rules are functions of (importing module, imported module), so that a test of the test can show that they catch what
they are there for. Imports inside functions count like those at the head of a file; names of modules in strings too.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ROOMS: tuple[str, ...] = (
    # ground
    "backgammon.tools",
    "backgammon.rules",
    # text
    "backgammon.notation",
    "backgammon.records.record",
    "backgammon.records.replay",
    "backgammon.records.formats",
    "backgammon.records",
    # judging
    "backgammon.evaluation",
    "backgammon.cube",
    # play
    "backgammon.search",
    "backgammon.engine",
    "backgammon.table",
    "backgammon.analysis",
    # join
    "backgammon.learner.inputs",
    "backgammon.learner.net",
    "backgammon.learner.data",
    "backgammon.learner.training",
    "backgammon.learner.teach",
    "backgammon.learner.measure",
    "backgammon.learner.coach",
    "backgammon.learner.players",
    "backgammon.learner",
    # doors
    "backgammon.env",
    "backgammon.registration",
    "backgammon.protocols",
    "backgammon.web",
    # roof
    "backgammon.cli",
    "backgammon.__main__",
)
"""The rooms of the engine from the ground up: a room imports itself and those that stand before it."""

LEARNER_ROOMS: tuple[str, ...] = (
    "comparison_net.tools",
    "comparison_net.domain",
    "comparison_net.grouping",
    "comparison_net.columns",
    "comparison_net.choices",
    "comparison_net.choice_tables",
    "comparison_net.conditional_logit",
    "comparison_net.boosting",
    "comparison_net.addresses",
    "comparison_net.network_config",
    "comparison_net.config",
    "comparison_net.encoders",
    "comparison_net.comparator",
    "comparison_net.moe",
    "comparison_net.network",
    "comparison_net.losses",
    "comparison_net.checkpoint",
    "comparison_net.training",
    "comparison_net.onnx_export",
    "comparison_net.committee_members",
    "comparison_net.committee",
    "comparison_net.estimator",
    "comparison_net.inspect",
)
"""The rooms of the learner in their order; it never imports the engine."""

JOINS = ("backgammon.learner", "backgammon.cli")
"""The only rooms of the engine that know the learner."""

FACES = ("backgammon", "comparison_net")
"""The public faces re-export from where things live, when they are first used; nobody inside goes through them."""

HOMES: Mapping[str, tuple[str, ...]] = {
    "torch": (
        "comparison_net",
        "backgammon.learner.training",
        "backgammon.learner.teach",
        "backgammon.learner.coach",
        "backgammon.learner.players",
        "backgammon.learner.measure",
    ),
    "gymnasium": ("backgammon.env", "backgammon.registration"),
    "pettingzoo": ("backgammon.env",),
    "click": ("backgammon.cli", "scripts"),
    "starlette": ("backgammon.protocols", "backgammon.web"),
    "uvicorn": ("backgammon.protocols.http_server",),
    "h11": ("backgammon.protocols.http_server",),
    "numba": (
        "backgammon.tools.jit",
        "backgammon.tools.intrinsics",
        "backgammon.tools.kernel_cache",
        "backgammon.tools.kernel_key",
    ),
    "platformdirs": ("backgammon.tools.folders",),
    "scipy": (),
    "sklearn": ("comparison_net.estimator",),
    "onnx": ("comparison_net.onnx_export",),
    "matplotlib": (),
    "pickle": ("backgammon.tools.kernel_cache",),  # numba's code is pickled; read behind a digest only
}
"""Where a library may be imported; tests and scripts may import what they like of it."""


def modules(package: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def imported_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute in this project"
            base = node.module or ""
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return names


TREES: dict[str, ast.Module] = dict([*modules("backgammon"), *modules("comparison_net")])
KNOWN = frozenset(TREES)
OUTSIDE: dict[str, ast.Module] = dict([*modules("scripts"), *modules("tests")])


def resolve(name: str, known: frozenset[str] = KNOWN) -> str | None:
    """The module of the house that an imported name belongs to; None for other people's."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or None


def is_within(module: str, room: str) -> bool:
    return module == room or module.startswith(room + ".")


def room_of(module: str, rooms: tuple[str, ...]) -> int:
    found = [index for index, room in enumerate(rooms) if is_within(module, room)]
    assert found, f"{module} stands in no room: add it to the plan"
    return max(found, key=lambda index: len(rooms[index]))


def complaint(importer: str, imported: str) -> str | None:
    """Why one module of the house may not import another; None where it may."""
    if importer in FACES:
        return None
    if imported in FACES:
        return f"{importer} goes through the public face {imported}: import from where the name lives"
    if is_within(importer, "comparison_net"):
        if not is_within(imported, "comparison_net"):
            return f"{importer} imports {imported}: the learner knows no game"
        rooms = LEARNER_ROOMS
    elif is_within(imported, "comparison_net"):
        is_join = any(is_within(importer, join) for join in JOINS)
        return None if is_join else f"{importer} imports {imported}: only {' and '.join(JOINS)} know the learner"
    else:
        rooms = ROOMS
    if room_of(imported, rooms) > room_of(importer, rooms):
        return f"{importer} imports {imported}, which stands higher"
    return None


def imports_of(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """The modules of the house that each module imports."""
    found: dict[str, set[str]] = {}
    for name, tree in trees.items():
        resolved = {resolve(imported) for imported in imported_names(tree)}
        found[name] = {module for module in resolved if module is not None and module != name}
    return found


def circle(graph: Mapping[str, set[str]]) -> list[str] | None:
    """One circle of modules that import each other; None where there is none."""
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return list(error.args[1])
    return None


def named_modules(tree: ast.Module) -> set[str]:
    """Modules of the house that a string names, such as "backgammon.table.duel:play" or "comparison_net.losses"."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.partition(":")[0]
            if "." in text and text in KNOWN:
                found.add(text)
    return found


ARROWS = [(name, imported) for name, targets in imports_of(TREES).items() for imported in sorted(targets)]


def test_no_arrow_runs_up() -> None:
    faults = [text for pair in ARROWS if (text := complaint(*pair)) is not None]
    assert not faults, "\n".join(faults)


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: targets - set(FACES) for name, targets in imports_of(TREES).items()}
    assert circle(graph) is None


def test_no_room_is_reached_by_a_string() -> None:
    faults = []
    for name, tree in TREES.items():
        for target in named_modules(tree):
            text = complaint(name, target)  # the roof loads a command when it is used: that arrow runs down
            if text is not None:
                faults.append(text)
    assert not faults, "\n".join(faults)


def test_the_guard_catches_what_it_is_there_for() -> None:
    assert complaint("comparison_net.losses", "comparison_net.training.loop")
    assert complaint("backgammon.engine.levels", "backgammon.analysis.figures")
    assert complaint("backgammon.table.session", "comparison_net.losses")
    assert complaint("comparison_net.network", "backgammon.rules.board")
    assert complaint("backgammon.rules.board", "backgammon.rules.board") is None
    assert complaint("backgammon.cli.train", "comparison_net.config") is None
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert named_modules(ast.parse('factory = load("backgammon.table.duel:play")')) == {"backgammon.table.duel"}


def test_no_file_name_stands_twice_in_the_house() -> None:
    seen: dict[str, str] = {}
    for name in TREES:
        path = ROOT / (name.replace(".", "/") + ".py")
        if not path.exists():
            continue
        leaf = path.name
        assert leaf not in seen, f"{name} and {seen[leaf]}"
        seen[leaf] = name


@pytest.mark.parametrize("library", HOMES)
def test_heavy_libraries_stay_in_their_rooms(library: str) -> None:
    for name, tree in TREES.items():
        if any(is_within(name, home) for home in HOMES[library]):
            continue
        assert library not in {imported.split(".")[0] for imported in imported_names(tree)}, name


def loaded_after(statement: str) -> set[str]:
    # numba asks scipy for its version wherever scipy is installed; its subpackages are what costs time
    code = f"import sys\n{statement}\nprint(*{{m.split('.')[0] for m in sys.modules if m != 'scipy'}} - {{'scipy'}})"
    code += "\nprint(*('scipy' for m in sys.modules if m in ('scipy.linalg', 'scipy.sparse', 'scipy.stats')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_importing_backgammon_loads_no_heavy_library() -> None:
    assert not loaded_after("import backgammon") & {"torch", "gymnasium", "click", "rich", "starlette"}


def test_gymnasium_knows_the_environments_whichever_is_imported_first() -> None:
    for imports in ("import backgammon, gymnasium", "import gymnasium, backgammon"):
        code = f"{imports}\nenv = gymnasium.make('Backgammon-v0')\nassert len(env.reset(seed=1)) == 2"
        code += "\nassert gymnasium.make_vec('BackgammonTurn-v0', num_envs=2).num_envs == 2"
        subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=ROOT)


def test_the_play_time_scorer_loads_no_torch() -> None:
    loaded = loaded_after("from backgammon.learner.net.scorer import load_scorer\nload_scorer()")
    assert not loaded & {"torch", "gymnasium", "scipy", "matplotlib"}


def test_help_loads_neither_torch_nor_numba() -> None:
    statement = "from backgammon.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    assert not loaded_after(statement) & {"torch", "numba", "gymnasium", "rich", "starlette", "uvicorn"}


def test_nothing_imports_data_scripts_or_tests() -> None:
    for name, tree in TREES.items():
        assert not {imported.split(".")[0] for imported in imported_names(tree)} & {"data", "scripts", "tests"}, name


def test_scripts_and_tests_import_what_is_there() -> None:
    for name, tree in OUTSIDE.items():
        for imported in imported_names(tree) | named_modules(tree):
            assert imported.split(".")[0] not in FACES or resolve(imported), (name, imported)


def test_no_possessive_quantifier_stands_behind_a_group() -> None:
    # Python before 3.11.5 lets such a group take too much when it stands inside a capture (cpython issue 106052)
    behind_group = re.compile(r"\)(?:[*+?]|\{+[0-9, ]+\}+)\+")
    for path in [*(ROOT / "backgammon").rglob("*.py"), *(ROOT / "comparison_net").rglob("*.py")]:
        assert not behind_group.search(path.read_text(encoding="utf-8")), path
