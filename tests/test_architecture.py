"""The plan of the house, read from the imports: floors import downwards only; heavy libraries stay in their rooms."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Floors from the ground up: a module may import its own floor and those below.
FLOORS: list[list[str]] = [
    [
        "backgammon.errors",
        "backgammon.jit",
        "backgammon.intrinsics",
        "backgammon.dice",
        "backgammon.board",
        "backgammon.movegen",
        "backgammon.phase",
        "backgammon.rules",
        "backgammon.match",
        "backgammon.game",
        "backgammon.intervals",
        "backgammon.storage",
        "backgammon.crew",
        "backgammon.rolls",
        "backgammon.stream",
    ],
    ["backgammon.notation", "backgammon.records", "backgammon.decision_line"],
    ["backgammon.evaluation", "backgammon.cube"],
    [
        "backgammon.search",
        "backgammon.engine",
        "backgammon.levels",
        "backgammon.peers",
        "backgammon.sprt",
        "backgammon.player",
        "backgammon.arena",
        "backgammon.session",
        "backgammon.duel",
        "backgammon.agreement",
        "backgammon.analysis",
    ],
    ["backgammon.env", "backgammon.web", "backgammon.protocols", "backgammon"],
    ["comparison_net"],
    ["comparison_net.cli"],
]

TORCH_FILES = {"first_layer", "losses", "moe", "network", "run_state", "second_layer", "step", "training"}
"""The files and folders of comparison_net that may import torch."""


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
            names.add(base)
    return names


def floor_of(module: str) -> int:
    best, floor = "", -1
    for level, names in enumerate(FLOORS):
        for name in names:
            if (module == name or module.startswith(name + ".")) and len(name) > len(best):
                best, floor = name, level
    assert floor >= 0, f"{module} stands on no floor: add it to FLOORS"
    return floor


MODULES = [*modules("backgammon"), *modules("comparison_net")]
KNOWN = {name for name, _ in MODULES}


@pytest.mark.parametrize(("name", "tree"), MODULES, ids=[name for name, _ in MODULES])
def test_no_module_imports_a_higher_floor(name: str, tree: ast.Module) -> None:
    own = floor_of(name)
    for imported in imported_names(tree) & KNOWN:
        if imported == "backgammon":
            continue  # the package's public face re-exports the ground floor only
        assert floor_of(imported) <= own, f"{name} imports {imported}, which stands higher"


@pytest.mark.parametrize(("name", "tree"), MODULES, ids=[name for name, _ in MODULES])
def test_heavy_libraries_stay_in_their_rooms(name: str, tree: ast.Module) -> None:
    roots = {imported.split(".")[0] for imported in imported_names(tree)}
    if not (name.startswith("comparison_net.") and name.split(".")[1] in TORCH_FILES):
        assert "torch" not in roots
    if not name.startswith("backgammon.env"):
        assert not roots & {"gymnasium", "pettingzoo"}
    if not name.startswith("comparison_net.cli"):
        assert "click" not in roots
    assert not roots & {"scipy", "matplotlib", "pickle"}
    if name not in ("backgammon.jit", "backgammon.intrinsics"):
        assert "numba" not in roots, "kernels are compiled through backgammon.jit only"


def loaded_after(statement: str) -> set[str]:
    # numba asks scipy for its version wherever scipy is installed; its subpackages are what costs time
    code = f"import sys\n{statement}\nprint(*{{m.split('.')[0] for m in sys.modules if m != 'scipy'}} - {{'scipy'}})"
    code += "\nprint(*('scipy' for m in sys.modules if m in ('scipy.linalg', 'scipy.sparse', 'scipy.stats')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_importing_backgammon_loads_no_heavy_library() -> None:
    assert not loaded_after("import backgammon") & {"torch", "gymnasium", "click", "rich"}


def test_the_play_time_scorer_loads_no_torch() -> None:
    loaded = loaded_after("from comparison_net.scorer import load_scorer\nload_scorer()")
    assert not loaded & {"torch", "gymnasium", "scipy", "matplotlib"}


def test_help_loads_neither_torch_nor_numba() -> None:
    statement = "from comparison_net.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    assert not loaded_after(statement) & {"torch", "numba", "gymnasium", "rich"}


def test_nothing_imports_data_scripts_or_tests() -> None:
    for name, tree in MODULES:
        assert not {imported.split(".")[0] for imported in imported_names(tree)} & {"data", "scripts", "tests"}, name


def test_no_possessive_quantifier_stands_behind_a_group() -> None:
    # Python before 3.11.5 lets such a group take too much when it stands inside a capture (cpython issue 106052)
    behind_group = re.compile(r"\)(?:[*+?]|\{+[0-9, ]+\}+)\+")
    for path in [*(ROOT / "backgammon").rglob("*.py"), *(ROOT / "comparison_net").rglob("*.py")]:
        assert not behind_group.search(path.read_text(encoding="utf-8")), path
