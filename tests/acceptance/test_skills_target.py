"""A skills repository is a target: no agent, no handwritten contract."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import runner_env
from runner_env.core import Verdict
from runner_env.errors import ContractMissing, DefinitionError
from runner_env.runs.proof import check_proof

MakeSkills = Callable[..., Path]
CONFIG = "provider: {kind: scripted}\nmodels: [small, large]\n"


def case(*quoted: str) -> str:
    """A case that passes if the words are in `Please greet Ada.`; one eval for each."""
    evals = "".join(f"  - {{type: boolean, criterion: 'It says `{word}`.'}}\n" for word in quoted)
    return f"skill: ../skills/greeter\ninput: Please greet Ada.\nevals:\n{evals}"


@pytest.fixture
def skills(tmp_path: Path) -> MakeSkills:
    """`skills(**files)`: a skills repository with a skill, a config and these cases, by stem."""

    def make(config: str = CONFIG, **cases: str) -> Path:
        root = tmp_path / "repository"
        files = {"skilltest.yaml": config, **{f"cases/{stem}.yaml": text for stem, text in cases.items()}}
        files["skills/greeter/SKILL.md"] = "---\nname: greeter\ndescription: Greets people.\n---\n# Greeting\n"
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, "utf-8")
        return root

    return make


def test_rollout_leaves_samples_and_evaluation_a_score(skills: MakeSkills) -> None:
    """`llm=` replaces the models; samples have prompt, completion and reward; the score is the share that passed."""
    root = skills(good=case("Ada"), bad=case("Ada", "Bob"))
    with runner_env.setup(root) as session:
        rolled = session.rollout(llm="my-model", require_samples=True)
        assert rolled.ok, rolled.findings
        result = session.evaluate()
    told = json.loads((root / ".aider_fsm" / "rollout.json").read_text())
    samples = [json.loads(line) for line in Path(told["paths"]["samples_jsonl"]).read_text().splitlines()]
    assert [(one["prompt"], one["reward"], one["trial"]) for one in samples] == [
        ("Please greet Ada.", 0.0, "bad[claude-code/my-model]"),
        ("Please greet Ada.", 1.0, "good[claude-code/my-model]"),
    ]
    assert samples[1]["completion"] == "Greeting\n\nPlease greet Ada."
    assert (result.ok, result.score) == (True, 0.5)
    assert result.metrics is not None
    counts = {name: result.metrics[name] for name in ("coverage", "trials", "passed", "failed", "unscored")}
    assert counts == {"coverage": 1.0, "trials": 2, "passed": 1, "failed": 1, "unscored": 0}
    assert check_proof(result.run_dir).ok


def test_too_few_scored_trials_are_no_score(skills: MakeSkills) -> None:
    """One trial of two is unscored: the coverage is below `min_coverage`, so there is no score, and no failure."""
    provider = 'import json, sys\nr = json.loads(sys.stdin.readline())\nsys.exit("down") if "Eve" in str(r) else None\n'
    provider += 'print(json.dumps({"message": "Hi Ada", "value": True}))\n'
    command = "provider: {kind: command, command: [python3, provider.py]}\n"
    root = skills(command, good=case("Ada"), lost=case("Ada").replace("greet Ada", "greet Eve"))
    (root / "provider.py").write_text(provider, "utf-8")
    with runner_env.setup(root) as session:
        result = session.evaluate(llm="m")
    assert (result.verdict, result.score) == (Verdict.UNSCORED, None)
    assert result.metrics is not None
    assert result.metrics["coverage"] == 0.5
    codes = {finding.code for finding in result.findings}
    assert {"rollout_counts_some_errors", "score_missing"} <= codes


def test_a_skill_runs_contained(skills: MakeSkills, monkeypatch: pytest.MonkeyPatch) -> None:
    """W13: what runs the skill has the run's own home, the repository as its directory, and no ungranted secret."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-never-granted-0123456789")
    provider = "import json, os\nseen = [os.environ['HOME'], os.getcwd(), 'ANTHROPIC_API_KEY' in os.environ]\n"
    provider += 'print(json.dumps({"message": json.dumps(seen), "value": True}))\n'
    root = skills("provider: {kind: command, command: [python3, provider.py]}\n", good=case("Ada"))
    (root / "provider.py").write_text(provider, "utf-8")
    with runner_env.setup(root) as session:
        assert session.rollout(llm="m", require_samples=True).ok
    told = json.loads((root / ".aider_fsm" / "rollout.json").read_text())
    sample = json.loads(Path(told["paths"]["samples_jsonl"]).read_text())
    home, cwd, granted = json.loads(sample["completion"])
    assert home != str(Path.home())
    assert cwd == str(root)
    assert not granted


def test_nothing_but_failed_calls_is_unscored(skills: MakeSkills) -> None:
    """Every trial lost says nothing about the skill: unscored at the rollout already."""
    root = skills("provider: {kind: command, command: ['false']}\n", good=case("Ada"))
    with runner_env.setup(root) as session:
        result = session.rollout(llm="m")
    assert result.verdict is Verdict.UNSCORED
    assert "rollout_counts_all_errors" in {finding.code for finding in result.findings}


def test_what_cannot_be_used_is_told_before_anything_is_run(skills: MakeSkills) -> None:
    """Every problem of config, cases and skills, with its place, as for any contract."""
    root = skills(good=case("Ada").replace("evals", "evalz"))
    with pytest.raises(DefinitionError) as caught:
        runner_env.setup(root)
    assert "cases/good.yaml:3:1" in [str(finding.where) for finding in caught.value.findings]


def test_a_contract_of_its_own_goes_before(skills: MakeSkills) -> None:
    """A `pipeline.yml` is the contract, whatever lies beside it."""
    root = skills(good=case("Ada"))
    (root / "pipeline.yml").write_text("version: 1\ntests: {cmds: ['true']}\n", "utf-8")
    with runner_env.setup(root) as session:
        plan = session.rollout(llm="m").plan
    assert "tests" in {item.stage.value for item in plan}


def test_another_contract_that_is_missing_stays_missing(skills: MakeSkills) -> None:
    """Whoever names a contract file wants that one."""
    with pytest.raises(ContractMissing):
        runner_env.setup(skills(good=case("Ada")), pipeline_rel="other.yml")


def test_from_the_command_line(skills: MakeSkills) -> None:
    """`check` and `run` take it like any other target."""
    root = str(skills(good=case("Ada")))

    def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "runner_env", *arguments]
        return subprocess.run(argv, capture_output=True, text=True, timeout=100, check=False)

    assert ended("check", root).returncode == 0
    done = ended("run", root, "--llm", "m", "--require-samples")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("PASSED  score 1")
