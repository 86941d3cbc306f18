"""Weights that are a mean of those of others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from click.testing import CliRunner

from backgammon.learner.net.model_files import load_model
from comparison_net.network_config import NetworkConfig
from scripts.average_models import main
from tests.random_nets import write_random_net


def test_weights_are_the_mean_by_the_shares(tmp_path: Path) -> None:
    network = NetworkConfig((16, 4), head="phase", outcomes=True, score_from="sum")
    one, other = (write_random_net(tmp_path / f"{seed}.safetensors", network, seed) for seed in (1, 2))
    out = tmp_path / "mean.safetensors"
    done = CliRunner().invoke(main, [str(out), "0.75", str(one), "0.25", str(other)])
    assert done.exit_code == 0, done.output
    models = [load_model(path).weights for path in (one, other, out)]
    for name, mean in models[2].items():
        np.testing.assert_allclose(mean, 0.75 * models[0][name] + 0.25 * models[1][name], rtol=1e-5, atol=1e-6)


def test_what_cannot_be_averaged_is_refused_in_a_line(tmp_path: Path) -> None:
    one = write_random_net(tmp_path / "one.safetensors", NetworkConfig((16, 4), head="phase"))
    other = write_random_net(tmp_path / "other.safetensors", NetworkConfig((8, 4), head="phase"))
    out = str(tmp_path / "out.safetensors")
    for parts, words in (
        ([".5", str(one), ".5", str(other)], "different shapes"),
        ([".5", str(one), ".6", str(one)], "add up to 1"),
        (["half", str(one), ".5", str(one)], "a share is a number"),
        ([".5", str(one), ".5"], "a share before each"),
    ):
        done = CliRunner().invoke(main, [out, *parts])
        assert done.exit_code in (1, 2)
        assert words in done.output
        assert not Path(out).exists()
