"""The learner is a product by itself: it imports, trains, saves and goes on where there is no `backgammon`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CODE = """
import importlib, pkgutil, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "backgammon":
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Blocked())
import comparison_net
for module in pkgutil.walk_packages(comparison_net.__path__, "comparison_net."):
    importlib.import_module(module.name)

from pathlib import Path
import numpy as np
from comparison_net.checkpoint import load_model
from comparison_net.conditional_logit import fit_logit
from comparison_net.config import load_config
from comparison_net.encoders import FeatureEncoder
from comparison_net.domain import OutcomeClasses
from comparison_net.training.choice_source import ChoiceSource
from comparison_net.training import loop
from comparison_net.training.loop import train
loop.measure_pipeline = lambda *_: {"streamed": 1.0, "preloaded": 1.0}  # seconds that show nothing here
from tests.choice_makers import TASTE, made_choices

sets = made_choices(600, seed=1, num_units=60)
found = fit_logit(sets)
assert np.abs(found.coefficients - TASTE).max() < 0.3, found.coefficients
encoder = FeatureEncoder(3)
for head in ("dense", "softmax-token"):
    config = load_config(overrides=["network.hidden=[16]", "network.head=" + head, "network.experts=3", "epochs=6",
                                    "batch_decisions=50", "learning_rate=0.02", "held_out=0.2", "threads=1"],
                         domain=encoder.domain)
    run = Path(sys.argv[1]) / head
    summary = train(ChoiceSource(sets), encoder, config, run)
    assert summary["agreement"] > 0.4, summary
    assert train(ChoiceSource(sets), encoder, None, run, resume=True)["steps"] == summary["steps"]
    model = load_model(run, encoder.domain)
    assert model.feature_version == "features-3"
assert not [name for name in sys.modules if name.split(".")[0] == "backgammon"]
print("alone")
"""


def test_it_trains_where_there_is_no_backgammon(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "alone\n", done.stderr


def test_its_settings_and_files_need_no_torch() -> None:
    code = """
import sys
from comparison_net import checkpoint, choice_tables, conditional_logit, config
assert "torch" not in sys.modules and "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
