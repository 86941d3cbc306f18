"""Settings: written once, read from TOML and overrides, refused by name when wrong."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import pytest

from backgammon.learner.inputs.board_domain import BOARDS
from comparison_net import config as config_module
from comparison_net.config import TrainConfig, load_config, make_config, settings, to_toml, to_values
from comparison_net.domain import feature_domain
from comparison_net.network_config import NetworkConfig
from comparison_net.tools import ConfigError

FEATURES = feature_domain(4)


def test_defaults_alone_are_a_configuration() -> None:
    assert load_config() == TrainConfig()
    assert load_config(domain=BOARDS).network == NetworkConfig(inputs="counts", split="phase", route_by="alternative")
    assert load_config(domain=FEATURES).network == NetworkConfig(inputs="features", route_by="alternative")


def test_a_file_and_then_overrides(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('loss = "pairwise"\nepochs = 3\n[network]\nhidden = [8, 4]\n')
    config = load_config(file, ["epochs=5", "learning_rate=1", "network.hidden = []"])
    assert (config.loss, config.epochs, config.learning_rate) == ("pairwise", 5, 1.0)
    assert config.network == NetworkConfig(hidden=())
    assert isinstance(config.learning_rate, float)


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(),
        TrainConfig(NetworkConfig(()), loss="pairwise", learning_rate=1e-7, seed=2**40, held_out=0.25),
        TrainConfig(NetworkConfig(outcomes=True, score_from="equity"), loss="soft", select_by="agreement"),
    ],
    ids=["defaults", "others", "outcomes"],
)
def test_the_echo_reads_back_as_it_was(config: TrainConfig, tmp_path: Path) -> None:
    (tmp_path / "echo.toml").write_text(to_toml(config))
    assert load_config(tmp_path / "echo.toml") == config
    assert make_config(to_values(config)) == config
    (tmp_path / "echo.toml").write_text(to_toml(config.for_domain(BOARDS), BOARDS))
    assert load_config(tmp_path / "echo.toml", domain=BOARDS) == config.for_domain(BOARDS)


def test_every_setting_is_explained() -> None:
    names = [name for name, _, _ in settings()]
    assert (
        len(names)
        == len(set(names))
        == len(dataclasses.fields(TrainConfig)) - 1 + len(dataclasses.fields(NetworkConfig))
    )
    assert all(len(explanation) > 10 for _, _, explanation in settings())
    told = {name: explanation for name, _, explanation in settings(domain=BOARDS)}
    assert told["network.inputs"].endswith(": counts, patterns")
    assert "phase-learned, phase-merged, softmax-token" in told["network.head"]
    assert told["select_by"].endswith(": auto, agreement, log_loss, equity_loss")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("hiden=[3]", "unknown setting 'hiden': did you mean 'network.hidden'?"),
        ("hidden=[3]", "unknown setting 'hidden': did you mean 'network.hidden'?"),
        ("learning-rate=1", "did you mean 'learning_rate'?"),
        ("zzz=1", "unknown setting 'zzz'; valid ones are loss|valid ones are network.hidden"),
        ("epochs", "write name=value"),
        ("epochs=,", "is not a TOML value"),
        ("epochs=", "is not a TOML value"),
        ("epochs=1.5", "must be a whole number"),
        ("epochs=true", "must be a whole number"),
        ("epochs=0", "must be at least 1"),
        ("epochs=many", "must be a whole number"),
        ("loss=squared", "must be one of pairwise, listwise"),
        ("loss=3", "must be text"),
        ("schedule=linear", "must be one of cosine, constant"),
        ("learning_rate=0", "must be more than 0"),
        ("learning_rate=nan", "must be a number"),
        ("learning_rate=inf", "must be a number"),
        ("weight_decay=-1", "must be at least 0"),
        ("sparsity=-0.1", "must be at least 0"),
        ("pattern_rate=0", "must be more than 0"),
        ("pattern_rate=0.1", "must be 1 for network.inputs without patterns"),
        ("average_decay=1.0", "must be at least 0 and below 1"),
        ("held_out=0.95", "must be from 0 to 0.9"),
        ("seed=-1", "must be from 0 to"),
        ("network.hidden=3", "must be a list of whole numbers"),
        ("network.hidden=[3.5]", "must be a list of whole numbers"),
        ("network.hidden=[0]", "must be at most 8 widths from 1 to 8192"),
        ("network.hidden=[1,1,1,1,1,1,1,1,1]", "must be at most 8 widths"),
        ("network=3", "unknown setting 'network'"),
        ("network.outcomes=1", "must be true or false"),
        ("network.score_from=equity", "as long as network.outcomes is false"),
        ("network.inputs=words", "must be one of counts, patterns"),
        ("network.head=best", "must be one of dense, phase, phase-soft"),
        ("network.head=split", "must be one of dense, phase, phase-soft"),
        ("network.split=hour", "must be one of phase, plan"),
        ("network.tokens=words", "must be one of positions, locations"),
        ("soft_temperature=0", "must be more than 0"),
        ("outcome_weight=-1", "must be at least 0"),
        ("select_by=loss", "must be one of auto, agreement, log_loss, equity_loss"),
    ],
)
def test_a_wrong_setting_is_named_with_the_mend(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("[", r"\[").replace("?", r"\?")):
        load_config(overrides=[override], domain=BOARDS)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["network.outcomes=true", "network.score_from=both"], "must be one of head, equity, sum"),
        (["network.inputs=patterns", "network.hidden=[]"], 'must be "counts" for a linear net'),
        (["network.inputs=patterns", "network.head=softmax-token"], "but for the heads dense, phase"),
        (["network.inputs=patterns", "network.head=phase", "network.split=plan"], "but for the heads dense, phase"),
        (["network.inputs=patterns", "network.tokens=locations"], "for tokens inside the items"),
        (["network.head=phase", "network.choices=7"], "must be from 1 to 6"),
    ],
)
def test_settings_that_are_valid_only_apart_are_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(overrides=overrides, domain=BOARDS)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.head=split", "must be one of dense, softmax-token, sinkhorn-token"),
        ("network.head=soft", "must be one of dense, softmax-token, sinkhorn-token"),
        ("network.tokens=locations", "these items have no tokens"),
        ("network.outcomes=true", "there are no classes"),
        ("select_by=equity_loss", "must be one of auto, agreement, log_loss, value_loss"),
    ],
)
def test_a_domain_is_asked_for_no_more_than_it_has(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(overrides=[override], domain=FEATURES)


def test_an_error_in_a_file_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text("epoch = 3\n")
    with pytest.raises(ConfigError, match=r"run\.toml: unknown setting 'epoch': did you mean 'epochs'\?"):
        load_config(file)
    file.write_text("epochs = 0\n")
    with pytest.raises(ConfigError, match=r"run\.toml: epochs = 0"):
        load_config(file)
    file.write_bytes(b"epochs = \xff")
    with pytest.raises(ConfigError, match="not TOML"):
        load_config(file)
    file.write_text("epochs = = 3")
    with pytest.raises(ConfigError, match="not TOML"):
        load_config(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    "content",
    [b"a = " + b"[" * 50_000, b"epochs = " + b"9" * 5_000, b"\xff\xfe", b"# \0\n"],
    ids=["deep", "long number", "no text", "zero"],
)
def test_a_file_of_settings_that_is_none_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"run\.toml: not TOML"):
        load_config(tmp_path / "run.toml")


def test_a_device_and_an_endless_file_are_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"/dev/zero: cannot be read \(is no file\)"):
        load_config(Path("/dev/zero"))
    monkeypatch.setattr(config_module, "MAX_FILE", 20)
    (tmp_path / "run.toml").write_text("# a comment of some length\n")
    with pytest.raises(ConfigError, match="more than the 20 bytes"):
        load_config(tmp_path / "run.toml")
    os.mkfifo(tmp_path / "pipe")  # nobody writes to it, and nobody waits
    assert load_config(tmp_path / "pipe") == TrainConfig()
