"""What a stage's environment is made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.contract import variables as v
from runner_env.contract.model import StageName
from runner_env.core import ModelKind, ModelRef
from runner_env.pipeline.environment import Ingredients, granted, passed_on, with_v1
from runner_env.text.masking import looks_secret

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
ENVIRONMENTS = st.dictionaries(NAMES, st.text(max_size=5), max_size=8)
FIXED = {v.AIDER_FSM_REPO_ROOT: "/repo", v.AIDER_FSM_RUNNER_ROOT: "/runner", v.AIDER_FSM_RUN_ID: "run"}
REMOTE = ModelRef(ModelKind.REMOTE, "a-model")


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("http://h", "http://h/v1"), ("http://h/", "http://h/v1"), ("http://h/v1", "http://h/v1"),
        (" http://h/v1/ ", "http://h/v1"), ("http://h/api", "http://h/api/v1"), ("", ""), ("/", ""),
        ("http://h/v1beta", "http://h/v1beta/v1"),
    ],
)  # fmt: skip
def test_with_v1(base: str, expected: str) -> None:
    """B042: the form that clients expect."""
    assert with_v1(base) == expected


@settings(max_examples=100)
@given(st.text(max_size=30))
def test_with_v1_settles_at_once(base: str) -> None:
    """B042: applied twice it is the same, and it never ends in a slash."""
    once = with_v1(base)
    assert with_v1(once) == once
    assert once == "" or once.endswith("/v1")


@settings(max_examples=100)
@given(
    ENVIRONMENTS, st.sampled_from(["MY_KEY", "PIP_TOKEN", "AIDER_FSM_SECRET", "UV_INDEX_X_PASSWORD", "HF_HUB_TOKEN"])
)
def test_no_secret_is_passed_on(env: dict[str, str], secret: str) -> None:
    """Decision 3: the allow-list never lets through what looks like a secret, and changes no value."""
    passed = passed_on(env | {secret: "value"})
    assert secret not in passed
    assert not any(looks_secret(name) for name in passed)
    assert passed.items() <= env.items()


@settings(max_examples=100)
@given(env=ENVIRONMENTS, pass_env=st.lists(NAMES, max_size=4), requested=st.lists(NAMES, max_size=4))
def test_a_secret_needs_both(env: dict[str, str], pass_env: list[str], requested: list[str]) -> None:
    """Decision 3: nothing that was not granted, and no secret that was not requested."""
    given_names = granted(env | {"A_TOKEN": "t"}, (*pass_env, "A_TOKEN"), tuple(requested))
    assert set(given_names) <= {*pass_env, "A_TOKEN"}
    assert all(name in requested for name in given_names if looks_secret(name))
    assert granted({"A_TOKEN": "t"}, ("A_TOKEN",), ("A_TOKEN",)) == {"A_TOKEN": "t"}


@settings(max_examples=60)
@given(ENVIRONMENTS, ENVIRONMENTS, ENVIRONMENTS, st.sampled_from(list(StageName)))
def test_later_layers_win(
    bootstrap: dict[str, str], declared: dict[str, str], overrides: dict[str, str], stage: StageName
) -> None:
    """B013, section 4.4: bootstrap < contract < overrides < what the runner says."""
    made = Ingredients({}, overrides=overrides, bootstrap=bootstrap, model=REMOTE, fixed=FIXED, python="/python")
    env = made.stage(stage, declared, Path("/out"))
    told = {
        *FIXED, v.AIDER_FSM_STAGE, v.AIDER_FSM_ARTIFACTS_DIR, v.AIDER_LLM_KIND, v.AIDER_LLM_MODEL,
        v.AIDER_TRAINED_MODEL_DIR, v.OPENAI_BASE_URL, v.OPENAI_API_BASE,
    }  # fmt: skip
    for name, value in {**bootstrap, **declared, **overrides}.items():
        if name not in told and name != v.OPENAI_MODEL:
            assert env[name] == value
    assert FIXED.items() <= env.items()
    assert (env[v.AIDER_FSM_STAGE], env[v.AIDER_FSM_ARTIFACTS_DIR]) == (stage.value, "/out")


@pytest.mark.parametrize("stage", list(StageName))
def test_the_key_is_for_the_model_stages(stage: StageName) -> None:
    """Decision 3: endpoint and key of `llm=` go to rollout, evaluation and benchmark, and nowhere without a model."""
    environ = {v.OPENAI_API_KEY: "key", v.OPENAI_BASE_URL: "http://h"}
    env = Ingredients(environ, model=REMOTE, fixed=FIXED).stage(stage, {}, Path("/out"))
    model_stage = stage.value in {"rollout", "evaluation", "benchmark"}
    assert (v.OPENAI_API_KEY in env, v.OPENAI_BASE_URL in env) == (model_stage, model_stage)
    alone = Ingredients(environ, fixed=FIXED).stage(stage, {}, Path("/out"))
    assert not {v.OPENAI_API_KEY, v.OPENAI_BASE_URL, v.AIDER_LLM_KIND, v.AIDER_LLM_MODEL} & set(alone)


def test_a_bootstrap_cannot_refer_to_a_secret() -> None:
    """B052: what bootstrap.yml may refer to has neither the caller's key nor another secret."""
    environ = {v.OPENAI_API_KEY: "key", "AWS_SECRET_ACCESS_KEY": "x", "PATH": "/bin", "OTHER": "y"}
    base = Ingredients(environ, model=REMOTE, fixed=FIXED, python="/python").base()
    assert base == {
        v.AIDER_FSM_PYTHON: "/python", "PATH": "/bin", v.AIDER_FSM_REPO_ROOT: "/repo",
        v.AIDER_FSM_RUNNER_ROOT: "/runner",
    }  # fmt: skip
