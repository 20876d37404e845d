"""What a rollout may leave: B070, B071, B073 through the public API, on real stages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.runs.results import CallResult

Make = Callable[..., Any]
LINE = '{"prompt": "p", "completion": "c", "reward": 1}\n'
NOTED = """printf '{"paths": {"samples_jsonl": "%s"}}' "$P" > .aider_fsm/rollout.json"""


def codes(result: CallResult) -> list[str]:
    """The codes of what speaks against a result; every one of them has a place or a stage, and a hint."""
    bad = [finding for finding in result.findings if finding.verdict is not Verdict.PASSED]
    assert all(finding.hint for finding in bad), [str(finding) for finding in bad]
    return [finding.code for finding in bad]


@pytest.fixture
def roll(project: Make) -> Make:
    """`roll(data)` is the result of a rollout that leaves `data` as its samples."""

    def run(data: str | bytes, **keywords: object) -> CallResult:
        made = project(rollout={"run_cmds": [f"cp made s.jsonl; P=s.jsonl; {NOTED}"]})
        (made.root / "made").write_bytes(data if isinstance(data, bytes) else data.encode())
        result: CallResult = made.rollout(repair_iters=0, **{"require_samples": True, **keywords})
        return result

    return run


@pytest.mark.parametrize(
    "data",
    [
        LINE,
        LINE.strip(),
        LINE * 3 + "\n\n",
        LINE.replace("\n", "\r\n") * 2,
        "\ufeff" + LINE,
        LINE + "\n" + LINE,
        LINE.replace("1}", "-0.0}"),
        LINE.replace("1}", "-2.5e3}"),
        LINE.replace("1}", '1, "meta": {"a": [1, null]}}'),
        LINE.replace('"p"', '"\\ud800\\u0000"'),
        LINE.replace('"c"', '""') * 5 + LINE,
    ],
)
def test_honest_samples_pass(roll: Make, data: str) -> None:
    """B071: one valid line is enough; line ends, a byte order mark and blank lines are no offence."""
    result = roll(data)
    assert (result.verdict, codes(result)) == (Verdict.PASSED, [])
    assert result.rollout_path is not None
    assert len(list((result.run_dir / "claims/rollout").iterdir())) == 2


NONE_VALID = "samples_jsonl_has_no_valid_samples"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "samples_jsonl_empty"),
        ("\n \r\n", "samples_jsonl_empty"),
        ("garbage\n", NONE_VALID),
        ("[]\n", NONE_VALID),
        ("null\n", NONE_VALID),
        (f"[{LINE.strip()}]\n", NONE_VALID),
        (LINE.strip() * 2 + "\n", NONE_VALID),
        (LINE.replace("\n", "\r") * 2, NONE_VALID),
        (json.dumps(json.loads(LINE), indent=1), NONE_VALID),
        (LINE.encode("utf-16"), NONE_VALID),
        (b"\x1f\x8b\x08\x00", NONE_VALID),
        (LINE.replace("p", "\xff").encode("latin-1"), NONE_VALID),
        (LINE.replace("1}", "NaN}"), NONE_VALID),
        (LINE.replace("1}", "Infinity}"), NONE_VALID),
        (LINE.replace("1}", "1e400}"), NONE_VALID),
        (LINE.replace("1}", "1" + "0" * 400 + "}"), NONE_VALID),
        (LINE.replace("1}", "1" + "0" * 5000 + "}"), NONE_VALID),
        (LINE.replace("1}", "true}"), NONE_VALID),
        (LINE.replace("1}", '"1"}'), NONE_VALID),
        (LINE.replace("1}", "null}"), NONE_VALID),
        (LINE.replace("1}", "[1]}"), NONE_VALID),
        (LINE.replace("1}", '1, "reward": 0.9}'), NONE_VALID),
        (LINE.replace('"c"', "null"), NONE_VALID),
        (LINE.replace('"c"', '["c"]'), NONE_VALID),
        (LINE.replace('"p"', "[" * 950 + "]" * 950), NONE_VALID),
        (LINE.replace('"p"', "[" * 10_000 + "]" * 10_000), NONE_VALID),
        (LINE.replace("prompt", "Prompt"), NONE_VALID),
        (LINE.replace('"c"', '""') * 3, "samples_jsonl_all_empty_completions"),
        (LINE.replace('"c"', '" \\n\\u2028"'), "samples_jsonl_all_empty_completions"),
        (LINE * 9 + "garbage\n", "samples_bad_lines"),
        (LINE * 9 + LINE.replace("1}", "NaN}"), "samples_bad_lines"),
        (LINE + LINE.replace("1}", "true}") + LINE, "samples_bad_lines"),
        (LINE + LINE[:20], "samples_bad_lines"),
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_bad_samples_are_refused(roll: Make, data: str | bytes, code: str, required: bool) -> None:
    """B070, RT060: empty, unreadable, of wrong types or not finite; located, and refused even if not required."""
    result = roll(data, require_samples=required)
    assert (result.ok, result.failed_stage, codes(result)) == (False, "rollout", [code])
    assert result.findings[0].where.file == "s.jsonl"
    assert len(str(result.findings[0])) < 600
    published = (Path(result.artifacts_dir) / "rollout_contract_error.txt").read_text("utf-8")
    assert code in published


def test_bad_lines_are_counted_and_located(roll: Make) -> None:
    """The first bad line is the place; the message names the first ten and counts the rest."""
    result = roll(LINE * 2 + "x\n" + LINE + "[]\n" + "y\n" * 15)
    (finding,) = result.findings
    assert str(finding.where) == "s.jsonl:3"
    assert finding.message.startswith("17 of 20 lines are bad: line 3: not JSON")
    assert "line 5: an array, not an object" in finding.message
    assert finding.message.endswith("; and 7 more.")


ROLLOUTS: Mapping[str, tuple[str, list[str]]] = {
    "nothing written": ("true", ["missing_rollout_json"]),
    "empty": (": > .aider_fsm/rollout.json", ["json_empty"]),
    "list": ("echo [] > .aider_fsm/rollout.json", ["rollout_json_not_object"]),
    "broken": ("echo '{' > .aider_fsm/rollout.json", ["json_invalid"]),
    "NaN": ("""echo '{"t": NaN}' > .aider_fsm/rollout.json""", ["number_not_finite"]),
    "twice": ("""echo '{"ok": true, "ok": true}' > .aider_fsm/rollout.json""", ["duplicate_key"]),
    "no paths": ("echo '{}' > .aider_fsm/rollout.json", ["rollout_json_missing_paths"]),
    "paths is text": ("""echo '{"paths": "s.jsonl"}' > .aider_fsm/rollout.json""", ["rollout_json_missing_paths"]),
    "no samples path": (
        """echo '{"paths": {"samples": "s.jsonl"}}' > .aider_fsm/rollout.json""",
        ["rollout_json_missing_paths_samples_jsonl"],
    ),
    "fifo": ("mkfifo .aider_fsm/rollout.json", ["path_not_regular"]),
    "link out": ("ln -s ../../outside/rollout.json .aider_fsm/rollout.json", ["path_outside"]),
    "hard link": ("ln ../outside/rollout.json .aider_fsm/rollout.json", ["path_hard_linked"]),
    "samples missing": (f"P=nothing.jsonl; {NOTED}", ["samples_jsonl_not_found"]),
    "samples above": (f"P=../outside/s.jsonl; {NOTED}", ["path_outside"]),
    "samples above in disguise": (f"mkdir -p a; P=a/../../outside/s.jsonl; {NOTED}", ["path_outside"]),
    "samples absolute": (f"P=/etc/passwd; {NOTED}", ["path_outside"]),
    "samples URL": (f'cp good s.jsonl; P="file://$PWD/s.jsonl"; {NOTED}', ["samples_jsonl_not_found"]),
    "samples home": (f"cp good s.jsonl; P='~/s.jsonl'; {NOTED}", ["samples_jsonl_not_found"]),
    "samples link": (f"ln -s ../outside/s.jsonl s.jsonl; P=s.jsonl; {NOTED}", ["path_outside"]),
    "samples linked folder": (f"ln -s ../outside out; P=out/s.jsonl; {NOTED}", ["path_outside"]),
    "samples hard link": (f"ln ../outside/s.jsonl s.jsonl; P=s.jsonl; {NOTED}", ["path_hard_linked"]),
    "samples fifo": (f"mkfifo s.jsonl; P=s.jsonl; {NOTED}", ["path_not_regular"]),
    "samples folder": (f"mkdir s.jsonl; P=s.jsonl; {NOTED}", ["path_not_regular"]),
    "samples device": (f"P=/dev/zero; {NOTED}", ["path_outside"]),
    "committed samples": (f"P=good; {NOTED}", ["samples_stale"]),
    "samples of a former run": (f"P=old.jsonl; {NOTED}", ["samples_stale"]),
    "ok false": (
        """cp good s.jsonl; echo '{"ok": false, "paths": {"samples_jsonl": "s.jsonl"}}' > .aider_fsm/rollout.json""",
        ["rollout_ok_not_true"],
    ),
    "ok null": (
        """cp good s.jsonl; echo '{"ok": null, "paths": {"samples_jsonl": "s.jsonl"}}' > .aider_fsm/rollout.json""",
        ["rollout_ok_not_true"],
    ),
    "ok is text": (
        """cp good s.jsonl; echo '{"ok": "True", "paths": {"samples_jsonl": "s.jsonl"}}' > .aider_fsm/rollout.json""",
        ["rollout_ok_not_true"],
    ),
}


@pytest.mark.parametrize(("command", "expected"), ROLLOUTS.values(), ids=ROLLOUTS)
def test_rollout_json_must_be_true_to_the_contract(
    project: Make, monkeypatch: pytest.MonkeyPatch, command: str, expected: list[str]
) -> None:
    """B070: a distinct reason for each way to hand in nothing, something else, or something from elsewhere."""
    monkeypatch.setenv("RUNNER_ENV_SANDBOX", "none")  # so that what lies elsewhere is there
    made = project(rollout={"run_cmds": [command]}, files={"good": LINE, "old.jsonl": LINE})
    outside = made.root.parent / "outside"
    outside.mkdir()
    (outside / "s.jsonl").write_text(LINE)
    (outside / "rollout.json").write_text("{}")
    result = made.rollout(require_samples=True, repair_iters=0)
    assert (result.ok, result.failed_stage, codes(result)) == (False, "rollout", expected)
    assert result.duration_s < 10


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ('{"errors": 1, "samples": 1}', Verdict.UNSCORED),
        ('{"errors": 5, "samples": 3}', Verdict.UNSCORED),
        ('{"errors": 1, "samples": 2}', Verdict.PASSED),
        ('{"errors": 0, "samples": 1}', Verdict.PASSED),
    ],
)
def test_nothing_but_errors_is_no_rollout(project: Make, counts: str, verdict: Verdict) -> None:
    """B073: errors >= samples > 0 blames nobody, and does not pass."""
    document = f'{{"counts": {counts}, "paths": {{"samples_jsonl": "s.jsonl"}}}}'
    made = project(rollout={"run_cmds": [f"cp good s.jsonl; printf '{document}' > .aider_fsm/rollout.json"]})
    made.write({"good": LINE})
    result = made.rollout(require_samples=True, repair_iters=0)
    assert result.verdict is verdict
    assert codes(result) == ([] if result.ok else ["rollout_counts_all_errors"])


def test_samples_path_may_be_absolute_inside(project: Make) -> None:
    """B071: relative to the repository, or absolute and inside."""
    made = project(rollout={"run_cmds": [f'cp good s.jsonl; P="$PWD/s.jsonl"; {NOTED}']}, files={"good": LINE})
    assert made.rollout(require_samples=True).ok


def test_without_require_samples_a_rollout_may_leave_nothing(project: Make) -> None:
    """B070: rollout.json is needed only where samples are."""
    made = project(rollout={"run_cmds": ["true"]})
    assert made.rollout().ok
    assert codes(made.rollout(require_samples=True, repair_iters=0)) == ["missing_rollout_json"]


def test_stale_rollout_does_not_count(project: Make) -> None:
    """B067, Part II C: rollout.json and samples of a former run, and a rollout that does nothing."""
    document = {"ok": True, "paths": {"samples_jsonl": "s.jsonl"}}
    made = project(rollout={"run_cmds": ["true"]}, files={".aider_fsm/rollout.json": document, "s.jsonl": LINE})
    result = made.rollout(require_samples=True, repair_iters=0)
    assert (result.ok, codes(result)) == (False, ["missing_rollout_json"])


def test_samples_are_required_of_a_contract_without_rollout(project: Make, scored: Make) -> None:
    """Part II C, emptiness: what is not declared cannot be fulfilled."""
    result = project(tests={"cmds": ["true"]}, evaluation=scored()).rollout(require_samples=True, repair_iters=0)
    assert (result.ok, codes(result)) == (False, ["rollout_not_declared"])


@pytest.mark.slow
def test_one_gigabyte_without_a_line_end_takes_no_memory(project: Make) -> None:
    """RT062: a line of 1 GB (sparse) is refused with its number and the limit, in less than 150 MiB."""
    made = project(rollout={"run_cmds": [f"truncate -s 1G s.jsonl; P=s.jsonl; {NOTED}"]})
    program = (
        "import sys, runner_env\n"
        "with runner_env.setup(sys.argv[1]) as s: r = s.rollout('m', require_samples=True, repair_iters=0)\n"
        "print(r.ok, r.findings[0], int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]), sep='\\n')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, made.root], capture_output=True, text=True, timeout=60, check=True
    )
    ok, finding, rss_kib = done.stdout.splitlines()
    assert ok == "False"
    assert finding.startswith("s.jsonl:1: ")
    assert "line 1: longer than 8388608 bytes" in finding
    assert int(rss_kib) < 150 * 1024
