"""The rounds of expert iteration as a plan: each step needs only what the ones before it have made."""

from __future__ import annotations

from pathlib import Path

import pytest

from comparison_net.config import load_config
from scripts.expert_iteration import PRUNER, RECIPE, RECIPES, Plan, Step, do, plan_labels, plan_training

PLAN = Plan(games=1000, sample=500, workers=2, is_alone=False)


@pytest.mark.parametrize("model", ["default", "somewhere/run"])
def test_each_step_reads_what_was_made_before(model: str, tmp_path: Path) -> None:
    steps = list(plan_labels(tmp_path, 2, model, PLAN))
    made: set[str] = set()
    for step in steps:
        read = {word for word in step.command if word.startswith(str(tmp_path))} - {str(step.made)}
        assert read <= made
        made.add(str(step.made))
    assert [step.made.name for step in steps] == [f"{k}{e}" for k in ("own", "wild") for e in ("", "-judged", "-deep")]
    assert all(f"joint:{model}" in step.command for step in steps if step.made.name.endswith("deep"))


def test_alone_nobody_else_is_asked(tmp_path: Path) -> None:
    steps = list(plan_labels(tmp_path, 1, "somewhere/run", PLAN._replace(is_alone=True)))
    labels = [step.command for step in steps if "--teacher" in step.command]
    assert [command[command.index("--teacher") + 1] for command in labels] == ["somewhere/run"] * 4
    assert not any("gnubg" in word for step in steps for word in step.command)
    # Nor the small net that ships: what proposes the replies has learnt from this round before it is used.
    names = [str(step.made.relative_to(tmp_path)) for step in steps]
    assert names == ["own", "own-judged", "pruner/summary.json", "own-deep", "wild", "wild-judged", "wild-deep"]
    training = steps[2].command
    assert training[training.index("--train") + 1 :] == (
        str(tmp_path / "own-judged"),
        str(tmp_path / "pruner"),
        PRUNER,
    )
    deep = [command for command in labels if "--deepen" in command]
    assert [command[command.index("--pruner") + 1] for command in deep] == [str(tmp_path / "pruner")] * 2


@pytest.mark.parametrize("pruner", ["", "small/run"])
def test_a_student_learns_from_the_choices_of_its_teacher_and_its_own_look_ahead(pruner: str, tmp_path: Path) -> None:
    plan = PLAN._replace(prefer=0.02, pruner=pruner, seed=7000)
    steps = list(plan_labels(tmp_path, 2, "somewhere/run", plan))
    names = [str(step.made.relative_to(tmp_path)) for step in steps]
    trained = [] if pruner else ["pruner/summary.json"]
    assert names == ["expert", *trained, "expert-judged", "expert-deep"]
    play = steps[0].command
    assert play[play.index("--model") + 1] == "gnubg:0"
    assert play[play.index("--seed") + 1] == "7200"
    for step in steps[-2:]:
        assert step.command[step.command.index("--teacher") + 1] == "somewhere/run", "nobody else's values"
        assert step.command[step.command.index("--pruner") + 1] == (pruner or str(tmp_path / "pruner"))
        assert "--choose" not in step.command, "the expert's choice stays"
    deep = steps[-1].command
    assert {"--deepen", "--values"} <= set(deep)
    assert deep[deep.index("--prefer") + 1] == "0.02"


def test_rounds_have_games_of_their_own(tmp_path: Path) -> None:
    seeds = [
        step.command[step.command.index("--seed") + 1]
        for number in (1, 2)
        for step in plan_labels(tmp_path, number, "default", PLAN)
        if "--seed" in step.command
    ]
    assert len(set(seeds)) == 4


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    do(Step(tmp_path, ("-c", "raise SystemExit(1)")))
    do(Step(tmp_path / "new", ("-c", f"import pathlib; pathlib.Path({str(tmp_path / 'new')!r}).mkdir()")))
    assert (tmp_path / "new").is_dir()


def test_the_recipe_goes_on_from_the_net_of_the_round_before(tmp_path: Path) -> None:
    step = plan_training(tmp_path / "set", tmp_path / "run", RECIPE, ['start="before/run"', "epochs=2"])
    settings = [step.command[i + 1] for i, word in enumerate(step.command) if word == "--set"]
    config = load_config(RECIPES / RECIPE, settings)
    assert (config.start, config.epochs, config.network.inputs) == ("before/run", 2, "patterns")
