"""Textbook specifications of the public data sets: columns of a conditional logit.

Each is what the literature's first example of that data set is; see `choice_data` for the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from scripts.choice_data import FILES, Frame


def textbook_columns(name: str, table: Frame) -> Frame:
    """Columns float64 of the specification, a row for each row of the table, in raw units.

    Args:
        name: of the data set; "+position" behind it adds dummies of the places, which the table must have.
        table: as `choice_data.read_choices` gives it.
    """
    name, _, has_places = name.partition("+")
    columns: dict[str, Any] = {}
    if has_places:
        columns |= {column: table[column] for column in [one for one in table if one.startswith("asc_")][1:]}
    columns |= _SPECIFICATIONS[name](table)
    return pd.DataFrame({column: pd.Series(values).astype(float) for column, values in columns.items()})


def golden_cases(read: Any) -> Iterator[tuple[str, Frame, Frame]]:
    """The nine cases of `tests/vectors/choice-golden.json`: name, table, columns.

    Args:
        read: gives the table of a data set by its name.
    """
    for name in FILES:
        table = read(name)
        table = table if name == "swissmetro" else table[table.available == 1]
        if name == "swissmetro":
            part = table[(table["z_purpose=1"] == 1) | (table["z_purpose=3"] == 1)]
            yield "swissmetro_commute_business", part, textbook_columns(name, part).drop(columns="headway/100")
            yield "swissmetro_all", table, textbook_columns(name, table)
        elif name == "modecanada":
            part = table[table.groupby("set_id").alternative.transform("size") == 4]
            yield "modecanada_four_modes", part, textbook_columns(name, part)
            columns = textbook_columns(name, table)
            columns = columns.drop(columns=[one for one in columns if one.startswith("ivt:")])
            yield "modecanada_ragged", table, columns.assign(ivt=table.x_ivt.to_numpy())
        else:
            yield name, table, textbook_columns(name, table)


def _is(table: Frame, label: str) -> Any:
    return (table.alternative == label).astype(float)


def _swissmetro(table: Frame) -> dict[str, Any]:
    """Biogeme's first example, with the headway."""
    return {
        "asc_TRAIN": _is(table, "TRAIN"),
        "asc_CAR": _is(table, "CAR"),
        "time/100": table.x_tt / 100,
        "cost_paid/100": table.x_co_paid / 100,
        "headway/100": table.x_he / 100,
    }


def _modecanada(table: Frame) -> dict[str, Any]:
    """Constants and income by mode against the car; time in the vehicle by mode."""
    others = ("air", "bus", "train")
    return {
        **{f"asc_{mode}": _is(table, mode) for mode in others},
        **{name: table[f"x_{name}"] for name in ("cost", "freq", "ovt")},
        **{f"income:{mode}": table.z_income * _is(table, mode) for mode in others},
        **{f"ivt:{mode}": table.x_ivt * _is(table, mode) for mode in ("air", "bus", "car", "train")},
    }


def _car(table: Frame) -> dict[str, Any]:
    """McFadden and Train's: bodies against the regular car, fuels against gasoline."""
    numbers = ("price", "range", "acc", "speed", "pollution", "size", "space", "cost", "station")
    kinds = [column for column in table if column.startswith(("x_type=", "x_fuel="))]
    return {
        **{name: table[f"x_{name}"] for name in numbers},
        **{column[2:]: table[column] for column in kinds if column not in ("x_type=regcar", "x_fuel=gasoline")},
        "college:electric": table.z_college * table["x_fuel=electric"],
        "coml5:electric": table.z_coml5 * table["x_fuel=electric"],
        "hsg2:size": table.z_hsg2 * table.x_size,
    }


def _electricity(table: Frame) -> dict[str, Any]:
    return {name: table[f"x_{name}"] for name in ("pf", "cl", "loc", "wk", "tod", "seas")}


def _heating(table: Frame) -> dict[str, Any]:
    return {
        **{f"asc_{kind}": _is(table, kind) for kind in ("gc", "gr", "ec", "er")},
        "ic": table.x_ic,
        "oc": table.x_oc,
    }


def _hc(table: Frame) -> dict[str, Any]:
    return {
        **{name: table[f"x_{name}"] for name in ("ich", "och", "icca", "occa", "cooling")},
        "income:cooling": table.z_income * table.x_cooling,
        "income:room": table.z_income * table.x_room,
    }


def _train(table: Frame) -> dict[str, Any]:
    """Prices as mlogit's example scales them: cents of guilders to euros."""
    return {
        "price": table.x_price / 100 * 2.20371,
        "time": table.x_time / 60,
        "change": table.x_change,
        "comfort": table.x_comfort,
    }


_SPECIFICATIONS = {
    "swissmetro": _swissmetro,
    "modecanada": _modecanada,
    "car": _car,
    "electricity": _electricity,
    "heating": _heating,
    "hc": _hc,
    "train": _train,
}
