"""Put a trained model into the package: `python -m scripts.ship_model RUN` writes its models/default.safetensors.

The patterns are rounded to float16, which halves the file; `scripts.score_labels` before and after shows what it costs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from backgammon.learner.net.model_files import load_model
from backgammon.learner.net.scorer import DEFAULT_NAME
from comparison_net.checkpoint import save_model

MODELS = Path(__file__).resolve().parent.parent / "backgammon" / "learner" / "net" / "models"
MAX_BYTES = 10_000_000


def main() -> int:
    """Read, round, write, say the size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a model file or a run folder")
    parser.add_argument("--name", default=DEFAULT_NAME, help="of the model in the package")
    parser.add_argument("--folder", type=Path, default=MODELS, help="another place than the package")
    options = parser.parse_args()
    path = options.folder / f"{options.name}.safetensors"
    save_model(path, load_model(options.model), is_compact=True)
    size = path.stat().st_size
    print(f"{path}: {size:,} bytes")
    return 0 if size <= MAX_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
