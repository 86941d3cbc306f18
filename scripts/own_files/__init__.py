"""The kinds of files that the program writes for itself: how one is made, read, and sealed again after a damage.

`scripts.corrupt_files` damages them. Whatever a checksum says, structure and values must be checked by the reader.
"""

from __future__ import annotations

from scripts.own_files import kept_units, shards, stores, tensors, training_run

KINDS = (*tensors.KINDS, *shards.KINDS, *training_run.KINDS, *kept_units.KINDS, *stores.KINDS)
