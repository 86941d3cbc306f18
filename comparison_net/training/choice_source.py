"""Where a training run takes its decisions from."""

from __future__ import annotations

from typing import Protocol

from comparison_net.choices import ChoiceSets
from comparison_net.tools import Int64s


class Source(Protocol):
    """Decisions by number, split once into those to learn from and those to judge by.

    Batches are made when they are asked for, by several threads at once, so that whoever has alternatives that are
    cheap to make need not keep them.
    """

    @property
    def name(self) -> str:
        """What messages call the data."""

    @property
    def fingerprint(self) -> str:
        """Identifies the data wherever it lies; a run goes on only with the same."""

    @property
    def has_values(self) -> bool:
        """True where it is known what alternatives are worth."""

    def __len__(self) -> int:
        """Number of decisions."""

    def split(self, held_out: float, seed: int) -> tuple[Int64s, Int64s]:
        """Decisions to train on and decisions held out, ascending: whole units only, a share `held_out` of them."""

    def parts(self, rows: Int64s, num_items: int) -> list[Int64s]:
        """`rows`, at least one, cut into parts of about `num_items` alternatives; a function of the data alone."""

    def sets(self, rows: Int64s) -> ChoiceSets:
        """The decisions `rows`, at least one, in that order."""
