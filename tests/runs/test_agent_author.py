"""A session whose contract an agent writes or repairs, with a harness in this process that follows a script."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import runner_env
from runner_env.core import FailureKind, Usage, UsageSource, Verdict
from runner_env.errors import ContractMissing, ScaffoldFailed
from runner_env.reporting.records import load_record
from runner_env.reporting.terminal import render
from runner_env.runs.proof import check_proof
from runner_env.testing import FakeHarness, FakeTurn

CONTRACT = """\
version: 1
security: {max_cmd_seconds: 60}
evaluation:
  run_cmds: [sh .aider_fsm/stages/evaluation.sh]
  metrics_path: .aider_fsm/metrics.json
  required_keys: [ok, score]
"""
SCORES = """printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json\n"""
STAGE = ".aider_fsm/stages/evaluation.sh"
WHOLE = {"pipeline.yml": CONTRACT, STAGE: SCORES}
BROKEN = {"pipeline.yml": CONTRACT, STAGE: "echo out-of-luck; echo no-such-thing >&2; exit 3\n"}
MODULE = "agents_of_a_test"

Agents = Callable[..., FakeHarness]


@pytest.fixture
def agent() -> Iterator[Agents]:
    """`agent(*turns)`: the harness `agents_of_a_test:make` follows this script."""
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module

    def script(*turns: FakeTurn, **keywords: Any) -> FakeHarness:
        harness = FakeHarness(turns, **keywords)
        module.__dict__["make"] = lambda _: harness
        return harness

    yield script
    del sys.modules[MODULE]


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A repository without a contract that states nothing."""
    root = tmp_path / "stranger"
    root.mkdir()
    (root / "model.py").write_text("print('hello')\n", encoding="utf-8")
    return root


def setup(root: Path, **keywords: Any) -> runner_env.EnvSession:
    """Open it with the scripted agent."""
    return runner_env.setup(root, harness=f"{MODULE}:make", **keywords)


def write(root: Path, files: dict[str, str]) -> None:
    """Write files of a target."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def codes(result: Any) -> list[str]:
    """The codes of its findings, in order."""
    return [finding.code for finding in result.findings]


def tree(root: Path) -> dict[str, str]:
    """Every file of a target but what runs published."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and "artifacts" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in files}


def test_a_contract_written_on_the_second_turn_is_kept(stranger: Path, agent: Agents) -> None:
    """B110: the second prompt says what was wrong; it is kept once its run gave a score, provably."""
    usage = Usage(input_tokens=10, output_tokens=2, source=UsageSource.CLAIMED)
    harness = agent(FakeTurn(writes={"pipeline.yml": "version: 2\n"}, usage=usage), FakeTurn(writes=WHOLE, usage=usage))
    with setup(stranger) as session:
        assert len(harness.sent) == 2
        assert "version" in harness.sent[1].prompt
        result = session.evaluate("any")
    assert (result.ok, result.score) == (True, 0.5), codes(result)
    assert tree(stranger)["pipeline.yml"] == CONTRACT
    record = load_record(result.run_dir)
    (one,) = record.authoring
    assert (one.purpose, one.author, one.accepted, one.harness, one.after) == ("scaffold", "agent", True, "fake", "")
    assert [turn.usage.input_tokens for turn in one.turns] == [10, 10]
    assert one.turns[0].problems
    told = json.loads((result.run_dir / one.provenance).read_text("utf-8"))
    assert told["accepted"] is True
    assert told["written_by"]["runner"] == 0
    assert {file["path"]: file["author"] for file in told["files"]} == dict.fromkeys(WHOLE, "agent")
    assert check_proof(result.run_dir).ok
    assert "written by fake, 2 turns" in render(record)
    assert harness.closed


def test_attempts_that_all_fail_leave_nothing(stranger: Path, agent: Agents) -> None:
    """B112: the error is a RuntimeError with the reason; what was tried is published; the target is as it was."""
    before = tree(stranger)
    agent(*[FakeTurn("I cannot.", writes={"model.py": "evil"})] * 5)
    with pytest.raises(ScaffoldFailed, match=r"model\.py") as caught:
        setup(stranger)
    assert isinstance(caught.value, RuntimeError)
    assert caught.value.code == "scaffold_contract_failed"
    assert tree(stranger) == before
    (folder,) = (stranger / ".aider_fsm" / "artifacts").glob("*/scaffold")
    assert "model.py" in (folder / "scaffold_error.txt").read_text("utf-8")
    told = json.loads((folder / "scaffold_provenance.json").read_text("utf-8"))
    assert (told["accepted"], told["files"]) == (None, [])


def test_a_contract_whose_run_fails_is_written_anew(stranger: Path, agent: Agents) -> None:
    """The agent is told the failing command and both its outputs; each run says how its contract came to be."""
    harness = agent(FakeTurn(writes=BROKEN), FakeTurn(writes={STAGE: SCORES}))
    with setup(stranger) as session:
        result = session.evaluate("any")
    assert result.score == 0.5, codes(result)
    prompt = harness.sent[1].prompt
    assert "out-of-luck" in prompt
    assert "no-such-thing" in prompt
    assert STAGE in prompt
    first, second = load_record(result.run_dir).authoring
    assert (first.purpose, second.purpose, first.accepted, second.accepted) == ("scaffold", "scaffold", True, True)
    failed = load_record(result.run_dir.parent / second.after)
    assert failed.verdict is Verdict.FAILED
    assert failed.findings[0].code == "command_failed"
    assert "contract_changed_by_agent" in [finding.code for finding in failed.findings]
    assert check_proof(result.run_dir.parent / second.after).ok


def test_a_contract_that_never_gave_a_score_is_taken_away(stranger: Path, agent: Agents) -> None:
    """After `repair_iters` attempts the target is as it was found; the failure of the run stays first."""
    before = tree(stranger)
    harness = agent(FakeTurn(writes=BROKEN), *[FakeTurn(writes={STAGE: f"exit {n}\n"}) for n in (4, 5)])
    with setup(stranger) as session:
        result = session.evaluate("any", repair_iters=2)
        with pytest.raises(ContractMissing, match="not kept"):
            session.evaluate("any")
    assert (result.ok, codes(result)[0]) == (False, "command_failed")
    assert "contract_put_back" in codes(result)
    assert len(harness.sent) == 3
    assert tree(stranger) == before


def test_a_contract_that_was_kept_stays_kept(stranger: Path, agent: Agents) -> None:
    """A later run that fails says nothing about the run by which the contract was accepted."""
    agent(FakeTurn(writes={**WHOLE, STAGE: f"test ! -e broken && {SCORES}"}))
    with setup(stranger) as session:
        assert session.evaluate("any").ok
        (stranger / "broken").touch()
        result = session.evaluate("any", repair_iters=0)
    assert not result.ok
    assert [one.accepted for one in load_record(result.run_dir).authoring] == [True]
    assert (stranger / "pipeline.yml").exists()


def test_a_contract_that_was_not_evaluated_is_not_kept(stranger: Path, agent: Agents) -> None:
    """Opening a session, or rolling out alone, proves nothing."""
    agent(FakeTurn(writes={**WHOLE, "pipeline.yml": f"{CONTRACT}tests: {{cmds: ['true']}}\n"}))
    with setup(stranger) as session:
        assert (stranger / "pipeline.yml").exists()
        assert session.rollout("any").ok
        assert (stranger / "pipeline.yml").exists()
    assert not (stranger / "pipeline.yml").exists()
    assert not (stranger / STAGE).exists()


def test_a_failing_contract_is_repaired(stranger: Path, agent: Agents) -> None:
    """Files below .aider_fsm/ are changed; pipeline.yml stays that of its owners, whatever the agent writes there."""
    write(stranger, BROKEN)
    repair = {STAGE: SCORES, "pipeline.yml": "version: 1\n", "model.py": "evil", ".aider_fsm/metrics.json": "{}"}
    harness = agent(FakeTurn(writes=repair), FakeTurn("Nothing more."))
    with setup(stranger) as session:
        result = session.evaluate("any")
    assert result.score == 0.5, codes(result)
    assert tree(stranger)["pipeline.yml"] == CONTRACT
    assert tree(stranger)["model.py"] == "print('hello')\n"
    (one,) = load_record(result.run_dir).authoring
    assert (one.purpose, one.accepted, one.files) == ("repair", True, (STAGE,))
    assert set(one.turns[0].refused) == {"pipeline.yml", "model.py", ".aider_fsm/metrics.json"}
    assert harness.openings[0].writable == (".aider_fsm/**",)
    told = json.loads((result.run_dir / one.provenance).read_text("utf-8"))
    assert {file["path"]: file["author"] for file in told["files"]} == {"pipeline.yml": "repository", STAGE: "agent"}


def test_a_repair_that_did_not_help_is_undone(stranger: Path, agent: Agents) -> None:
    """The contract of its owners is put back to the letter."""
    write(stranger, BROKEN)
    before = tree(stranger)
    agent(FakeTurn(writes={STAGE: "exit 9\n", ".aider_fsm/help.sh": "true\n"}))
    with setup(stranger) as session:
        result = session.evaluate("any", repair_iters=1)
    assert not result.ok
    assert "contract_put_back" in codes(result)
    assert tree(stranger) == before


def test_a_rollout_is_repaired(stranger: Path, agent: Agents) -> None:
    """A rollout that fails is run again with the repaired contract, and evaluated in the same run afterwards."""
    rollout = "rollout: {run_cmds: [sh .aider_fsm/stages/rollout.sh]}\n"
    script = ".aider_fsm/stages/rollout.sh"
    write(stranger, {"pipeline.yml": CONTRACT + rollout, STAGE: SCORES, script: "exit 1\n"})
    agent(FakeTurn(writes={script: "true\n"}))
    with setup(stranger) as session:
        rolled = session.rollout("any")
        result = session.evaluate()
    assert rolled.ok
    assert (result.score, result.run_id) == (0.5, rolled.run_id)


def test_services_are_gone_before_an_agent_works(stranger: Path, agent: Agents) -> None:
    """The failed run is torn down first, and its services have ended."""
    deploy = "deploy: {setup_cmds: ['sleep 77 & echo $! > pid'], teardown_cmds: [touch torn-down]}\n"
    write(stranger, {**BROKEN, "pipeline.yml": CONTRACT + deploy, ".aider_fsm/runtime_env.json": "{}"})
    seen = []

    def look(_: Path) -> None:
        seen.append((stranger / "torn-down").exists())
        seen.append(Path("/proc", (stranger / "pid").read_text().strip()).exists())

    agent(FakeTurn(does=look), FakeTurn())
    with setup(stranger, sandbox="none") as session:
        session.evaluate("any", repair_iters=1)
    assert seen[:2] == [True, False]


@pytest.mark.parametrize("kind", [FailureKind.AUTH, FailureKind.RATE_LIMIT, FailureKind.TIMEOUT])
def test_trouble_of_the_agent_comes_after_the_failure(stranger: Path, agent: Agents, kind: FailureKind) -> None:
    """What the agent could not do is a note; the verdict is that of the run."""
    write(stranger, BROKEN)
    agent(*[FakeTurn(fails=kind, message="no luck")] * 3)
    with setup(stranger) as session:
        result = session.evaluate("any")
    assert (result.verdict, codes(result)[0]) == (Verdict.FAILED, "command_failed")
    note = next(finding for finding in result.findings if finding.code == f"agent_{kind}")
    assert note.verdict is Verdict.PASSED
    (one,) = load_record(result.run_dir).authoring
    assert (one.accepted, one.turns[0].failure) == (False, kind.value)


def test_without_repairs_no_agent_is_asked(stranger: Path, agent: Agents) -> None:
    """`repair_iters=0` starts nothing."""
    write(stranger, BROKEN)
    harness = agent()
    with setup(stranger) as session:
        result = session.evaluate("any", repair_iters=0)
    assert not harness.openings
    assert codes(result) == ["command_failed"]


def test_trouble_that_no_contract_can_end_is_not_repaired(stranger: Path, agent: Agents) -> None:
    """A model that cannot be reached is nobody's contract."""
    told = {"counts": {"samples": 2, "errors": 2}, "paths": {"samples_jsonl": "s.jsonl"}}
    line = {"prompt": "p", "completion": "", "reward": 0}
    script = (
        f"printf '%s\\n' '{json.dumps(line)}' > s.jsonl\nprintf '%s' '{json.dumps(told)}' > .aider_fsm/rollout.json\n"
    )
    rollout = "rollout: {run_cmds: [sh .aider_fsm/rollout.sh]}\n"
    write(stranger, {"pipeline.yml": CONTRACT + rollout, STAGE: SCORES, ".aider_fsm/rollout.sh": script})
    harness = agent()
    with setup(stranger) as session:
        result = session.rollout("any", require_samples=True)
    assert result.verdict is Verdict.UNSCORED, codes(result)
    assert not harness.openings


def test_rules_hand_over_to_an_agent(stranger: Path, agent: Agents) -> None:
    """`auto` tries rules first; if their contract gives no score, the agent is told how it failed."""
    readme = "# x\n\n## Testing\n\n```sh\nmake test\n```\n"
    makefile = "test:\n\tsh tests/run.sh\n"
    write(stranger, {"README.md": readme, "Makefile": makefile, "tests/run.sh": "echo nothing; exit 1\n"})
    harness = agent(FakeTurn(writes=WHOLE))
    with setup(stranger) as session:
        assert not harness.sent
        result = session.evaluate("any")
    assert result.score == 0.5, codes(result)
    assert "make test" in harness.sent[0].prompt
    (one,) = load_record(result.run_dir).authoring
    by_rules = load_record(result.run_dir.parent / one.after).authoring
    assert [(written.author, written.accepted) for written in by_rules] == [("rules", False)]


def test_the_target_must_stay_as_it_is_meanwhile(stranger: Path, agent: Agents) -> None:
    """An agent that got out of its copy fails the run, and nothing of it is taken over."""
    write(stranger, BROKEN)
    agent(FakeTurn(writes={STAGE: SCORES}, does=lambda _: (stranger / "model.py").write_text("evil")))
    with setup(stranger) as session:
        result = session.evaluate("any")
    assert result.verdict is Verdict.FAILED
    assert "agent_escaped" in codes(result)
    assert (stranger / STAGE).read_text("utf-8") == BROKEN[STAGE]


def test_secrets_are_not_kept(stranger: Path, agent: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an agent says of a secret is masked in all that is recorded."""
    monkeypatch.setenv("MY_API_KEY", "sk-CANARY-0123456789")
    write(stranger, BROKEN)
    agent(FakeTurn("The key is sk-CANARY-0123456789.", writes={STAGE: SCORES}))
    with setup(stranger) as session:
        result = session.evaluate("any")
    assert result.ok
    kept = [path for path in (stranger.parent / "home").rglob("*") if path.is_file()]
    held = [path for path in [*result.run_dir.parent.rglob("*"), *kept] if path.is_file()]
    assert not [path for path in held if b"sk-CANARY" in path.read_bytes()]


def test_no_agent_is_named_with_how_to_get_one(stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an agent program the failure stays first, and a note says what to install; `agent` is an error."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(ContractMissing, match="agent program"):
        runner_env.setup(stranger, scaffold="agent")
    write(stranger, BROKEN)
    with runner_env.setup(stranger) as session:
        result = session.evaluate("any")
    assert codes(result)[0] == "command_failed"
    note = next(finding for finding in result.findings if finding.code == "repair_unavailable")
    assert "opencode" in str(note.hint)
