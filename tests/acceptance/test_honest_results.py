"""Part II C of the specification: what the predecessor let pass is refused, and what it refused wrongly passes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner_env.contract import lint
from runner_env.core import Verdict
from runner_env.errors import ContractError
from runner_env.runs.results import CallResult

Make = Callable[..., Any]
METRICS = ".aider_fsm/metrics.json"
SCORE = f"""printf '{{"ok": true, "score": 0.5}}' > {METRICS}"""
EARLIER = '{"ok": true, "score": 0.77}'


def codes(result: CallResult) -> list[str]:
    """The codes of what speaks against a result; every one of them says what to do."""
    bad = [finding for finding in result.findings if finding.verdict is not Verdict.PASSED]
    assert all(finding.hint for finding in bad), [str(finding) for finding in bad]
    return [finding.code for finding in bad]


EMPTY: Mapping[str, tuple[str, str]] = {
    "version alone": ("version: 1\n", "nothing_ran"),
    "empty mapping": ("{}\n", "nothing_ran"),
    "null sections": ("version: 1\nevaluation:\nrollout:\n", "nothing_ran"),
    "empty sections": ("evaluation: {}\nbenchmark: {}\n", "nothing_ran"),
    "empty lists": ("evaluation: {run_cmds: [], metrics_path: m.json}\n", "nothing_ran"),
    "metrics without commands": ("evaluation: {metrics_path: m.json, required_keys: [ok, score]}\n", "nothing_ran"),
    "only teardown": ("deploy: {teardown_cmds: ['true']}\n", "nothing_ran"),
    "only limits": ("security: {mode: safe}\n", "nothing_ran"),
    "no evaluation": ("tests: {cmds: ['true']}\nrollout: {run_cmds: ['true']}\n", "evaluation_not_declared"),
    "null evaluation": ("tests: {cmds: ['true']}\nevaluation:\n", "evaluation_not_declared"),
    "metrics alone": ("tests: {cmd: 'true'}\nevaluation: {metrics_path: m}\n", "evaluation_not_declared"),
    "no metrics_path": ("evaluation: {run_cmds: ['true']}\n", "metrics_not_declared"),
    "null metrics_path": ("evaluation: {run_cmds: ['true'], metrics_path: null}\n", "metrics_not_declared"),
    "keys without path": ("evaluation: {run_cmds: ['true'], required_keys: [score]}\n", "metrics_not_declared"),
}


@pytest.mark.parametrize(("contract", "code"), EMPTY.values(), ids=EMPTY)
def test_nothing_is_never_a_pass(project: Make, contract: str, code: str) -> None:
    """Part II C, emptiness: where nothing was evaluated or scored, the run is unscored; `check` says so beforehand."""
    made = project(pipeline=contract)
    result = made.evaluate(repair_iters=0)
    assert (result.verdict, result.score, codes(result)) == (Verdict.UNSCORED, None, [code])
    advice = {finding.code for finding in lint(made.root) if finding.verdict is not Verdict.PASSED}
    assert advice & {"nothing_to_run", "no_metrics", "evaluation_not_declared"}


@pytest.mark.parametrize(
    "contract", ["version: 1\n", "tests: {cmds: ['true']}\n", "evaluation: {metrics_path: m.json}\n"]
)
def test_evaluate_without_an_evaluation_is_no_pass_even_unscored(project: Make, contract: str) -> None:
    """Part II C, emptiness: require_metrics=False asks for no score, but an evaluation must run all the same."""
    result = project(pipeline=contract).evaluate(require_metrics=False, repair_iters=0)
    assert result.verdict is Verdict.UNSCORED


@pytest.mark.parametrize("contract", ["version: 1\n", "version: 1\nevaluation: {run_cmds: ['true']}\n"])
def test_rollout_of_nothing_is_no_pass(project: Make, contract: str) -> None:
    """Part II C: `version: 1` only gave a rollout that was ok."""
    result = project(pipeline=contract).rollout(repair_iters=0)
    assert (result.verdict, codes(result)) == (Verdict.UNSCORED, ["nothing_ran"])


TYPOS: Mapping[str, tuple[str, str, str]] = {
    "evalution": (f"evalution: {{run_cmds: ['{'true'}']}}\n", "1:1", "evaluation"),
    "runcmds": ("evaluation: {runcmds: ['true']}\n", "1:14", "run_cmds"),
    "metric_path": ("evaluation: {run_cmds: ['true'], metric_path: m.json}\n", "1:34", "metrics_path"),
    "require_keys": ("evaluation: {run_cmds: ['true'], require_keys: [ok]}\n", "1:34", "required_keys"),
    "Evaluation": ("Evaluation: {run_cmds: ['true']}\n", "1:1", "evaluation"),
    "evaluation with a blank": ("'evaluation ': {run_cmds: ['true']}\n", "1:1", "evaluation"),
    "test": ("test: {cmds: ['true']}\n", "1:1", "tests"),
    "timeout": ("tests: {cmds: ['true'], timeout_second: 3}\n", "1:25", "timeout_seconds"),
    "retry": ("tests: {cmds: ['true'], retry: 3}\n", "1:25", "retries"),
    "max_cmd_second": ("security: {max_cmd_second: 3}\n", "1:12", "max_cmd_seconds"),
    "teardown": ("deploy: {teardown_polcy: never}\n", "1:10", "teardown_policy"),
    "sandbox": ("security: {sandboxx: none}\n", "1:12", "sandbox"),
    "kubectl": ("deploy: {kubectl_dump: {enable: true}}\n", "1:25", "enabled"),
    "zero-width": ("\u200bevaluation: {run_cmds: ['true']}\n", "1:1", "evaluation"),
    "cyrillic": ("evaluati\u043en: {run_cmds: ['true']}\n", "1:1", "evaluation"),
}


@pytest.mark.parametrize(("contract", "place", "meant"), TYPOS.values(), ids=TYPOS)
def test_typo_is_an_error_with_the_key_that_was_meant(project: Make, contract: str, place: str, meant: str) -> None:
    """B025, Part II C, typos: at every level, with line, column and the nearest valid key; nothing runs."""
    with pytest.raises(ContractError) as caught:
        project(pipeline=contract).setup()
    (finding,) = caught.value.findings
    assert (finding.code, str(finding.where)) == ("unknown_key", f"pipeline.yml:{place}")
    assert f"`{meant}`" in finding.hint


STALE: Mapping[str, str] = {
    "a stage that does nothing": "true",
    "a stage that reads it": f"cat {METRICS} || true",
    "a stage that touches another": f"touch other; ls {METRICS} || true",
    "a stage that fails quietly": "python3 -c 'raise SystemExit(1)' || true",
    "a stage that writes elsewhere": f"""printf '{EARLIER}' > metrics.json""",
    "a stage that would update it": f"test -f {METRICS} && sed -i s/0.77/0.9/ {METRICS} || true",
}


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("command", STALE.values(), ids=STALE)
def test_metrics_of_an_earlier_run_do_not_count(project: Make, scored: Make, command: str, committed: bool) -> None:
    """B067, RT040, Part II C, staleness: an old file, committed or not, is no score; a committed one comes back."""
    made = project(evaluation=scored(command), files={METRICS: EARLIER})
    os.utime(made.root / METRICS, (4e9, 4e9))
    if committed:
        made.commit()
    result = made.evaluate(repair_iters=0)
    assert (result.ok, result.failed_stage, codes(result)) == (False, "metrics", ["metrics_missing"])
    assert made.exists(METRICS) is committed
    if committed:
        assert made.read(METRICS) == EARLIER
    (kept,) = (result.run_dir / "previous").rglob("metrics.json")
    assert kept.read_text() == EARLIER


@pytest.mark.parametrize("stage", ["tests", "rollout"])
def test_metrics_made_before_the_evaluation_do_not_count(project: Make, scored: Make, stage: str) -> None:
    """B067: they must be written by the evaluation, not by a stage before it."""
    commands = {"tests": "cmds", "rollout": "run_cmds"}
    made = project(**{stage: {commands[stage]: [SCORE]}}, evaluation=scored("true"))
    result = made.evaluate(repair_iters=0)
    assert (result.ok, codes(result)) == (False, ["metrics_missing"])


def test_second_evaluation_needs_a_second_score(project: Make, scored: Make) -> None:
    """B067: within one session too."""
    made = project(evaluation=scored(f"test -e once || {{ touch once; {SCORE}; }}"))
    with made.setup() as session:
        assert session.evaluate("m").score == 0.5
        again = session.evaluate("m", repair_iters=0)
    assert (again.ok, again.metrics, codes(again)) == (False, None, ["metrics_missing"])


def test_metrics_before_a_failing_command_do_not_count(project: Make, scored: Make) -> None:
    """A score and then a failure is a failure."""
    result = project(evaluation=scored(f"{SCORE}; exit 3")).evaluate(repair_iters=0)
    assert (result.ok, result.failed_stage, result.metrics) == (False, "evaluation", None)


def test_benchmark_cannot_take_over_the_evaluation_metrics(project: Make, scored: Make) -> None:
    """B067: with one metrics_path for both, each must write its own."""
    result = project(evaluation=scored(), benchmark=scored("true")).evaluate(repair_iters=0)
    assert (result.ok, codes(result)) == (False, ["metrics_missing"])


PATHS: Mapping[str, str] = {
    "absolute": "/tmp/m.json",
    "device": "/dev/stdin",
    "process": "/proc/self/environ",
    "above": "../m.json",
    "above in disguise": "a/b/../../../m.json",
    "home": "~/m.json",
    "windows": "..\\m.json",
    "empty": "",
    "blank": " ",
    "folder": ".",
    "folder with a slash": ".aider_fsm/",
    "line break": "a\nb",
    "git": ".git/config",
    "git in disguise": "./.GIT//HEAD",
    "contract": "pipeline.yml",
    "bootstrap": ".aider_fsm/bootstrap.yml",
}


@pytest.mark.parametrize("section", ["evaluation", "benchmark"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_metrics_path_stays_inside(project: Make, section: str, path: str) -> None:
    """RT018, Part II C, paths: what cannot be a result of this repository is an error of the contract, with place."""
    made = project(**{section: {"run_cmds": ["true"], "metrics_path": path}})
    with pytest.raises(ContractError) as caught:
        made.setup()
    (finding,) = caught.value.findings
    assert finding.code in {"path_escapes", "bad_path"}
    assert finding.where.line == 1
    assert finding.where.column > 1
    assert finding.hint


def _outside(made: Any) -> Path:
    outside = Path(made.root.parent, "outside")
    outside.mkdir()
    (outside / "m.json").write_text(EARLIER)
    return outside


@pytest.mark.parametrize("path", ["out/m.json", "in/out/m.json", "m.json"])
@pytest.mark.parametrize("when", ["committed", "made by the stage"])
def test_metrics_behind_a_link_that_leaves_do_not_count(project: Make, scored: Make, path: str, when: str) -> None:
    """Part II C, paths: a linked folder or file, there before or planted by the stage; the outside stays as it was."""
    made = project(evaluation=scored("true", metrics_path=path))
    outside = _outside(made)
    (made.root / "in").mkdir()
    for link, target in (("out", outside), ("in/out", outside), ("m.json", outside / "m.json")):
        (made.root / link).symlink_to(target)
    if when == "made by the stage":
        links = {link: (made.root / link).readlink() for link in ("out", "in/out", "m.json")}
        for link in links:
            (made.root / link).unlink()
        plant = "; ".join(f"ln -s {target} {link}" for link, target in links.items())
        made.write({"pipeline.yml": {"evaluation": scored(f"{plant}; touch out/m.json || true", metrics_path=path)}})
    result = made.evaluate(repair_iters=0)
    assert (result.ok, result.failed_stage) == (False, "metrics")
    assert codes(result) in (["path_outside"], ["metrics_missing"])
    assert [(file.name, file.read_text()) for file in outside.iterdir()] == [("m.json", EARLIER)]


def test_old_metrics_behind_a_link_cannot_take_the_repository_away(project: Make, scored: Make) -> None:
    """Nothing is lost: a link in place of metrics does not make git's or the contract's files go."""
    made = project(evaluation=scored("true"))
    made.write({"README": "hello"})
    made.commit()
    for target in ("../.git/HEAD", "../pipeline.yml"):
        (made.root / METRICS).symlink_to(target)
        result = made.evaluate(repair_iters=0)
        assert (result.ok, codes(result)) == (False, ["metrics_stale"])
        assert (made.root / ".aider_fsm" / target).read_text()
        (made.root / METRICS).unlink()
    assert made.git("status", "--porcelain", "--untracked-files=no") == ""


README = """# A benchmark

Run the official tests:

```bash
pytest -q
```

```bash
./run_eval_benchmark.sh
```
"""


def test_human_evaluation_beside_a_pytest_readme_passes(project: Make, scored: Make) -> None:
    """Part II C, false refusals: a contract with an evaluation of its own needs no hint to be used."""
    made = project(evaluation=scored("sh score.sh"), files={"README.md": README, "score.sh": SCORE})
    made.write({"run_eval_benchmark.sh": "exit 0", "test_it.py": "def test_it(): pass\n"})
    result = made.evaluate()
    assert (result.verdict, result.score, codes(result)) == (Verdict.PASSED, 0.5, [])


def test_official_script_without_an_anchor_passes(project: Make, scored: Make) -> None:
    """Part II C, false refusals: README with ./run_eval_benchmark.sh, which the contract runs."""
    made = project(evaluation=scored("./run_eval_benchmark.sh"), files={"README.md": README})
    made.write({"run_eval_benchmark.sh": f"#!/bin/sh\n{SCORE}\n"})
    (made.root / "run_eval_benchmark.sh").chmod(0o755)
    result = made.evaluate()
    assert (result.verdict, result.score, codes(result)) == (Verdict.PASSED, 0.5, [])


@pytest.mark.parametrize("place", ["pipeline.yml", ".aider_fsm/stages/evaluation.sh"])
def test_program_over_several_lines_passes(project: Make, scored: Make, place: str) -> None:
    """Part II C, false refusals: `python -c` with the program on the following lines."""
    program = f"""python3 -c "
import json
right = sum(n % 2 == 0 for n in range(10))
with open('{METRICS}', 'w') as file:
    json.dump(dict(ok=True, score=right / 10), file)
"
"""
    made = project(evaluation=scored(program if place == "pipeline.yml" else f"bash {place}"))
    if place != "pipeline.yml":
        made.write({place: program})
    result = made.evaluate()
    assert (result.verdict, result.score, codes(result)) == (Verdict.PASSED, 0.5, [])


def test_complete_repository_scores_what_its_command_prints(project: Make, scored: Make) -> None:
    """B012 without hints: a real count of real tests becomes the score."""
    program = (
        "import json, subprocess, sys\n"
        "from xml.etree import ElementTree as tree\n"
        "subprocess.run([sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--junitxml=junit.xml'])\n"
        "suite = tree.parse('junit.xml').getroot().find('testsuite')\n"
        "total, bad = int(suite.get('tests')), int(suite.get('failures')) + int(suite.get('errors'))\n"
        f"json.dump(dict(ok=True, score=(total - bad) / total), open('{METRICS}', 'w'))\n"
    )
    tests = "".join(f"def test_{n}(): assert {n} == 0\n" for n in range(5))
    made = project(evaluation=scored(f'"{sys.executable}" score.py'), files={"score.py": program, "test_it.py": tests})
    result = made.evaluate()
    assert (result.score, result.metrics) == (0.2, {"ok": True, "score": 0.2})


def test_full_sample_contract_runs_whole(project: Make) -> None:
    """B020, B026: every documented key at once, through setup() and a run; values reach the stages as text."""
    seen = 'printf "%s|%s|%s|%s" "$TEXT" "$NUMBER" "$YES" "$NOTHING" > seen'
    text = f"""
version: 1
security:
  mode: safe
  allowlist: ['.']
  denylist: [forbidden]
  max_cmd_seconds: 60
  max_total_seconds: 120
  secrets: [FAKE_API_KEY]
auth:
  steps: ['touch auth']
  interactive: false
tests:
  cmds:
    - {json.dumps(seen)}
    - test "$(basename "$PWD")" = sub
  env: {{TEXT: a b, NUMBER: 1.10, YES: true, NOTHING: null}}
  retries: 1
  timeout_seconds: 30
  workdir: sub
deploy:
  setup_cmds: ["echo '{{}}' > .aider_fsm/runtime_env.json"]
  health_cmd: 'true'
  teardown_cmds: [touch torn-down]
  teardown_policy: on_success
  kubectl_dump: {{enabled: false, namespace: n, label_selector: a=b, include_logs: true}}
  retries: 2
rollout:
  run_cmd: 'true'
evaluation:
  run_cmds: [{json.dumps(SCORE)}]
  metrics_path: {METRICS}
  required_keys: [ok, score]
  score_range: [0, 1]
benchmark:
  cmds: ["echo '{{}}' > b.json"]
  metrics_path: b.json
artifacts:
  out_dir: out
tooling:
  ensure_tools: true
  ensure_kind_cluster: false
  kind_cluster_name: kind
  kind_config: null
"""
    made = project(pipeline=text)
    (made.root / "sub").mkdir()
    result = made.evaluate()
    assert (result.verdict, result.score) == (Verdict.PASSED, 0.5)
    assert [item.stage for item in result.plan if item.status == "run"] == [
        "auth",
        "tests",
        "deploy_setup",
        "deploy_health",
        "rollout",
        "evaluation",
        "benchmark",
        "deploy_teardown",
    ]
    assert made.read("sub/seen") == "a b|1.10|True|"
    assert {finding.code for finding in result.findings} == {"deprecated_key", "secret_not_granted"}


def test_results_of_a_refused_run_are_all_there(project: Make, scored: Make) -> None:
    """B063: the reason is in the returned object, the record and the published copy; earlier evidence is untouched."""
    made = project(evaluation=scored("""printf '{"ok": false, "score": 0.9}' > .aider_fsm/metrics.json"""))
    first = made.evaluate(repair_iters=0)
    before = {file: file.read_bytes() for file in first.run_dir.rglob("*") if file.is_file()}
    second = made.evaluate(repair_iters=0)
    assert codes(first) == codes(second) == ["metrics_ok_not_true"]
    assert first.metrics == {"ok": False, "score": 0.9}
    assert first.score is None
    record = json.loads((first.run_dir / "record.json").read_bytes())
    assert (record["verdict"], record["findings"][0]["code"]) == ("failed", "metrics_ok_not_true")
    assert (Path(first.artifacts_dir) / "metrics_contract_error.txt").exists()
    assert before == {file: file.read_bytes() for file in before}
