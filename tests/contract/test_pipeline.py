"""`pipeline.yml` to `Contract`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.contract import StageName, TeardownPolicy, load_contract
from runner_env.core import Finding, Verdict
from runner_env.errors import ContractError, ContractMissing

Repo = Callable[..., Path]
Refused = Callable[[Callable[[], object]], tuple[Finding, ...]]

FULL = """\
version: 1
security:
  mode: system
  allowlist: ['^echo']
  denylist: ['curl']
  max_cmd_seconds: 60
  max_total_seconds: 0
  secrets: [HF_TOKEN]
  sandbox: landlock
  network: none
  sandbox_required: true
tests:
  cmds: [pytest -q, '  echo 2  ']
  retries: 2
  timeout_seconds: 90
  env: {A: b}
  workdir: sub/dir
auth:
  steps: [echo login]
  interactive: true
deploy:
  setup_cmds: [echo up]
  health_cmd: echo healthy
  teardown_cmds: [echo down]
  teardown_policy: on_failure
  retries: 3
  kubectl_dump: {enabled: true, namespace: n, label_selector: a=b, include_logs: true}
rollout:
  run_cmds: [echo rollout]
evaluation:
  run_cmd: |
    echo one
    echo two
  metrics_path: .aider_fsm/metrics.json
  required_keys: [ok, score]
  score_range: [-1, 100.5]
benchmark:
  cmds: [echo bench]
  metrics_path: bench.json
artifacts: {out_dir: out}
tooling: {ensure_tools: true, kind_cluster_name: kind}
"""


def test_the_full_sample_parses(repo: Repo) -> None:
    """B020: every documented section and field arrives, typed, in run order and with its place."""
    contract = load_contract(repo({"pipeline.yml": FULL}))
    assert list(contract.stages) == [
        StageName.AUTH,
        StageName.TESTS,
        StageName.DEPLOY_SETUP,
        StageName.DEPLOY_HEALTH,
        StageName.ROLLOUT,
        StageName.EVALUATION,
        StageName.BENCHMARK,
        StageName.DEPLOY_TEARDOWN,
    ]
    security = contract.security
    assert (security.mode, security.allowlist, security.denylist) == ("system", ("^echo",), ("curl",))
    assert (security.max_cmd_seconds, security.max_total_seconds) == (60, None)
    assert (security.secrets, security.sandbox, security.network) == (("HF_TOKEN",), "landlock", "none")
    assert security.sandbox_required
    tests = contract.stages[StageName.TESTS]
    assert [command.text for command in tests.commands] == ["pytest -q", "echo 2"]
    assert [str(command.where) for command in tests.commands] == ["pipeline.yml:13:10", "pipeline.yml:13:21"]
    assert (tests.retries, tests.timeout_s, tests.env, tests.workdir) == (2, 90.0, {"A": "b"}, "sub/dir")
    assert contract.stages[StageName.AUTH].interactive
    assert contract.stages[StageName.DEPLOY_HEALTH].retries == 3
    assert contract.teardown_policy is TeardownPolicy.ON_FAILURE
    dump = contract.kubectl_dump
    assert (dump.enabled, dump.namespace, dump.label_selector, dump.include_logs) == (True, "n", "a=b", True)
    assert contract.evaluation_metrics is not None
    assert contract.evaluation_metrics.path == ".aider_fsm/metrics.json"
    assert contract.evaluation_metrics.required_keys == ("ok", "score")
    assert contract.evaluation_metrics.score_range == (-1.0, 100.5)
    assert contract.benchmark_metrics is not None
    assert contract.benchmark_metrics.score_range == (0.0, 1.0)
    assert contract.artifacts_out_dir == "out"


def test_deprecated_sections_leave_a_note(repo: Repo) -> None:
    """B020: `tooling` is accepted and said to be ignored."""
    (note,) = load_contract(repo({"pipeline.yml": FULL})).notes
    assert (note.code, note.verdict, str(note.where)) == ("deprecated_key", Verdict.PASSED, "pipeline.yml:41:1")


def test_teardown_is_never_retried(repo: Repo) -> None:
    """The retries of `deploy` are for setup and health."""
    contract = load_contract(repo({"pipeline.yml": FULL}))
    assert contract.stages[StageName.DEPLOY_TEARDOWN].retries == 0


def test_a_version_alone_parses(repo: Repo) -> None:
    """That nothing would run is for the pipeline to say."""
    contract = load_contract(repo({"pipeline.yml": "version: 1\n"}))
    assert (contract.stages, contract.evaluation_metrics) == ({}, None)


def test_a_missing_version_is_one_and_a_null_section_is_absent(repo: Repo) -> None:
    """Published leniencies that stay."""
    assert list(load_contract(repo({"pipeline.yml": "tests:\nrollout: {run_cmd: a}\n"})).stages) == ["rollout"]


@pytest.mark.parametrize("version", ["2", "1.9", "1.0", '"1"', "true", "null", "[1]"])
def test_only_version_1_is_accepted(repo: Repo, refused: Refused, version: str) -> None:
    """B021: neither 2 nor anything that merely resembles 1."""
    root = repo({"pipeline.yml": f"version: {version}\n"})
    assert [found.code for found in refused(lambda: load_contract(root))] == ["bad_version"]


@pytest.mark.parametrize(
    "section", ["security", "tests", "auth", "deploy", "rollout", "evaluation", "benchmark", "artifacts", "tooling"]
)
@pytest.mark.parametrize("value", ["[]", "x", "3"])
def test_a_section_must_be_a_mapping(repo: Repo, refused: Refused, section: str, value: str) -> None:
    """B021: the error names the section and stands at its key."""
    root = repo({"pipeline.yml": f"version: 1\n{section}: {value}\n"})
    (finding,) = refused(lambda: load_contract(root))
    assert finding.code == "wrong_type"
    assert f"`{section}` must be a mapping" in finding.message
    assert str(finding.where) == "pipeline.yml:2:1"


@pytest.mark.parametrize(
    ("text", "code"), [("", "empty_contract"), ("- a\n", "wrong_type"), ("just text\n", "wrong_type")]
)
def test_the_file_must_be_a_mapping(repo: Repo, refused: Refused, text: str, code: str) -> None:
    """B021: an empty file and a list at the top are errors."""
    root = repo({"pipeline.yml": text})
    assert [found.code for found in refused(lambda: load_contract(root))] == [code]


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        ("tests: {cmd: a b}", "tests"),
        ("auth: {cmd: a b}", "auth"),
        ("auth: {steps: [a b]}", "auth"),
        ("deploy: {setup_cmd: a b}", "deploy_setup"),
        ("deploy: {health_cmd: a b}", "deploy_health"),
        ("deploy: {teardown_cmd: a b}", "deploy_teardown"),
        ("rollout: {run_cmd: a b}", "rollout"),
        ("evaluation: {run_cmd: a b}", "evaluation"),
        ("benchmark: {run_cmd: a b}", "benchmark"),
        ("rollout: {cmds: [a b]}", "rollout"),
        ("evaluation: {cmds: [a b]}", "evaluation"),
        ("benchmark: {cmds: [a b]}", "benchmark"),
    ],
)
def test_every_alias_gives_one_command(repo: Repo, line: str, stage: str) -> None:
    """B022: singular keys and the other names yield a list of one."""
    contract = load_contract(repo({"pipeline.yml": line}))
    assert {name: [c.text for c in spec.commands] for name, spec in contract.stages.items()} == {stage: ["a b"]}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("tests: {cmd: ''}", "empty_command"),
        ("tests: {cmd: '  '}", "empty_command"),
        ("tests: {cmds: [a, '']}", "empty_command"),
        ("tests: {cmds: [a, 3]}", "wrong_type"),
        ("tests: {cmds: [a, null]}", "wrong_type"),
        ("tests: {cmds: a}", "wrong_type"),
        ("tests: {cmd: [a]}", "wrong_type"),
        ("tests: {cmds: [a: b]}", "wrong_type"),
        ("tests: {cmds: [a], cmd: b}", "ambiguous_keys"),
        ("auth: {cmds: [a], steps: [b]}", "ambiguous_keys"),
        ("rollout: {cmds: [a], run_cmds: [b]}", "ambiguous_keys"),
        ("deploy: {setup_cmd: a, setup_cmds: [b]}", "ambiguous_keys"),
        ("tests: {cmd: " + ("a" * 30_000 + "\n\n") * 4 + "}", "too_long"),
    ],
)
def test_what_is_no_command_is_refused(repo: Repo, refused: Refused, text: str, code: str) -> None:
    """B022: empty and non-text items, a list where one is due, both names at once, more than the system can start."""
    root = repo({"pipeline.yml": text})
    assert [found.code for found in refused(lambda: load_contract(root))] == [code]


@pytest.mark.parametrize(
    "text",
    [
        "evaluation: {required_keys: ok}",
        "evaluation: {required_keys: [1]}",
        "security: {allowlist: {a: b}}",
        "security: {denylist: [true]}",
    ],
)
def test_lists_of_text_are_lists_of_text(repo: Repo, refused: Refused, text: str) -> None:
    """B023: the error names the field."""
    root = repo({"pipeline.yml": text})
    (finding,) = refused(lambda: load_contract(root))
    assert finding.code == "wrong_type"
    assert text.partition("{")[2].partition(":")[0] in finding.message


def test_enumerations_list_what_is_allowed(repo: Repo, refused: Refused) -> None:
    """B024: teardown_policy and security.mode, and the requests for sandbox and network."""
    root = repo({"pipeline.yml": "security: {mode: x, sandbox: y, network: z}\ndeploy: {teardown_policy: sometimes}\n"})
    findings = refused(lambda: load_contract(root))
    assert {found.code for found in findings} == {"bad_value"}
    allowed = (
        "'safe' or 'system'",
        "'landlock'",
        "'host' or 'none'",
        "'always', 'on_success', 'on_failure' or 'never'",
    )
    assert all(words in found.message for words, found in zip(allowed, findings, strict=True))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("evalution: {}", "Did you mean `evaluation`?"),
        ("evaluation: {runcmds: []}", "Did you mean `run_cmds`?"),
        ("deploy: {kubectl_dump: {enable: true}}", "Did you mean `enabled`?"),
        ("metrics_path: x", "`metrics_path` belongs under `evaluation` or `benchmark`."),
        ("tests: {<<: {}}", "YAML 1.2 has no merge keys; write the keys out."),
        ("artifacts: {zzz: 1}", "Valid keys are out_dir."),
    ],
)
def test_unknown_keys_are_errors_with_a_suggestion(repo: Repo, refused: Refused, text: str, hint: str) -> None:
    """B025: a typo at any level is reported, with the nearest valid key."""
    root = repo({"pipeline.yml": text})
    (finding,) = refused(lambda: load_contract(root))
    assert (finding.code, finding.hint) == ("unknown_key", hint)


def test_env_values_become_text(repo: Repo) -> None:
    """B026: null is empty, booleans are Python's words, numbers stay as written."""
    text = "tests: {cmd: a, env: {A: null, B: true, C: 1.10, D: 010, E: 'x y', F: 0x1F, G: ~, H: no}}"
    env = load_contract(repo({"pipeline.yml": text})).stages[StageName.TESTS].env
    assert env == {"A": "", "B": "True", "C": "1.10", "D": "010", "E": "x y", "F": "0x1F", "G": "", "H": "no"}


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("timeout_seconds: -1", "bad_value"),
        ("timeout_seconds: 0", "bad_value"),
        ("timeout_seconds: .inf", "bad_value"),
        ("timeout_seconds: .nan", "bad_value"),
        ("timeout_seconds: 1e300", "bad_value"),
        ("timeout_seconds: '5'", "wrong_type"),
        ("timeout_seconds: true", "wrong_type"),
        ("timeout_seconds: 5m", "wrong_type"),
        ("retries: -1", "bad_value"),
        ("retries: 101", "bad_value"),
        ("retries: 1.0", "wrong_type"),
        ("retries: true", "wrong_type"),
        ("workdir: ../x", "path_escapes"),
        ("workdir: /tmp", "path_escapes"),
        ("workdir: ''", "path_escapes"),
        ("workdir: a/../../b", "path_escapes"),
        ("workdir: ~/x", "path_escapes"),
        ("workdir: 'a\\b'", "path_escapes"),
        ("metrics_path: /proc/self/environ", "path_escapes"),
        ("metrics_path: ../m.json", "path_escapes"),
        ("score_range: [1, 0]", "bad_value"),
        ("score_range: [0, 0]", "bad_value"),
        ("score_range: [0]", "bad_value"),
        ("score_range: [0, .inf]", "bad_value"),
        ("score_range: [0, '1']", "wrong_type"),
        ("score_range: 1", "wrong_type"),
        ("env: [A]", "wrong_type"),
        ("env: {A: [1]}", "wrong_type"),
        ("env: {'A-B': 1}", "bad_name"),
        ("env: {'': 1}", "bad_name"),
        ('env: {"A\\n": 1}', "bad_name"),
        ("required_keys: ['']", "bad_value"),
    ],
)
def test_limits_and_paths_of_a_stage(repo: Repo, refused: Refused, field: str, code: str) -> None:
    """B040 and RT018: every value that could only be a mistake or an escape is refused when the contract is read."""
    root = repo({"pipeline.yml": f"evaluation:\n  cmds: ['true']\n  {field}\n"})
    (finding,) = refused(lambda: load_contract(root))
    assert (finding.code, finding.where and finding.where.line) == (code, 3)


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("max_cmd_seconds: abc", "wrong_type"),
        ("max_cmd_seconds: -3", "bad_value"),
        ("max_total_seconds: -1", "bad_value"),
        ("denylist: ['(']", "bad_pattern"),
        ("denylist: ['']", "bad_pattern"),
        ("allowlist: ['a{99999999999}']", "bad_pattern"),
        ("denylist: ['" + "(" * 2000 + "']", "bad_pattern"),
        ("denylist: ['" + "(" * 900 + "']", "bad_pattern"),
        ("secrets: [A B]", "bad_name"),
        ("secrets: A", "wrong_type"),
        ("sandbox_required: 'yes'", "wrong_type"),
    ],
)
def test_security_fails_closed(repo: Repo, refused: Refused, field: str, code: str) -> None:
    """A limit or pattern that cannot be enforced is an error that names the field; no pattern is taken literally."""
    root = repo({"pipeline.yml": f"security: {{{field}}}"})
    (finding,) = refused(lambda: load_contract(root))
    assert finding.code == code
    assert field.partition(":")[0] in finding.message


def test_harmless_patterns_give_no_python_warnings(repo: Repo) -> None:
    """`[[` is a future warning of Python's; the person who runs a contract must not see it."""
    assert load_contract(repo({"pipeline.yml": "security: {denylist: ['[[a]']}"})).security.denylist == ("[[a]",)


def test_paths_that_stay_inside_are_accepted(repo: Repo) -> None:
    """A `..` that does not climb out is no escape, and dots in names are not `..`."""
    for path in (".", "a/../b", "..a/b..", "./x"):
        assert (
            load_contract(repo({"pipeline.yml": f"tests: {{cmd: a, workdir: {path}}}"})).stages[StageName.TESTS].workdir
            == path
        )


def test_a_missing_contract(repo: Repo) -> None:
    """It is told apart from a bad one; it names the file that was looked for and the directory, perhaps a wrong one."""
    root = repo({})
    with pytest.raises(ContractMissing) as caught:
        load_contract(root, "deep/pipeline.yml")
    assert caught.value.code == "contract_missing"
    assert str(root.resolve())[-30:] in str(caught.value)
    assert str(caught.value.where) == "deep/pipeline.yml"


def test_all_problems_come_in_file_order_and_not_without_end(repo: Repo, refused: Refused) -> None:
    """A file of nothing but mistakes gives fifty of them and says that there are more."""
    root = repo({"pipeline.yml": "".join(f"key{n}: 1\n" for n in range(2000))})
    findings = refused(lambda: load_contract(root))
    assert [found.where.line for found in findings[:-1]] == list(range(1, 51))
    assert findings[-1].code == "more_problems"


KEYS = [
    "version",
    "tests",
    "rollout",
    "evaluation",
    "deploy",
    "security",
    "cmds",
    "cmd",
    "run_cmd",
    "env",
    "workdir",
    "retries",
    "x",
    "<<",
]
VALUES = st.recursive(
    st.sampled_from(["1", "-1", "true", "''", "'a b'", "~", "/x", "../x", "1.5", ".nan", "[]", "{}", '"\\e[0m"']),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
        ),
    ),
    max_leaves=8,
)
FILES = st.one_of(
    st.binary(max_size=80),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5).map(
        lambda items: "".join(f"{key}: {value}\n" for key, value in items.items()).encode()
    ),
)


@given(data=FILES)
@settings(max_examples=250, deadline=None)
def test_any_bytes_load_or_are_refused_inside_the_file(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing but `ContractError` is raised; places are inside the file, messages without control characters."""
    root: Path = tmp_path_factory.mktemp("any")
    (root / "pipeline.yml").write_bytes(data)
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    findings: tuple[Finding, ...] = ()
    try:
        load_contract(root)
    except ContractError as error:
        findings = error.findings
    for finding in findings:
        assert str(finding).isprintable()
        assert finding.where is not None
        if finding.where.line is not None:
            assert finding.where.line <= len(lines)
            assert 1 <= (finding.where.column or 0) <= len(lines[finding.where.line - 1]) + 1
