"""Put a trained model into the package: `python -m scripts.ship_model RUN` writes its models/default.safetensors.

The patterns are rounded to float16, which halves the file; `scripts.score_labels` before and after shows what it costs.
"""

from __future__ import annotations

from pathlib import Path

import click

from backgammon.learner.net.model_files import load_model
from backgammon.learner.net.scorer import DEFAULT_NAME
from comparison_net.checkpoint import save_model
from scripts.program import program

MODELS = Path(__file__).resolve().parent.parent / "backgammon" / "learner" / "net" / "models"
MAX_BYTES = 10_000_000


@program(__doc__)
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL_OR_RUN")
@click.option("--name", default=DEFAULT_NAME, show_default=True, help="Of the model in the package.")
@click.option("--folder", default=MODELS, type=click.Path(path_type=Path), help="Another place than the package.")
@click.pass_context
def main(ctx: click.Context, model: Path, name: str, folder: Path) -> None:
    """Read, round, write, say the size; exit code 1 where it is too large to ship."""
    path = folder / f"{name}.safetensors"
    save_model(path, load_model(model), is_compact=True)
    size = path.stat().st_size
    print(f"{path}: {size:,} bytes")
    if size > MAX_BYTES:
        ctx.exit(1)


if __name__ == "__main__":
    main()
