"""The config: defaults, precedence, and where a wrong setting came from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.core import Finding
from runner_env.errors import DefinitionError
from runner_env.providers.api_judge import ApiJudgeOptions, ApiVendor
from runner_env.providers.oneharness_options import OneharnessOptions, RoleOptions
from runner_env.skills.config import (
    CommandConfig,
    Config,
    ConfigSources,
    ModelPrice,
    ScriptedConfig,
    load_config,
)
from runner_env.skills.patches import Patch, provider_patches

Load = Callable[..., Config]
Write = Callable[[str, str], Path]
COMMAND = "provider:\n  kind: command\n  command: [python3, p.py]\n"


def test_without_a_file(config: Load) -> None:
    """Without a file the defaults hold, which are those of the reference tool."""
    made = config(environ={"HOME": "/home/ada"})
    assert made.provider == OneharnessOptions(history_dir=Path("/home/ada/.local/state/skilltest/oneharness-history"))
    assert (made.platforms, made.models, made.judge_model) == (
        ("claude-code",),
        ("claude-opus-4-8",),
        "claude-opus-4-8",
    )
    assert (made.max_turns, made.abort, made.repeat, made.min_coverage) == (8, False, 1, 1.0)


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_file_is_refused(config: Load, text: str) -> None:
    """A file with nothing but comments is no config, as in the reference tool; an empty mapping is."""
    assert config("{}\n").max_turns == 8
    with pytest.raises(DefinitionError, match="The config is empty"):
        config(text)


def test_a_list_is_no_config(config: Load) -> None:
    """It is refused even if another layer says something, too."""
    with pytest.raises(DefinitionError, match="must be a mapping"):
        config("- a\n", environ={"SKILLTEST_ON_ERROR": "abort"})


def test_layers(config: Load) -> None:
    """Each layer goes before the one below: file, environment, `--set`, flags."""
    text = COMMAND + "models: [file]\nplatforms: [file]\njudge_model: file\nmax_turns: 2\n"
    environ = {"SKILLTEST_MODELS": '["env"]', "SKILLTEST_JUDGE_MODEL": "env", "SKILLTEST_MAX_TURNS": "3"}
    flags = [Patch(("max_turns",), 5, "--max-turns")]
    made = config(text, environ=environ, assignments=['models=["set"]', "max_turns=4"], flags=flags)
    assert (made.platforms, made.judge_model, made.models, made.max_turns) == (("file",), "env", ("set",), 5)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SKILLTEST_MODELS": "abc"}, "SKILLTEST_MODELS: config setting `models` needs a valid JSON value; got `abc`"),
        ({"SKILLTEST_MAX_TURNS": "0"}, "SKILLTEST_MAX_TURNS: `max_turns` must be at least 1, not 0."),
        ({"SKILLTEST_PROVIDER__TIMEOUT_SECS": "[]"}, "`provider.timeout_secs` must be a whole number"),
        ({"SKILLTEST_ON_ERROR": "never"}, "SKILLTEST_ON_ERROR: `on_error` must be 'continue' or 'abort'"),
        ({"SKILLTEST_MODELS": "[NaN]"}, "valid JSON"),
    ],
)
def test_a_bad_variable_is_named(config: Load, environ: dict[str, str], said: str) -> None:
    """A bad value in the environment is refused, and the variable is named."""
    with pytest.raises(DefinitionError) as caught:
        config(environ=environ)
    assert said in str(caught.value)


def test_variables_that_are_no_settings(config: Load) -> None:
    """Variables of the reference tool's other faces, and unknown ones, are not looked at."""
    environ = {"SKILLTEST_PROVIDER": "not json", "SKILLTEST_BIN": "x", "SKILLTEST_NO_SUCH": "{"}
    assert config(environ=environ) == config()


@pytest.mark.parametrize(("text", "model"), [('"x"', "x"), ('"x', '"x'), ("x", "x"), ("5", "5"), ('"x" y', '"x" y')])
def test_text_in_the_environment(config: Load, text: str, model: str) -> None:
    """A text setting takes its variable as it is, or what a JSON string says; a nested one has two underscores."""
    made = config(environ={"SKILLTEST_PROVIDER__BIN": "./oh", "SKILLTEST_JUDGE_MODEL": text})
    assert isinstance(made.provider, OneharnessOptions)
    assert (made.provider.bin, made.judge_model) == ("./oh", model)


def test_the_kind_of_provider_is_switched(config: Load) -> None:
    """What only the other kind has is left behind."""
    assert isinstance(config(COMMAND, assignments=['provider.kind="oneharness"']).provider, OneharnessOptions)


def test_defaults_from_the_environment(config: Load) -> None:
    """`SKILLTEST_ONEHARNESS_BIN` and `SKILLTEST_HISTORY_DIR` are defaults, so the file goes before them."""
    environ = {"SKILLTEST_ONEHARNESS_BIN": "env-oh", "SKILLTEST_HISTORY_DIR": "/h"}
    made = config(environ=environ).provider
    assert isinstance(made, OneharnessOptions)
    assert (made.bin, made.history_dir) == ("env-oh", Path("/h"))
    made = config("provider: {kind: oneharness, bin: file-oh, history_dir: f}\n", environ=environ).provider
    assert isinstance(made, OneharnessOptions)
    assert (made.bin, made.history_dir) == ("file-oh", Path("f"))


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (COMMAND + "modles: [x]\n", "skilltest.yaml:4:1", "modles"),
        ("provider:\n  kind: command\n  command: []\n", "skilltest.yaml:3:3", "command"),
        ("provider:\n  kind: shell\n", "skilltest.yaml:2:3", "'oneharness'"),
        ("provider:\n  bim: x\n", "skilltest.yaml:2:3", "bim"),
        ("provider:\n  kind: command\n  command: [a]\n  timeout_secs: 0\n", "skilltest.yaml:4:3", "timeout_secs"),
        ("models: [1]\n", "skilltest.yaml:1:10", "text"),
        ("judge: {kind: api, vendor: openai, strict_json: yes}\n", "skilltest.yaml:1:36", "true or false"),
        ("platforms: []\n", "skilltest.yaml:1:1", "platforms"),
        ("models: gpt\n", "skilltest.yaml:1:1", "a list"),
        ("max_turns: 1.5\n", "skilltest.yaml:1:1", "whole number"),
        ("judge: {kind: api, vendor: acme}\n", "skilltest.yaml:1:20", "anthropic"),
        ("max_cost: -1\n", "skilltest.yaml:1:1", "greater than 0"),
        ("prices: {m: {input: 1}}\n", "skilltest.yaml:1:10", "output"),
    ],
)
def test_a_mistake_in_the_file(config: Load, text: str, place: str, said: str) -> None:
    """A mistake in the file is found by line and column, also where the environment says something too."""
    with pytest.raises(DefinitionError) as caught:
        config(text, environ={"SKILLTEST_SPY": "true"})
    assert (str(caught.value.where), said in caught.value.message) == (place, True), str(caught.value)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("nope.deep=1", "unknown config setting `nope.deep`"),
        ("max_turn=1", "Did you mean `max_turns`?"),
        ("max_turns", "no value"),
        ("models=abc", "needs a valid JSON value; got `abc`"),
        ("platforms.x=1", "unknown config setting"),
    ],
)
def test_a_bad_assignment(config: Load, assignment: str, said: str) -> None:
    """`--set` refuses settings that do not exist and values that are not JSON."""
    with pytest.raises(DefinitionError) as caught:
        config(assignments=[assignment])
    assert said in str(caught.value)


def test_assignments_reach_into_sections(config: Load) -> None:
    """`--set` changes one setting of a section, or replaces the section; the last one wins."""
    made = config(COMMAND, assignments=['provider.command=["a"]', 'provider.command=["b", "c"]'])
    assert made.provider == CommandConfig(("b", "c"), 600)
    made = config(COMMAND, assignments=['provider={"kind": "scripted"}'])
    assert made.provider == ScriptedConfig()


def test_a_missing_file_is_an_error_only_if_asked_for(config: Load) -> None:
    """`--config` must exist; `skilltest.yaml` need not."""
    with pytest.raises(DefinitionError, match="could not be read") as caught:
        config(file="nope.yaml")
    assert caught.value.where is not None
    assert caught.value.where.file == "nope.yaml"


def test_provider_flags(config: Load) -> None:
    """`--provider` replaces the provider; flags of oneharness leave another provider alone, `--timeout` does not."""
    made = config(flags=provider_patches("python3  p.py", None, None, 3))
    assert made.provider == CommandConfig(("python3", "p.py"), 3)
    assert config(COMMAND, flags=provider_patches(None, "oh", "h", 4)).provider == CommandConfig(("python3", "p.py"), 4)
    made = config("provider: {kind: oneharness}\n", flags=provider_patches(None, "oh", "h", 5))
    assert isinstance(made.provider, OneharnessOptions)
    assert (made.provider.bin, made.provider.judge_harness, made.provider.timeout_s) == ("oh", "h", 5)


def test_roles_of_oneharness(config: Load) -> None:
    """A role is None where nothing was configured: then the harness, the model and the timeout are ours."""
    made = config("provider: {kind: oneharness, judge: {config: j.toml, args: [--x, '1']}, history: false}\n").provider
    assert isinstance(made, OneharnessOptions)
    assert (made.judge, made.simulated_user, made.history) == (RoleOptions("j.toml", ("--x", "1")), None, False)
    assert getattr(config("provider: {kind: oneharness}\n").provider, "judge", "absent") is None
    assert getattr(config("provider: {judge: null}\n").provider, "judge", "absent") is None


def test_arguments_that_break_a_role(config: Load) -> None:
    """Arguments that would give more than one verdict are refused, at their place."""
    with pytest.raises(DefinitionError, match="`--run-mode` must be fallback") as caught:
        config("provider:\n  kind: oneharness\n  judge: {args: [--run-mode, parallel]}\n")
    assert str(caught.value.where) == "skilltest.yaml:3:11"


def test_a_judge_of_its_own(config: Load) -> None:
    """The API judge is taken over; `curl_bin` is accepted and answered with a note."""
    made = config("judge: {kind: api, vendor: openai, curl_bin: /bin/curl, base_url: http://x}\n")
    assert made.judge == ApiJudgeOptions(ApiVendor.OPENAI, None, "http://x", 60)
    assert [finding.code for finding in made.notes] == ["curl_bin_ignored"]


def test_our_own_settings(config: Load) -> None:
    """What the reference tool does not have: error policy, repeats, limits, caps, prices."""
    made = config(
        "on_error: abort\nrepeat: 3\njobs: 4\nplatform_jobs: {codex: 1}\njudge_jobs: 2\nmin_coverage: 0.5\n"
        "max_cost: 2\nmax_tokens: 100\nmax_time: 1.5\nprices: {m: {input: 1, output: 2.5}}\n"
    )
    assert (made.abort, made.repeat, made.min_coverage) == (True, 3, 0.5)
    assert (made.concurrency.jobs, made.concurrency.by_platform, made.concurrency.judge) == (4, {"codex": 1}, 2)
    assert (made.caps.max_cost, made.caps.max_tokens, made.caps.max_time) == (2.0, 100, 1.5)
    assert made.prices == {"m": ModelPrice(1.0, 2.5)}


def test_mocks_files_come_first(config: Load, write: Write) -> None:
    """Mocks of `--mocks` files, YAML or JSON, stand before those of the config."""
    write("m.yaml", "- {name: a, match: {contains: x}, deny: no}\n")
    write("m.json", json.dumps([{"name": "b", "match": {"tool": "Bash"}}]))
    made = config("mocks:\n  - {name: c, match: {contains: y}}\n", mocks_files=["m.yaml", "m.json"])
    assert [mock.name for mock in made.mocks] == ["a", "b", "c"]
    assert str(made.mocks[2].where) == "skilltest.yaml:2:5"


@given(st.dictionaries(st.sampled_from(["MODELS", "SPY", "JUDGE", "PROVIDER__BIN", "MOCKS", "PRICES"]), st.text()))
def test_any_environment(values: dict[str, str]) -> None:
    """Whatever the variables hold, there is a config or a refusal that names one of them."""
    environ = {f"SKILLTEST_{name}": value for name, value in values.items()}
    findings: tuple[Finding, ...] = ()
    try:
        load_config(ConfigSources(environ=environ, cwd=Path("/nowhere")))
    except DefinitionError as error:
        findings = error.findings
    assert all(finding.where and finding.where.file in environ for finding in findings)
