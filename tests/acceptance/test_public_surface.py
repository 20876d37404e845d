"""B001 to B014 and the published results, through `runner_env.setup` on real processes."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import runner_env
from runner_env.errors import ContractError, ContractMissing, OptionError
from runner_env.runs.results import EvaluationCallResult, RolloutCallResult

Make = Callable[..., Any]

SHOW_ENV = 'env | grep -E "^(AIDER_|OPENAI_|MINE)" | sort > "env-$AIDER_FSM_STAGE"'

SETUP_KEYWORDS: dict[str, Any] = {
    "clones_dir": "clones",
    "pipeline_rel": "pipeline.yml",
    "require_metrics": True,
    "audit": "warn-only",
    "opencode_model": "provider/model",
    "opencode_repair_model": "provider/other",
    "opencode_url": "http://127.0.0.1:1",
    "unattended": "guided",
    "opencode_timeout_seconds": 10,
    "opencode_repair_timeout_seconds": 20,
    "opencode_retry_attempts": 1,
    "opencode_retry_backoff_seconds": 0.5,
    "opencode_session_recover_attempts": 1,
    "opencode_session_recover_backoff_seconds": 0.5,
    "opencode_context_length": 1000,
    "opencode_max_prompt_chars": 1000,
    "opencode_bash": "full",
    "scaffold_opencode_bash": "full",
    "strict_opencode": True,
    "artifacts_dir": "scaffolding",
}


def environment(root: Path, stage: str) -> dict[str, str]:
    """What `SHOW_ENV` has seen in a stage."""
    return dict(line.split("=", 1) for line in (root / f"env-{stage}").read_text().splitlines())


def test_module_exposes_two_names() -> None:
    """B001: `setup` and `EnvSession`, and nothing that deploys, rolls out, evaluates or tears down."""
    assert runner_env.__all__ == ["EnvSession", "setup"]
    public = {name for name in dir(runner_env) if not name.startswith("_")}
    assert public == {"EnvSession", "setup"}
    for name in ("deploy", "rollout", "evaluate", "evaluation", "teardown"):
        assert not hasattr(runner_env, name)


def test_session_exposes_rollout_and_evaluate() -> None:
    """B002: the session has the two calls and its end, but no public deploy or teardown."""
    public = {name for name in vars(runner_env.EnvSession) if not name.startswith("_")}
    assert public == {"close", "evaluate", "repo", "rollout"}


def test_strings_become_resolved_paths(
    project: Make, scored: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B003: directories may be given as strings, relative or with `~`, and are used resolved."""
    made = project(evaluation=scored())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with runner_env.setup("target", clones_dir="~/clones", artifacts_dir="a/../b") as session:
        result = session.evaluate("a-model", artifacts_dir="~/published")
    assert session.repo == made.root.resolve()
    assert result.artifacts_dir.parent == tmp_path / "published"
    record = json.loads((result.run_dir / "record.json").read_bytes())
    assert record["options"]["setup"]["clones_dir"] == str(tmp_path / "clones")
    assert record["options"]["setup"]["artifacts_dir"] == str(tmp_path / "b")


def test_setup_on_a_contract_writes_nothing(project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """B004: `setup` on a repository with a contract needs no program at all and leaves every file as it is."""
    made = project(evaluation=scored())
    before = sorted(made.root.rglob("*"))
    monkeypatch.setenv("PATH", "/nonexistent")
    made.setup().close()
    assert sorted(made.root.rglob("*")) == before


def test_run_writes_inside_the_contract_folder_only(project: Make, scored: Make, rolled: dict[str, Any]) -> None:
    """B004: of a whole run, nothing is left outside `.aider_fsm` but what the contract itself wrote."""
    made = project(rollout=rolled, evaluation=scored())
    made.commit()
    assert made.evaluate().ok
    assert made.git("status", "--porcelain", "-uall").split() == [
        "??",
        ".aider_fsm/metrics.json",
        "??",
        ".aider_fsm/rollout.json",
    ]


@pytest.mark.parametrize(
    ("target", "error"),
    [("/missing/path", FileNotFoundError), ("", ValueError), ("  ", ValueError), ("~no-such-user/x", ValueError)],
)
def test_unusable_target(target: str, error: type[Exception]) -> None:
    """B005: a missing path and an empty target are told apart, and nothing is fetched."""
    with pytest.raises(error):
        runner_env.setup(target)


def test_missing_contract(project: Make) -> None:
    """A repository without a contract is an error that names the file and says what to do."""
    made = project(pipeline="")
    (made.root / "pipeline.yml").unlink()
    with pytest.raises(ContractMissing) as caught:
        made.setup()
    assert "pipeline.yml" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("llm", "error"),
    [
        ("", ValueError),
        (" \t", ValueError),
        ("a\0b", ValueError),
        (None, ValueError),
        (Path("/missing/model"), FileNotFoundError),
        ("./missing", FileNotFoundError),
        ("~no-such-user/model", FileNotFoundError),
        (Path(__file__), NotADirectoryError),
        (__file__, NotADirectoryError),
    ],
)
def test_unusable_model(project: Make, rolled: dict[str, Any], llm: object, error: type[Exception]) -> None:
    """B006: an unusable `llm` is refused before anything runs, and the session stays usable."""
    made = project(rollout=rolled)
    with made.setup() as session:
        with pytest.raises(error):
            session.rollout(llm)
        assert not made.exists(".aider_fsm/artifacts")
        assert session.rollout("a-model").ok


@pytest.mark.parametrize("spelled", [str, Path])
def test_model_directory(project: Make, scored: Make, tmp_path: Path, spelled: type[str] | type[Path]) -> None:
    """B007: an existing directory is a local model; the stages see its absolute path and its name."""
    model = tmp_path / "models" / "mine-7b"
    model.mkdir(parents=True)
    made = project(rollout={"run_cmds": [SHOW_ENV]}, evaluation=scored())
    with made.setup() as session:
        session.rollout(spelled(model), env_overrides={"AIDER_LLM_MODEL": "forged"})
    env = environment(made.root, "rollout")
    assert (env["AIDER_LLM_KIND"], env["AIDER_TRAINED_MODEL_DIR"]) == ("local_hf", str(model))
    assert env["OPENAI_MODEL"] == "mine-7b"
    assert "AIDER_LLM_MODEL" not in env


def test_model_directory_relative_to_here(project: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B007: text that names an existing directory is a local model too, made absolute."""
    (tmp_path / "org" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    made = project(rollout={"run_cmds": [SHOW_ENV]})
    with made.setup() as session:
        session.rollout("org/name")
    assert environment(made.root, "rollout")["AIDER_TRAINED_MODEL_DIR"] == str(tmp_path / "org" / "name")


def test_model_id(project: Make) -> None:
    """B008: every other text is a model id, whatever its length."""
    name = "a-model:" + "x" * 300
    made = project(rollout={"run_cmds": [SHOW_ENV]})
    with made.setup() as session:
        session.rollout(name)
    env = environment(made.root, "rollout")
    assert (env["AIDER_LLM_KIND"], env["AIDER_LLM_MODEL"], env["OPENAI_MODEL"]) == ("remote", name, name)
    assert "AIDER_TRAINED_MODEL_DIR" not in env


def test_evaluate_without_a_model(project: Make, scored: Make, records: Make) -> None:
    """B009: `evaluate()` without a model is an error, a due teardown runs all the same, and nothing passed."""
    made = project(deploy={"teardown_cmds": ["touch torn-down"]}, evaluation=scored("touch evaluated"))
    with made.setup() as session, pytest.raises(ValueError, match="no model"):
        session.evaluate()
    assert (made.exists("torn-down"), made.exists("evaluated")) == (True, False)
    assert [record["verdict"] for record in records()] == ["unscored"]


@pytest.mark.parametrize(
    ("command", "ok"), [("""printf '{"ok": true, "score": 1}' > .aider_fsm/metrics.json""", True), ("exit 3", False)]
)
def test_evaluate_tears_down(project: Make, scored: Make, command: str, ok: bool) -> None:
    """B011: what the teardown writes exists after `evaluate()`, whether it passed or failed."""
    made = project(deploy={"teardown_cmds": ["touch torn-down"]}, evaluation=scored(command))
    with made.setup() as session:
        assert session.evaluate("a-model").ok is ok
        assert made.exists("torn-down")


def test_evaluate_tears_down_after_an_exception(project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """B011: so it does when the runner itself breaks in the middle."""
    from runner_env.pipeline.checks import Checks

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    made = project(deploy={"teardown_cmds": ["touch torn-down"]}, evaluation=scored())
    monkeypatch.setattr(Checks, "after", broken)
    with made.setup() as session, pytest.raises(RuntimeError, match="a bug"):
        session.evaluate("a-model")
    assert made.exists("torn-down")


def test_minimal_repository_with_the_hinted_command(project: Make) -> None:
    """B012: the score is the number that the README's own command prints, 0.2."""
    program = (
        "import argparse, json, pathlib\n"
        "score = 1 / 5\n"
        "pathlib.Path('.aider_fsm/metrics.json').write_text(json.dumps({'ok': True, 'score': score}))\n"
        "print(score)\n"
    )
    script = 'set -eu\n[ "$AIDER_FSM_REQUIRE_REAL_SCORE" = 1 ]\npython3 -m benchtool.evaluate | tee score.txt\n'
    made = project(
        rollout={"run_cmds": ["bash .aider_fsm/stages/rollout.sh"]},
        evaluation={
            "run_cmds": ["bash .aider_fsm/stages/evaluation.sh"],
            "metrics_path": ".aider_fsm/metrics.json",
            "required_keys": ["ok", "score"],
        },
        files={
            "README.md": "# Bench\n\n```\npython3 -m benchtool.evaluate\n```\n",
            "benchtool/__init__.py": "",
            "benchtool/evaluate.py": program,
            ".aider_fsm/stages/rollout.sh": "echo rolled out\n",
            ".aider_fsm/stages/evaluation.sh": script,
        },
    )
    overrides = {"AIDER_FSM_REQUIRE_REAL_SCORE": "1"}
    with made.setup() as session:
        rollout = session.rollout("a-model", env_overrides=overrides)
        evaluated = session.evaluate(env_overrides=overrides)
    assert (rollout.ok, evaluated.ok) == (True, True)
    assert evaluated.metrics == {"ok": True, "score": 0.2}
    assert float(made.read("score.txt")) == evaluated.score == 0.2


def test_overrides_win_everywhere(project: Make, scored: Make) -> None:
    """B013: `env_overrides` reach every stage, teardown included, and win over what the contract says."""
    own = {"MINE": "contract"}
    show = {"env": own, "cmds": [SHOW_ENV]}
    made = project(
        auth=show,
        tests=show,
        deploy={"env": own, "setup_cmds": [SHOW_ENV + "; echo '{}' > .aider_fsm/runtime_env.json"],
                "health_cmds": [SHOW_ENV], "teardown_cmds": [SHOW_ENV]},
        rollout={"env": own, "run_cmds": [SHOW_ENV]},
        evaluation=scored(SHOW_ENV + """; printf '{"ok": true, "score": 1}' > .aider_fsm/metrics.json""", env=own),
        benchmark={"env": own, "run_cmds": [SHOW_ENV]},
        files={".aider_fsm/bootstrap.yml": {"version": 1, "env": own, "cmds": [SHOW_ENV]}},
    )  # fmt: skip
    result = made.evaluate(env_overrides={"MINE": "caller", "MINE_TOO": 7, "MINE_EMPTY": None})
    assert result.ok, result.findings
    for item in result.plan:
        env = environment(made.root, item.stage)
        assert (env["MINE"], env["MINE_TOO"], env["MINE_EMPTY"]) == ("caller", "7", ""), item.stage


@pytest.mark.parametrize("strict", [True, False, None])
def test_runner_writes_no_contract_files(
    project: Make, scored: Make, rolled: dict[str, Any], strict: bool | None
) -> None:
    """B014: in no mode does the runner write or change a contract file."""
    made = project(rollout=rolled, evaluation=scored(), files={".aider_fsm/stages/x.sh": "true\n"})
    contract = [made.root / "pipeline.yml", made.root / ".aider_fsm" / "stages"]
    before = made.read("pipeline.yml")
    with made.setup(strict_opencode=strict) as session:
        assert session.evaluate("a-model").ok
    assert made.read("pipeline.yml") == before
    assert sorted((made.root / ".aider_fsm").iterdir()) == sorted(
        made.root / ".aider_fsm" / name for name in ("artifacts", "metrics.json", "rollout.json", "stages")
    )
    assert [path.name for path in contract[1].iterdir()] == ["x.sh"]


@pytest.mark.parametrize("strict", [True, False, None])
def test_setup_writes_no_contract(project: Make, strict: bool | None) -> None:
    """B014: where a contract is missing, the runner itself puts none there."""
    made = project(pipeline="")
    (made.root / "pipeline.yml").unlink()
    with pytest.raises(ContractMissing):
        made.setup(strict_opencode=strict)
    assert [path.name for path in made.root.rglob("*")] == [".aider_fsm"]


def test_every_published_keyword_is_accepted(project: Make, scored: Make, tmp_path: Path) -> None:
    """Every keyword of the published API has its name and takes its values, in all three calls."""
    made = project(evaluation=scored(), rollout={"run_cmds": ["true"]})
    with made.setup(**SETUP_KEYWORDS) as session:
        shared = {"mode": "full", "env_overrides": {}, "artifacts_dir": tmp_path / "a", "repair_iters": 0}
        assert session.rollout("a-model", require_samples=False, **shared).ok
        assert session.evaluate(llm=None, **shared).ok


def test_keywords_show_in_the_signature() -> None:
    """Editors and `help()` can find the keywords: they are declared, not swallowed."""
    from runner_env.session import RolloutKeywords, SetupKeywords

    own = {"harness", "scaffold", "pass_env", "workspace", "sandbox", "network"}
    assert set(SetupKeywords.__optional_keys__) == {*SETUP_KEYWORDS, *own}
    call = {"mode", "require_samples", "env_overrides", "artifacts_dir", "repair_iters"}
    assert set(RolloutKeywords.__optional_keys__) == call
    assert list(inspect.signature(runner_env.setup).parameters) == ["target", "keywords"]


@pytest.mark.parametrize(
    ("wrong", "near"), [({"clone_dir": "x"}, "clones_dir"), ({"require_metric": True}, "require_metrics")]
)
def test_mistyped_setup_keyword(wrong: dict[str, Any], near: str) -> None:
    """A mistyped keyword is a TypeError that names the near one, before the target is even looked at."""
    with pytest.raises(TypeError, match=rf"setup.*{next(iter(wrong))}.*Did you mean '{near}'"):
        runner_env.setup("/missing", **wrong)


def test_mistyped_call_keyword(project: Make, rolled: dict[str, Any]) -> None:
    """So it is in the calls, each with its own keywords; nothing ran."""
    made = project(rollout=rolled)
    with made.setup() as session:
        with pytest.raises(TypeError, match=r"rollout.*Did you mean 'env_overrides'"):
            session.rollout("a-model", env_override={})  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=r"evaluate.*'require_samples'"):
            session.evaluate("a-model", require_samples=True)  # type: ignore[call-arg]
    assert not made.exists(".aider_fsm/artifacts")


@pytest.mark.parametrize(
    "wrong",
    [
        {"audit": "maybe"},
        {"unattended": "yes"},
        {"scaffold": "magic"},
        {"opencode_bash": "root"},
        {"require_metrics": 1},
        {"strict_opencode": "yes"},
        {"pipeline_rel": ""},
        {"clones_dir": " "},
        {"artifacts_dir": 3},
        {"opencode_timeout_seconds": 0},
        {"opencode_timeout_seconds": True},
        {"opencode_retry_attempts": -1},
        {"opencode_retry_attempts": 1.5},
        {"opencode_retry_backoff_seconds": float("nan")},
        {"opencode_context_length": "8k"},
        {"opencode_model": None},
        {"opencode_url": 80},
        {"pass_env": "OPENAI_API_KEY"},
        {"pass_env": ["A=B"]},
    ],
)
def test_unusable_setup_option(project: Make, scored: Make, wrong: dict[str, Any]) -> None:
    """An unusable value is refused, and the message names the keyword."""
    made = project(evaluation=scored())
    with pytest.raises(OptionError) as caught:
        made.setup(**wrong)
    assert next(iter(wrong)) in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "tiny"},
        {"repair_iters": -1},
        {"repair_iters": 0.5},
        {"repair_iters": True},
        {"env_overrides": ["A=B"]},
        {"env_overrides": []},
        {"env_overrides": {"A B": "x"}},
        {"env_overrides": {1: "x"}},
        {"env_overrides": {"A": "x\0y"}},
        {"env_overrides": {"A": "\ud800"}},
        {"env_overrides": {"AIDER_FSM_MAX_CMD_SECONDS": "soon"}},
        {"artifacts_dir": ""},
        {"require_samples": 1},
    ],
)
def test_unusable_call_option(project: Make, rolled: dict[str, Any], wrong: dict[str, Any]) -> None:
    """An unusable value is refused before anything runs, and the message names the keyword."""
    made = project(rollout=rolled)
    with made.setup() as session, pytest.raises(OptionError) as caught:
        session.rollout("a-model", **wrong)
    name, value = next(iter(wrong.items()))
    assert (next(iter(value)) if name == "env_overrides" and "AIDER" in str(value) else name) in str(caught.value)
    assert not made.exists(".aider_fsm/artifacts")


def test_unusable_contract_names_places(project: Make) -> None:
    """A contract with two faults raises one error with both, each at its line and column, in the published form."""
    made = project(pipeline="version: 1\nevalution:\n  run_cmds: ['true']\ntests:\n  cmds: [1]\n")
    with pytest.raises(ContractError) as caught:
        made.setup()
    places = [str(finding.where) for finding in caught.value.findings]
    assert places == ["pipeline.yml:2:1", "pipeline.yml:5:10"]
    assert "evaluation" in str(caught.value.findings[0])


def test_results_of_a_good_run(project: Make, scored: Make, rolled: dict[str, Any], home: Path) -> None:
    """Both results carry everything that is published, and agree with each other."""
    made = project(
        tests={"cmds": ["echo one; echo two >&2", "echo three"]},
        deploy={"setup_cmds": ["echo '{}' > .aider_fsm/runtime_env.json"], "teardown_cmds": ["true"]},
        rollout=rolled,
        evaluation=scored(),
    )
    with made.setup() as session:
        first = session.rollout("a-model", require_samples=True)
        second = session.evaluate()
    assert isinstance(first, RolloutCallResult)
    assert isinstance(second, EvaluationCallResult)
    for result in (first, second):
        assert (result.ok, result.verdict, result.failed_stage) == (True, "passed", None)
        assert result.run_dir == home / "runs" / result.run_id
        assert result.artifacts_dir.is_dir()
        assert result.duration_s > 0
        assert result.usage.source == "unknown"
        tests = result.verify.tests
        assert tests.ok
        assert tests.failed_index is None
        assert [(run.cmd, run.rc, run.stdout, run.stderr, run.timed_out) for run in tests.results] == [
            ("echo one; echo two >&2", 0, "one\n", "two\n", False),
            ("echo three", 0, "three\n", "", False),
        ]
        assert (result.verify.ok, result.verify.failed_stage, result.verify.auth) == (True, None, None)
    assert first.rollout_path == made.root / ".aider_fsm" / "rollout.json"
    assert (first.metrics, first.verify.evaluation, first.verify.metrics_path) == (None, None, None)
    assert [(item.stage, item.status, item.reason) for item in first.plan] == [
        ("tests", "run", ""),
        ("deploy_setup", "run", ""),
        ("rollout", "run", ""),
        ("evaluation", "skipped", "waits for evaluate()"),
        ("deploy_teardown", "skipped", "waits for evaluate()"),
    ]
    assert second.metrics_path == made.root / ".aider_fsm" / "metrics.json"
    assert second.verify.metrics_path == str(second.metrics_path)
    assert second.metrics == second.verify.metrics == {"ok": True, "score": 0.5}
    assert second.verify.metrics_errors == ()
    assert {item.status for item in second.plan} == {"run"}
    with pytest.raises(AttributeError):
        _ = second.verify.no_such_stage


def test_finding_of_a_failed_command_points_at_place_and_bytes(project: Make) -> None:
    """A finding names the command's line and column, and its evidence is the very end of what the command wrote."""
    pipeline = (
        "version: 1\nrollout:\n  retries: 1\n  run_cmds:\n"
        "    - echo fine\n    - |\n      yes filler | head -c 100000; echo; echo the last words; echo why >&2; exit 7\n"
    )
    made = project(pipeline=pipeline)
    result = made.rollout(repair_iters=0)
    assert (result.ok, result.verdict, result.failed_stage) == (False, "failed", "rollout")
    [finding] = result.findings
    assert (finding.code, finding.stage, finding.verdict) == ("command_failed", "rollout", "failed")
    assert "exit code 7" in finding.message
    assert finding.hint
    assert str(finding.where) == "pipeline.yml:6:7"
    shown = []
    for span in finding.evidence:
        stored = (result.run_dir / span.reference).read_bytes()
        assert 0 <= span.start < span.end <= len(stored)
        shown.append(stored[span.start : span.end])
    assert shown[0].endswith(b"filler\nthe last words\n") or shown[0].endswith(b"\nthe last words\n")
    assert shown[1] == b"why\n"
    stage = result.verify.rollout
    assert (stage.ok, stage.failed_index, [run.rc for run in stage.results]) == (False, 2, [0, 7, 7])
    assert stage.results[2].stdout.endswith("the last words\n")
    assert result.rollout_path is None


def test_findings_of_artifacts_have_places(project: Make, scored: Make) -> None:
    """A bad metrics file is a finding in the stage `metrics`, with the file's own line and column."""
    made = project(evaluation=scored("""printf '{\\n "ok": true,\\n "score": NaN}' > .aider_fsm/metrics.json"""))
    result = made.evaluate(repair_iters=0)
    assert (result.ok, result.failed_stage, result.metrics, result.score) == (False, "metrics", None, None)
    assert [str(finding.where) for finding in result.findings] == [".aider_fsm/metrics.json:3:11"]
    assert result.verify.metrics_errors == tuple(map(str, result.findings))
    assert result.metrics_path is None


def test_missing_agent_never_replaces_the_failure(project: Make, scored: Make) -> None:
    """With repairs asked for and no agent program, the failure itself comes first and decides."""
    made = project(evaluation=scored("exit 9"))
    result = made.evaluate(repair_iters=3)
    assert [(finding.code, finding.verdict) for finding in result.findings] == [
        ("command_failed", "failed"),
        ("repair_unavailable", "passed"),
    ]
    assert (result.verdict, result.failed_stage) == ("failed", "evaluation")
