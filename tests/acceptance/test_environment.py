"""What a stage sees: every injected variable, what of the caller's arrives, what never does, and no secret on disk."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.runs.results import CallResult

Make = Callable[..., Any]
Section = dict[str, Any]
Seen = dict[str, str]
SHOW = "env -0 > env-$AIDER_FSM_STAGE"
METRICS = 'printf \'{"ok": true, "score": 0.5}\' > .aider_fsm/metrics.json'
KEY = "sk-CANARY-0123456789/abc+def"
MODEL_STAGES = ("rollout", "evaluation", "benchmark")
ALL_STAGES = (
    "bootstrap", "actions", "auth", "tests", "deploy_setup", "deploy_health", *MODEL_STAGES, "deploy_teardown",
)  # fmt: skip


def sections(runtime: Mapping[str, object] | None = None, **extra: object) -> dict[str, Any]:
    """A contract of every stage, each of which writes down its environment."""
    served = json.dumps(runtime or {})
    return {
        "auth": {"cmds": [SHOW]},
        "tests": {"cmds": [SHOW]},
        "deploy": {
            "setup_cmds": [SHOW, f"cat > .aider_fsm/runtime_env.json <<'END'\n{served}\nEND"],
            "health_cmds": [SHOW],
            "teardown_cmds": [SHOW],
        },
        "rollout": {"run_cmds": [SHOW, "echo '{}' > .aider_fsm/rollout.json"]},
        "evaluation": {"run_cmds": [SHOW, METRICS], "metrics_path": ".aider_fsm/metrics.json"},
        "benchmark": {"run_cmds": [SHOW]},
        **extra,
    }


FILES = {
    ".aider_fsm/bootstrap.yml": {"version": 1, "cmds": [SHOW]},
    ".aider_fsm/actions.yml": {"version": 1, "actions": [{"id": "a", "kind": "run_cmd", "cmd": SHOW}]},
}


def seen(root: Path, stage: str) -> Seen:
    """The environment that a stage wrote down."""
    entries = (root / f"env-{stage}").read_bytes().decode(errors="surrogateescape").split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def holders(result: CallResult, *needles: str) -> list[str]:
    """Every file of the evidence and of the published copy in which one of the byte strings stands."""
    wanted = [needle.encode() for needle in needles]
    folders = (result.run_dir, result.artifacts_dir.parents[1])
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(files) > 10
    return [str(path) for path in files if any(needle in path.read_bytes() for needle in wanted)]


def test_every_stage_sees_the_injected_variables(project: Make) -> None:
    """B041: stage, own artifacts folder, root, run id, interpreter, runner, mode, CI and its like, in every stage."""
    made = project(files=FILES, **sections())
    result = made.evaluate(mode="full")
    assert result.ok, result.findings
    root = str(made.root.resolve())
    folders = set()
    for stage in ALL_STAGES:
        env = seen(made.root, stage)
        assert (env["AIDER_FSM_STAGE"], env["AIDER_FSM_REPO_ROOT"], env["PWD"]) == (stage, root, root)
        assert (env["AIDER_FSM_RUN_ID"], env["AIDER_EVAL_MODE"]) == (result.run_id, "full")
        assert env["AIDER_FSM_PYTHON"] == sys.executable
        assert Path(env["AIDER_FSM_RUNNER_ROOT"]).is_dir()
        assert env["AIDER_RUNTIME_ENV_PATH"] == f"{root}/.aider_fsm/runtime_env.json"
        assert (env["CI"], env["GIT_TERMINAL_PROMPT"], env["PIP_DISABLE_PIP_VERSION_CHECK"]) == ("1", "0", "1")
        assert env["PYTHONUNBUFFERED"] == "1"
        assert "PYTHONPATH" not in env
        folder = Path(env["AIDER_FSM_ARTIFACTS_DIR"])
        assert folder.is_dir()
        assert str(folder).startswith(f"{root}/.aider_fsm/artifacts/{result.run_id}/")
        folders.add(folder)
    assert len(folders) == len(ALL_STAGES)


def test_strict_defaults_are_defaults(project: Make, scored: Make) -> None:
    """B041: a contract, and over it the caller, may set CI and its like."""
    made = project(tests={"cmds": [SHOW], "env": {"CI": "contract", "PYTHONUNBUFFERED": ""}}, evaluation=scored())
    assert made.evaluate().ok
    assert (seen(made.root, "tests")["CI"], seen(made.root, "tests")["PYTHONUNBUFFERED"]) == ("contract", "")
    assert made.evaluate(env_overrides={"CI": "caller"}).ok
    assert seen(made.root, "tests")["CI"] == "caller"


def test_overrides_reach_every_stage_and_win(project: Make) -> None:
    """B013: `env_overrides` are in the environment of every stage, over the contract's own; values become text."""
    made = project(files=FILES, **sections())
    made.write({"pipeline.yml": {"version": 1, **sections(tests={"cmds": [SHOW], "env": {"A": "contract", "B": "b"}})}})
    assert made.evaluate(env_overrides={"A": "caller", "N": 7, "NONE": None}).ok
    for stage in ALL_STAGES:
        env = seen(made.root, stage)
        assert (env["A"], env["N"], env["NONE"]) == ("caller", "7", "")
    assert seen(made.root, "tests")["B"] == "b"


def test_nothing_may_contradict_what_the_runner_says(project: Make) -> None:
    """What identifies a run is the runner's: neither contract nor caller can set it."""
    names = ("AIDER_FSM_STAGE", "AIDER_FSM_RUN_ID", "AIDER_FSM_REPO_ROOT", "AIDER_FSM_ARTIFACTS_DIR", "AIDER_LLM_MODEL")
    lies = dict.fromkeys(names, "lie")
    made = project(**sections(tests={"cmds": [SHOW], "env": lies}))
    assert made.evaluate(env_overrides=lies).ok
    for stage in ("tests", "evaluation"):
        assert "lie" not in seen(made.root, stage).values()


def test_only_what_is_allowed_arrives(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decision 3: toolchain and locale arrive; a random variable and every kind of secret never do."""
    ordinary = {"LC_MESSAGES": "C", "UV_INDEX_URL": "/x", "https_proxy": "http://proxy.invalid:3128", "TZ": "UTC"}
    never = {
        "MY_RANDOM_VARIABLE": "a", "AWS_SECRET_ACCESS_KEY": "bbbbbbbb", "GITHUB_TOKEN": "cccccccc",
        "PIP_PASSWORD": "dddddddd", "UV_PUBLISH_TOKEN": "eeeeeeee", "HF_TOKEN": "ffffffff", "PYTHONPATH": "/nowhere",
        "LD_PRELOAD": "", "AIDER_FSM_SECRET": "gggggggg", "SSH_AUTH_SOCK": "/tmp/agent", "PYTHONSTARTUP": "x",
        "npm_config__authToken": "hhhhhhhh",
    }  # fmt: skip
    for name, value in {**ordinary, **never}.items():
        monkeypatch.setenv(name, value)
    made = project(files=FILES, **sections())
    assert made.evaluate().ok
    for stage in ALL_STAGES:
        env = seen(made.root, stage)
        assert env["PATH"] == os.environ["PATH"]
        assert {name: env.get(name) for name in ordinary} == ordinary
        assert not set(never) & set(env)


@pytest.mark.parametrize(
    ("named", "granted", "arrives"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_secret_must_be_named_and_granted(
    project: Make, monkeypatch: pytest.MonkeyPatch, named: bool, granted: bool, arrives: bool
) -> None:
    """Decision 3: only what the contract names in `security.secrets` AND `pass_env` grants; a note says what lacks."""
    monkeypatch.setenv("SERVICE_TOKEN", "token-0123456789")
    made = project(files=FILES, **sections(security={"secrets": ["SERVICE_TOKEN"] if named else []}))
    result = made.evaluate(pass_env=["SERVICE_TOKEN"] if granted else [])
    assert result.ok
    for stage in ALL_STAGES:
        assert ("SERVICE_TOKEN" in seen(made.root, stage)) is arrives
    codes = {finding.code for finding in result.findings}
    assert ("secret_not_granted" in codes) is (named and not granted)
    assert ("secret_not_requested" in codes) is (granted and not named)


def test_an_ordinary_variable_needs_only_the_grant(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decision 3: `pass_env` alone passes on what is no secret by its name."""
    monkeypatch.setenv("MY_SETTING", "on")
    made = project(files=FILES, **sections())
    assert made.evaluate(pass_env=["MY_SETTING"]).ok
    assert {seen(made.root, stage)["MY_SETTING"] for stage in ALL_STAGES} == {"on"}


def test_the_model_is_granted_to_three_stages(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decision 3: `llm=` gives its endpoint and key to rollout, evaluation and benchmark only (B008)."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/")
    made = project(files=FILES, **sections())
    assert made.evaluate().ok
    for stage in ALL_STAGES:
        env = seen(made.root, stage)
        granted = stage in MODEL_STAGES
        assert env.get("OPENAI_API_KEY") == (KEY if granted else None)
        expected = "http://127.0.0.1:9/v1" if granted else None
        assert (env.get("OPENAI_BASE_URL"), env.get("OPENAI_API_BASE")) == (expected, expected)
        assert (env["AIDER_LLM_KIND"], env["AIDER_LLM_MODEL"], env["OPENAI_MODEL"]) == ("remote", "a-model", "a-model")
        assert "AIDER_TRAINED_MODEL_DIR" not in env


@pytest.mark.parametrize(
    ("runtime", "base"),
    [
        ({"inference": {"openai_base_url": "http://127.0.0.1:1/v1/"}}, "http://127.0.0.1:1/v1"),
        ({"inference": {"base_url": "http://127.0.0.1:2"}}, "http://127.0.0.1:2/v1"),
        ({"service": {"base_url": "http://127.0.0.1:3/"}}, "http://127.0.0.1:3/v1"),
        (
            {
                "inference": {"openai_base_url": "http://127.0.0.1:1", "base_url": "http://127.0.0.1:2"},
                "service": {"base_url": "http://127.0.0.1:3"},
            },
            "http://127.0.0.1:1/v1",
        ),
        ({"inference": {"openai_base_url": "", "base_url": 7}, "service": "text"}, None),
        ({"inference": []}, None),
    ],
)
def test_a_deployed_service_is_the_endpoint(project: Make, runtime: dict[str, Any], base: str | None) -> None:
    """B042: the base URL in runtime_env.json, in its order, ends in /v1 and has both names; nonsense is no endpoint."""
    made = project(**sections(runtime))
    assert made.evaluate().ok
    for stage in ("deploy_health", *MODEL_STAGES):
        env = seen(made.root, stage)
        expected = base if stage in MODEL_STAGES else None
        assert (env.get("OPENAI_BASE_URL"), env.get("OPENAI_API_BASE")) == (expected, expected)


@pytest.mark.parametrize("how", ["override", "override base", "environment", "environment base"])
def test_an_explicit_endpoint_wins_for_a_remote_model(project: Make, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """B042: what the caller names explicitly is kept, in the form that clients expect."""
    name = "OPENAI_API_BASE" if how.endswith("base") else "OPENAI_BASE_URL"
    keywords: dict[str, Any] = {}
    if how.startswith("override"):
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8")
        keywords["env_overrides"] = {name: "http://127.0.0.1:7/"}
    else:
        monkeypatch.setenv(name, "http://127.0.0.1:7/")
    made = project(**sections({"inference": {"openai_base_url": "http://127.0.0.1:1"}}))
    assert made.evaluate(**keywords).ok
    env = seen(made.root, "rollout")
    assert (env["OPENAI_BASE_URL"], env["OPENAI_API_BASE"]) == ("http://127.0.0.1:7/v1", "http://127.0.0.1:7/v1")


def test_a_local_model_lives_in_the_deployed_service(
    project: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B007, B042: for a model directory the deployed service always wins, and the caller's own key stays at home."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:7")
    model = tmp_path / "my-model"
    model.mkdir()
    made = project(**sections({"inference": {"openai_base_url": "http://127.0.0.1:1"}}))
    with made.setup() as session:
        assert session.rollout(model).ok
        assert session.evaluate().ok
    for stage in MODEL_STAGES:
        env = seen(made.root, stage)
        assert env["OPENAI_BASE_URL"] == env["OPENAI_API_BASE"] == "http://127.0.0.1:1/v1"
        assert (env["AIDER_LLM_KIND"], env["AIDER_TRAINED_MODEL_DIR"]) == ("local_hf", str(model))
        assert (env["OPENAI_MODEL"], env["OPENAI_API_KEY"]) == ("my-model", "local")
        assert "AIDER_LLM_MODEL" not in env
    assert "OPENAI_API_KEY" not in seen(made.root, "tests")


def test_a_served_model_has_a_name_of_its_own(project: Make, tmp_path: Path) -> None:
    """Section 4.5: `inference.model` in runtime_env.json is what a local model is asked for by."""
    made = project(**sections({"inference": {"model": "served-name"}}))
    with made.setup() as session:
        assert session.rollout(tmp_path).ok
    assert seen(made.root, "rollout")["OPENAI_MODEL"] == "served-name"


def test_no_secret_is_recorded(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """RT028: a stage that dumps its environment in every way leaves no secret in any file of the run."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    dump = f"""env; cat /proc/self/environ; export -p; {sys.executable} -c 'import os;print(dict(os.environ))'
    printf %s "$OPENAI_API_KEY" | base64; printf %s "$OPENAI_API_KEY" | od -An -tx1 | tr -d ' \\n'; echo "$MY_TOKEN" >&2
    cat /proc/$PPID/environ"""
    made = project(
        files={
            ".aider_fsm/bootstrap.yml": {"version": 1, "cmds": ["env"], "env": {"BOOT_TOKEN": "boot-secret-0123"}},
        },
        tests={"cmds": ["echo contract-secret-77; env"], "env": {"CONTRACT_PASSWORD": "contract-secret-77"}},
        evaluation={
            "run_cmds": [dump, "echo 'echo contract-secret-77' | sh; false contract-secret-77"],
            "metrics_path": "m.json",
        },
    )
    result = made.evaluate(env_overrides={"MY_TOKEN": "override-secret-42"})
    assert result.failed_stage == "evaluation"
    encoded = base64.b64encode(KEY.encode()).decode().rstrip("=")
    needles = (KEY, encoded, KEY.encode().hex(), "boot-secret-0123", "contract-secret-77", "override-secret-42")
    assert holders(result, *needles) == []
    assert not any(needle in repr((result.findings, result.verify)) for needle in needles)
    assert "***" in result.verify.evaluation.results[0].stdout
    stored = json.loads((result.run_dir / "record.json").read_bytes())
    assert any(capture["masked"] > 0 for stage in stored["stages"] for capture in (stage["commands"][0]["stdout"],))


def test_a_secret_in_two_halves(project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """RT030: masked although its halves come in different writes, on both streams."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    half, rest = KEY[:9], KEY[9:]
    command = f"printf %s '{half}'; printf %s '{half}' >&2; sleep 0.2; printf %s '{rest}'; printf %s '{rest}' >&2"
    result = project(tests={"cmds": [command]}, evaluation=scored()).evaluate()
    assert result.ok
    assert (result.verify.tests.results[0].stdout, result.verify.tests.results[0].stderr) == ("***", "***")
    assert holders(result, KEY) == []


def test_short_secrets_do_not_shred_the_logs(project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """RT033: values of `1` and nothing leave the output as it is, and a note says which is not masked."""
    monkeypatch.setenv("FAKE_KEY", "1")
    monkeypatch.setenv("FAKE_KEY2", "")
    made = project(
        security={"secrets": ["FAKE_KEY", "FAKE_KEY2"]},
        tests={"cmds": ["echo all is well; echo 1 a true"]},
        evaluation=scored(),
    )
    result = made.evaluate(pass_env=["FAKE_KEY", "FAKE_KEY2"])
    assert result.ok
    path = result.artifacts_dir / "tests_cmd01_try01_stdout.txt"
    assert path.read_bytes() == b"all is well\n1 a true\n"
    (note,) = [finding for finding in result.findings if finding.code == "secret_not_masked"]
    assert "FAKE_KEY" in note.message
    assert note.verdict is Verdict.PASSED


def test_a_secret_in_an_artifact_is_not_kept(project: Make, rolled: Section, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decision 3: of an artifact that holds a secret only the hash is kept; its metrics are masked wherever shown."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    made = project(
        rollout={"run_cmds": [*rolled["run_cmds"], 'echo "$OPENAI_API_KEY" >> kept-by-the-contract']},
        evaluation={
            "run_cmds": ['printf \'{"ok": true, "score": 0.5, "used": "%s"}\' "$OPENAI_API_KEY" > m.json'],
            "metrics_path": "m.json",
        },
    )
    result = made.evaluate()
    assert (result.ok, result.score) == (True, 0.5)
    assert holders(result, KEY) == []
    assert result.metrics["used"] == "***"
    claims = {claim["name"]: claim for claim in json.loads((result.run_dir / "record.json").read_bytes())["claims"]}
    assert claims["metrics.json"]["reference"] is None
    assert claims["rollout.json"]["reference"] is not None
    assert "secret_in_artifact" in {finding.code for finding in result.findings}
    again = made.evaluate()
    assert again.ok
    assert list(again.run_dir.glob("previous/*/m.json"))
    assert holders(again, KEY) == []


def test_a_password_in_a_proxy_url(project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What every stage is passed on may carry a password in a URL: it arrives, and is recorded nowhere."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:p4ssw0rd-xyz@pypi.invalid/simple")
    result = project(tests={"cmds": ["echo $PIP_INDEX_URL"]}, evaluation=scored()).evaluate()
    assert result.verify.tests.results[0].stdout == "https://user:***@pypi.invalid/simple\n"
    assert holders(result, "p4ssw0rd-xyz") == []


def test_a_secret_of_the_first_call_stays_secret_in_the_second(project: Make, scored: Make, rolled: Section) -> None:
    """A value handed to rollout() alone, and printed by the evaluation, is masked there too."""
    made = project(
        rollout={"run_cmds": ["echo $MY_TOKEN > remembered", *rolled["run_cmds"]]},
        evaluation=scored(f"cat remembered; {METRICS}"),
    )
    with made.setup() as session:
        assert session.rollout("a-model", env_overrides={"MY_TOKEN": "first-call-only"}).ok
        result = session.evaluate()
    assert result.verify.evaluation.results[0].stdout == "***\n"
    assert holders(result, "first-call-only") == []


def test_credentials_in_the_address_of_a_target(project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token in the URL that the caller names is in neither journal nor record."""
    from runner_env import session
    from runner_env.targets import fetch

    made = project(evaluation=scored())
    with monkeypatch.context() as patch:
        patch.setattr(session, "fetch", lambda _, **keywords: fetch(made.root, **keywords))
        opened = session.setup("https://user:ghp-0123456789@127.0.0.1/owner/name.git@main")
    with opened:
        result = opened.evaluate("a-model")
    assert result.ok
    assert (
        json.loads((result.run_dir / "record.json").read_bytes())["target"] == "https://127.0.0.1/owner/name.git@main"
    )
    assert holders(result, "ghp-0123456789") == []
