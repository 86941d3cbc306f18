"""Checkpoints: equal contents give equal bytes; one wrong bit, and the file is refused."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from backgammon.learner.inputs import features
from backgammon.learner.inputs.board_domain import BOARDS
from comparison_net import checkpoint
from comparison_net.checkpoint import (
    MODEL_FILE,
    MODEL_KIND,
    Model,
    load_model,
    read_tensors,
    save_model,
    weight_shapes,
    write_tensors,
)
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import ModelError


def make_model(hidden: tuple[int, ...] = (3, 2), seed: int = 1) -> Model:
    rng = np.random.default_rng(seed)
    network = NetworkConfig(hidden=hidden).for_domain(BOARDS)
    weights = {
        name: rng.normal(size=shape).astype(np.float32) for name, shape in weight_shapes(network, BOARDS).items()
    }
    return Model(network, weights, "f" * 64, {"agreement": 0.7123, "epoch": 3}, BOARDS.version)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_model(tmp_path / "m.safetensors", make_model())
    return tmp_path / "m.safetensors"


@pytest.mark.parametrize("hidden", [(), (5,), (4, 3, 2)], ids=str)
def test_a_model_comes_back_as_it_was(hidden: tuple[int, ...], tmp_path: Path) -> None:
    model = make_model(hidden)
    save_model(tmp_path / "m", model)
    found = load_model(tmp_path / "m", BOARDS)
    assert (found.network, found.data_fingerprint, found.summary) == (model.network, "f" * 64, model.summary)
    assert found.feature_version == features.VERSION
    assert {name: w.tobytes() for name, w in found.weights.items()} == {
        n: w.tobytes() for n, w in model.weights.items()
    }


@pytest.mark.parametrize("score_from", ["head", "equity"])
def test_the_outcome_head_travels(score_from: str, tmp_path: Path) -> None:
    network = NetworkConfig((3, 2), outcomes=True, score_from=score_from).for_domain(BOARDS)
    weights = {name: np.ones(shape, np.float32) for name, shape in weight_shapes(network, BOARDS).items()}
    save_model(tmp_path / "m", Model(network, weights, "", {}, BOARDS.version))
    found = load_model(tmp_path / "m", BOARDS)
    assert found.network == network
    assert found.weights["head.outcome.weight"].shape == (6, 2)
    assert ("head.temperature" in found.weights) == (score_from == "equity")


def test_a_model_from_before_there_were_outcomes_is_read(tmp_path: Path) -> None:
    model = make_model()
    description = {
        "network": {"hidden": [3, 2]},
        "feature_version": features.VERSION,
        "data_fingerprint": "",
        "summary": {},
    }
    write_tensors(tmp_path / "m", MODEL_KIND, dict(model.weights), description)
    assert load_model(tmp_path / "m", BOARDS).network == NetworkConfig((3, 2), outcomes=False, score_from="head")


def test_equal_models_are_equal_files(file: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "other name.safetensors", make_model())
    assert (tmp_path / "other name.safetensors").read_bytes() == file.read_bytes()


def test_any_safetensors_reader_can_read_the_weights(file: Path) -> None:
    assert set(safetensors.numpy.load_file(file)) == set(make_model().weights)


def test_a_run_folder_stands_for_its_model(file: Path, tmp_path: Path) -> None:
    file.rename(tmp_path / MODEL_FILE)
    assert load_model(tmp_path, BOARDS).network.hidden == (3, 2)


def test_every_flipped_bit_is_noticed(file: Path) -> None:
    """Every byte of header and description, and bytes all over the tensors, one random bit each."""
    content = file.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    rng = np.random.default_rng(0)
    places = [*range(header), *range(header, len(content), 7), len(content) - 1]
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        with pytest.raises(ModelError):
            load_model(file, BOARDS)


def test_every_truncation_is_noticed(file: Path) -> None:
    content = file.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    for keep in [*range(header + 50), *range(header, len(content), 97), len(content) - 1]:
        file.write_bytes(content[:keep])
        with pytest.raises(ModelError):
            load_model(file, BOARDS)


def test_bytes_behind_the_end_are_noticed(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(ModelError):
        load_model(file, BOARDS)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a zip file, such as torch writes",
        b"\xff" * 64,
        (1 << 60).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (40).to_bytes(8, "little") + b'{"__metadata__":{"pairgammon":"[1,2,3]"}}'[:40],
        (8_000).to_bytes(8, "little") + b"[" * 8_000,
    ],
    ids=["empty", "zip", "noise", "forged length", "no tensors", "a list", "cut", "deep"],
)
def test_foreign_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ModelError, match="not a pairgammon file, or damaged"):
        load_model(tmp_path / "x", BOARDS)


def test_safetensors_of_others_are_refused(tmp_path: Path) -> None:
    safetensors.numpy.save_file({"a": np.zeros(3)}, tmp_path / "x", {"format": "pt"})
    with pytest.raises(ModelError, match="not a pairgammon file"):
        load_model(tmp_path / "x", BOARDS)


def test_a_missing_file_is_one_line_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be read \(No such file or directory\); give a model file"):
        load_model(tmp_path / "nowhere", BOARDS)


def test_a_huge_file_is_refused_unread(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "MAX_BYTES", 100)
    with pytest.raises(ModelError, match="more than the 100"):
        load_model(file, BOARDS)


def test_the_limit_is_on_what_is_read_and_not_on_what_the_system_says(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a file that grows while it is read: pieces are counted."""
    content = file.read_bytes()
    monkeypatch.setattr(checkpoint, "MAX_BYTES", len(content) + 1000)
    monkeypatch.setattr(checkpoint, "_PIECE", 100)
    file.write_bytes(content + bytes(901))
    with pytest.raises(ModelError, match="damaged"):
        load_model(file, BOARDS)
    file.write_bytes(content + bytes(2000))
    with pytest.raises(ModelError, match="more than the"):
        load_model(file, BOARDS)


def test_a_device_and_a_pipe_are_refused_before_a_byte_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # reading would wait for a writer for ever
    for path in (Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(ModelError, match="is no file; give a model file or a run folder"):
            load_model(path, BOARDS)


def test_a_name_that_no_file_can_have_is_one_line() -> None:
    with pytest.raises(ModelError, match="is no name of a file; give a model file"):
        load_model(Path("a\0b"), BOARDS)


def test_a_file_of_zeros_is_refused_by_its_beginning(tmp_path: Path) -> None:
    with (tmp_path / "zeros").open("wb") as file:
        file.truncate(checkpoint.MAX_BYTES - 1)  # takes no room on disk, and would take a gigabyte of memory
    tracemalloc.start()
    with pytest.raises(ModelError, match="not a pairgammon file"):
        load_model(tmp_path / "zeros", BOARDS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38, -2e4], ids=str)
def test_weights_that_no_training_gives_are_refused_whatever_the_digest_says(value: float, tmp_path: Path) -> None:
    model = make_model()
    for name in model.weights:
        weights = {key: weight.copy() for key, weight in model.weights.items()}
        weights[name].flat[-1] = value
        save_model(tmp_path / "m", Model(model.network, weights, "", {}, BOARDS.version))
        with pytest.raises(ModelError, match=rf"m: {name}\[.*\] is .*, where a weight lies within \+-10000; copy it"):
            load_model(tmp_path / "m", BOARDS)


def test_a_temperature_whose_exponential_is_no_number_is_refused(tmp_path: Path) -> None:
    network = NetworkConfig((3, 2), outcomes=True, score_from="equity").for_domain(BOARDS)
    weights = {name: np.ones(shape, np.float32) for name, shape in weight_shapes(network, BOARDS).items()}
    for value in (-800.0, 31.0):
        weights["head.temperature"][:] = value
        save_model(tmp_path / "m", Model(network, weights, "", {}, BOARDS.version))
        with pytest.raises(ModelError, match=r"head.temperature\[0\] is .*, where a weight lies within \+-30"):
            load_model(tmp_path / "m", BOARDS)


def test_another_feature_version_is_refused(tmp_path: Path) -> None:
    model = make_model()
    save_model(tmp_path / "m", Model(model.network, model.weights, "", {}, feature_version="raw-0"))
    with pytest.raises(ModelError, match="'raw-0', this program has 'raw-1'; train the model again"):
        load_model(tmp_path / "m", BOARDS)


def test_another_format_version_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "FORMAT_VERSION", 2)
    with pytest.raises(ModelError, match="format version 1, this program reads 2"):
        load_model(file, BOARDS)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    write_tensors(tmp_path / "state", "pairgammon-run-state", {"a": np.zeros(2)}, {})
    with pytest.raises(ModelError, match="is a 'pairgammon-run-state' file, not 'pairgammon-model'"):
        load_model(tmp_path / "state", BOARDS)


@pytest.mark.parametrize("change", ["shape", "dtype", "missing", "network"])
def test_weights_that_do_not_fit_their_description_are_refused(change: str, tmp_path: Path) -> None:
    model = make_model()
    weights = dict(model.weights)
    network: object = {"hidden": [3, 2]}
    if change == "shape":
        weights["head.score.weight"] = np.zeros((1, 3), dtype=np.float32)
    elif change == "dtype":
        weights["head.score.weight"] = np.zeros((1, 2), dtype=np.float64)
    elif change == "missing":
        del weights["head.score.weight"]
    else:
        network = {"hidden": [3, 2], "colour": "red"}
    description = {
        "network": network,
        "feature_version": features.VERSION,
        "data_fingerprint": "",
        "summary": {},
    }
    write_tensors(tmp_path / "m", MODEL_KIND, weights, description)
    with pytest.raises(ModelError, match="train the model again"):
        load_model(tmp_path / "m", BOARDS)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = file.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(ModelError, match="No space left on device"):
        save_model(file, make_model(seed=2))
    assert file.read_bytes() == old
    assert list(file.parent.iterdir()) == [file]


def test_a_description_travels_unchanged(tmp_path: Path) -> None:
    description = {"text": "Zürich \u2603", "numbers": [0.1, 1e-300, 3], "nothing": None}
    write_tensors(tmp_path / "x", "kind", {"a": np.arange(3)}, description)
    tensors, found = read_tensors(tmp_path / "x", "kind")
    assert json.dumps(found, sort_keys=True) == json.dumps(description, sort_keys=True)
    assert tensors["a"].tolist() == [0, 1, 2]


def test_a_compact_model_has_its_patterns_rounded_and_nothing_else(tmp_path: Path) -> None:
    network = NetworkConfig((3, 2), inputs="patterns")
    rng = np.random.default_rng(4)
    weights = {
        name: rng.normal(size=shape).astype(np.float32) for name, shape in weight_shapes(network, BOARDS).items()
    }
    model = Model(network, weights, "f" * 64, {}, BOARDS.version)
    save_model(tmp_path / "whole", model)
    save_model(tmp_path / "compact", model, is_compact=True)
    whole, compact = load_model(tmp_path / "whole", BOARDS).weights, load_model(tmp_path / "compact", BOARDS).weights
    for name, values in weights.items():
        assert whole[name].tobytes() == values.tobytes()
        rounded = values.astype(np.float16).astype(np.float32) if name == "trunk.patterns" else values
        assert compact[name].tobytes() == rounded.tobytes()
        assert compact[name].dtype == np.float32
    assert (tmp_path / "compact").stat().st_size < 0.6 * (tmp_path / "whole").stat().st_size
