"""Compiled kernels are kept, never stale, and never run unless they are what was written."""

from __future__ import annotations

import importlib.util
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs
import pytest

from backgammon.tools import folders, jit, kernel_cache, kernel_key
from backgammon.tools.errors import PairgammonWarning
from tests.test_architecture import TREES, imported_names, resolve

pytestmark = pytest.mark.skipif(jit.DISABLED, reason="kernels are not compiled")

ROOT = Path(__file__).resolve().parent.parent

TOY = {
    "deep.py": "NUMBER = 20\n",
    "middle.py": "from toy import (\n    deep,\n)\nTOTAL = deep.NUMBER + 1\n",
    "top.py": "from backgammon.tools.jit import kernel\nfrom toy.middle import TOTAL\n\n\n"
    "@kernel\ndef add(number: int) -> int:\n    return number + TOTAL\n\n\n"
    "@kernel\ndef double(number: int) -> int:\n    return 2 * number\n",
}
"""A package with a kernel that freezes a value computed from one in a file that it does not import itself."""


def write_toy(root: Path) -> None:
    (root / "toy").mkdir()
    (root / "toy" / "__init__.py").touch()
    for name, text in TOY.items():
        (root / "toy" / name).write_text(text)


def run_toy(root: Path, cache: Path, **environment: str) -> tuple[int, str]:
    """What the kernel gives in a new process, and what it writes to stderr."""
    code = "from toy.top import add\nprint(add(1))"
    env = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONWARNINGS": "default", **environment}
    env["PYTHONDONTWRITEBYTECODE"] = "1"  # Python's own cache goes by time and size, which the edit leaves alone
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root, env=env)
    return int(done.stdout), done.stderr


def test_an_edit_of_a_value_that_a_kernel_froze_is_never_stale(tmp_path: Path) -> None:
    tree, cache = tmp_path / "tree", tmp_path / "cache"
    shutil.copytree(ROOT / "backgammon" / "tools", tree / "backgammon" / "tools")
    shutil.copy(ROOT / "backgammon" / "__init__.py", tree / "backgammon")
    write_toy(tree)
    assert run_toy(tree, cache) == (22, "")
    deep = tree / "toy" / "deep.py"
    stamp = deep.stat()
    deep.write_text("NUMBER = 30\n")
    os.utime(deep, (stamp.st_atime, stamp.st_mtime))
    assert run_toy(tree, cache) == (32, "")
    assert len(list((cache / "kernels").iterdir())) == 2


def test_without_a_writable_folder_kernels_run_and_one_warning_says_why(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    shutil.copytree(ROOT / "backgammon" / "tools", tmp_path / "backgammon" / "tools")
    shutil.copy(ROOT / "backgammon" / "__init__.py", tmp_path / "backgammon")
    write_toy(tmp_path)
    result, stderr = run_toy(tmp_path, blocked)
    assert result == 22
    assert stderr.count("PairgammonWarning") == 1
    assert "NUMBA_CACHE_DIR" in stderr


def test_kernels_run_as_plain_python_when_compilation_is_disabled(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "backgammon" / "tools", tmp_path / "backgammon" / "tools")
    shutil.copy(ROOT / "backgammon" / "__init__.py", tmp_path / "backgammon")
    write_toy(tmp_path)
    assert run_toy(tmp_path, tmp_path / "cache", NUMBA_DISABLE_JIT="1") == (22, "")
    assert not (tmp_path / "cache").exists()


KERNEL_MODULES = [name for name, tree in TREES.items() if "backgammon.tools.jit.kernel" in imported_names(tree)]


@pytest.mark.parametrize("name", KERNEL_MODULES)
def test_every_source_that_a_module_of_kernels_imports_counts_in_its_key(name: str) -> None:
    # the slow twin reads syntax trees instead of lines
    expected, waiting = {name}, [name]
    while waiting:
        for imported in imported_names(TREES[waiting.pop()]):
            module = resolve(imported)
            if module is not None and module not in expected and module != "backgammon":
                expected.add(module)
                waiting.append(module)
    file = ROOT / (name.replace(".", "/") + ".py")
    found = kernel_key._sources(file, name.partition(".")[0])
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in found}
    assert names >= expected
    assert all((ROOT / name.replace(".", "/")).is_dir() for name in names - expected)  # a package too many costs little


def test_numbers_of_the_rules_count_in_the_keys_of_the_kernels_that_play() -> None:
    assert len(KERNEL_MODULES) > 15
    for name in ("backgammon.table.arena.turns", "backgammon.learner.net.walk", "backgammon.rules.movegen"):
        module = importlib.import_module(name)
        kernels = [value.py_func for value in vars(module).values() if hasattr(value, "py_func")]
        own = next(function for function in kernels if function.__module__ == name)
        assert "board.py" in {path.name for path in kernel_key.sources_of(own)}


def test_a_setting_that_changes_the_code_changes_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = kernel_key._environment.__wrapped__()
    is_checked = bool(kernel_key._SETTINGS.BOUNDSCHECK)  # the tests may be run with it
    monkeypatch.setattr(kernel_key._SETTINGS, "BOUNDSCHECK", int(not is_checked))
    assert kernel_key._environment.__wrapped__() != before


@pytest.fixture
def load_toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], ModuleType]:
    """Loads a module with kernels anew, as a new process would; code is kept in tmp_path / "kernels"."""
    file = tmp_path / "toy.py"
    file.write_text(TOY["top.py"].replace("from toy.middle import TOTAL", "TOTAL = 21"))
    monkeypatch.setattr(kernel_cache, "kernel_folder", lambda: tmp_path / "kernels")
    monkeypatch.setattr(kernel_cache, "_said", set())

    def load() -> ModuleType:
        spec = importlib.util.spec_from_file_location("toy", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def kept_files(folder: Path) -> list[Path]:
    return sorted((folder / "kernels").rglob("*.nbc"))


def test_kept_code_is_found_again(tmp_path: Path, load_toy: Callable[[], Any]) -> None:
    assert load_toy().add(1) == 22
    assert len(kept_files(tmp_path)) == 1
    again = load_toy()
    assert (again.add(1), again.add(1.5)) == (22, 22.5)
    assert sum(again.add._cache_hits.values()) == 1
    assert len(kept_files(tmp_path)) == 2
    assert kernel_cache.damaged_files() == []


def with_digest(path: Path, content: bytes) -> bytes:
    return kernel_cache._MAGIC + kernel_cache._digest(path, content) + content


DAMAGES: dict[str, Callable[[Path, bytes], bytes]] = {
    "empty": lambda _, __: b"",
    "short": lambda _, content: content[: len(content) // 2],
    "shorter than the digest": lambda _, content: content[:20],
    "garbage": lambda _, content: bytes(reversed(content)),
    "longer": lambda _, content: content + b"\0",
    "one bit": lambda _, content: content[:-100] + bytes([content[-100] ^ 4]) + content[-99:],
    "digest of no pickle": lambda path, _: with_digest(path, b"nothing"),
    "digest of nothing": lambda path, _: with_digest(path, b""),
    "digest of another pickle": lambda path, _: with_digest(path, pickle.dumps("hello")),
    "digest of half a pickle": lambda path, content: with_digest(path, content[40 : len(content) // 2]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_code_is_found_and_compiled_again_with_one_warning(
    tmp_path: Path, load_toy: Callable[[], Any], damage: str
) -> None:
    toy = load_toy()
    assert (toy.add(1), toy.double(4)) == (22, 8)
    whole = {path: path.read_bytes() for path in kept_files(tmp_path)}
    for path, content in whole.items():
        path.write_bytes(DAMAGES[damage](path, content))
    assert kernel_cache.damaged_files() == ([] if damage.startswith("digest") else list(whole))
    toy = load_toy()
    with pytest.warns(PairgammonWarning, match="made again") as caught:
        assert (toy.add(1), toy.double(4)) == (22, 8)
    assert len(caught) == 1
    assert kernel_cache.damaged_files() == []
    toy = load_toy()
    assert (toy.add(1), toy.double(4)) == (22, 8)
    assert sum(toy.add._cache_hits.values()) == 1


def test_code_that_numba_cannot_take_is_compiled_again(tmp_path: Path, load_toy: Callable[[], Any]) -> None:
    assert load_toy().add(1) == 22
    (path,) = kept_files(tmp_path)
    key, _ = pickle.loads(kernel_cache._read(path))
    path.write_bytes(with_digest(path, kernel_cache._Serialize.dumps((key, ("no", "code")))))
    with pytest.warns(PairgammonWarning, match="made again"):
        assert load_toy().add(1) == 22


def test_code_of_another_kernel_is_not_run(tmp_path: Path, load_toy: Callable[[], Any]) -> None:
    toy = load_toy()
    assert (toy.add(1), toy.double(4)) == (22, 8)
    one, other = kept_files(tmp_path)
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    assert kernel_cache.damaged_files() == [one, other]
    toy = load_toy()
    with pytest.warns(PairgammonWarning):
        assert (toy.add(1), toy.double(4)) == (22, 8)


def test_a_folder_in_the_place_of_a_file_costs_one_warning_of_each_kind(
    tmp_path: Path, load_toy: Callable[[], Any]
) -> None:
    assert load_toy().add(1) == 22
    (path,) = kept_files(tmp_path)
    path.unlink()
    path.mkdir()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert load_toy().add(1) == 22
        assert load_toy().add(1) == 22
    assert [str(warning.message).partition(":")[0] for warning in caught] == [
        "a file of compiled kernels cannot be used and is made again",
        "compiled kernels cannot be kept",
    ]


def test_where_a_full_folder_cannot_be_written_it_is_read(
    tmp_path: Path, load_toy: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_toy().add(1) == 22
    monkeypatch.undo()
    monkeypatch.setattr(kernel_cache, "is_writable", lambda _: False)
    monkeypatch.setenv(folders.KERNELS_VARIABLE, str(tmp_path))
    assert kernel_cache.kernel_folder.__wrapped__() == tmp_path / "kernels"
    monkeypatch.setenv(folders.KERNELS_VARIABLE, str(tmp_path / "other"))
    assert kernel_cache.kernel_folder.__wrapped__() is None


def test_folders_that_nobody_used_for_a_month_are_removed(tmp_path: Path, load_toy: Callable[[], Any]) -> None:
    old, young = (tmp_path / "kernels" / name for name in ("old", "young"))
    for folder, days in ((old, 31), (young, 29)):
        folder.mkdir(parents=True)
        (folder / "code.nbc").touch()
        moment = folder.stat().st_mtime - days * 86_400
        os.utime(folder, (moment, moment))
    assert load_toy().add(1) == 22
    assert (old.exists(), young.exists()) == (False, True)


def test_a_user_without_a_home_has_no_data_folder_and_kernels_in_a_private_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise RuntimeError("could not determine the home directory")

    for variable in (folders.DATA_VARIABLE, folders.KERNELS_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(platformdirs, "user_data_dir", fail)
    monkeypatch.setattr(platformdirs, "user_cache_dir", fail)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    assert folders.data_folder() is None
    (folder,) = folders.kernel_folders()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)  # somebody else could leave code there
    assert list(folders.kernel_folders()) == []
    folder.rmdir()
    folder.symlink_to(tmp_path)
    assert list(folders.kernel_folders()) == []


def test_a_home_that_is_not_resolved_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(folders.DATA_VARIABLE, raising=False)
    monkeypatch.setattr(platformdirs, "user_data_dir", lambda *_, **__: "~/.local/share/pairgammon")
    assert folders.data_folder() is None


def test_a_warning_that_was_given_is_not_given_again() -> None:
    kernel_cache._said.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kernel_cache._warn_once("one thing: here")
        kernel_cache._warn_once("one thing: there")
    assert [str(warning.message) for warning in caught] == ["one thing: here"]
