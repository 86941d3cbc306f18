"""`python -m backgammon`: the command line `pairgammon`, wherever the package can be imported."""

from __future__ import annotations

from backgammon.cli import main

main(prog_name="pairgammon")
