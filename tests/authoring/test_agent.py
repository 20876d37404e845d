"""The conversation with an agent: what it is told, when it ends, and what comes of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runner_env.authoring.agent import write_contract
from runner_env.authoring.brief import Brief, FailedRun, Purpose
from runner_env.authoring.copy import AgentCopy
from runner_env.core import FailureKind, Finding, Usage
from runner_env.errors import HarnessError
from runner_env.testing import FakeHarness, FakeTurn

from .conftest import CONTRACT, PIPELINE, SCRIPT, SOURCES, Desk, listing, write


def test_a_contract_written_in_one_turn_is_proposed(desk: Desk, target: Path) -> None:
    """What the agent wrote comes back as bytes; the target itself is untouched."""
    authored = desk.ask(FakeTurn("Done.", writes=CONTRACT))
    assert authored.reason is None
    assert authored.proposal is not None
    assert {path: file.data.decode() for path, file in authored.proposal.files.items() if file} == CONTRACT
    assert listing(target) == SOURCES
    assert len(authored.attempts) == 1


def test_a_second_turn_is_told_what_was_wrong(desk: Desk) -> None:
    """B110: an agent that writes a valid contract on its second call is asked twice, with the problems of the first."""
    authored = desk.ask(FakeTurn(writes={"pipeline.yml": "version: 1\n"}), FakeTurn(writes=CONTRACT))
    assert authored.proposal is not None
    assert [len(log.problems) > 0 for log in authored.attempts] == [True, False]
    assert "max_cmd_seconds" in desk.prompts[1]
    assert "evaluation_missing" in desk.prompts[1]


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (FakeTurn(""), "changed no file"),
        (FakeTurn("I am going to write a contract."), "changed no file"),
        (FakeTurn("Here it is:\n```yaml\nversion: 1\n```"), "wrote none"),
        (FakeTurn("Done.", writes={".aider_fsm/stages/evaluation.sh": "if true; then\n"}), "cannot be run yet"),
    ],
    ids=["nothing", "talk", "shows", "half"],
)
def test_a_lazy_agent_is_told_just_that(desk: Desk, turn: FakeTurn, told: str) -> None:
    """Doing nothing, talking, showing files in the answer and writing half of them are told apart."""
    authored = desk.ask(turn, FakeTurn(writes=CONTRACT))
    assert authored.proposal is not None
    assert told in desk.prompts[1]


def test_an_agent_that_stays_lazy_is_given_up(desk: Desk) -> None:
    """B112: after its attempts there is no proposal, and a reason."""
    authored = desk.ask(*[FakeTurn("Later.")] * 3, attempts=3)
    assert authored.proposal is None
    assert authored.reason is not None
    assert (authored.reason.code, len(authored.attempts)) == ("agent_did_nothing", 3)
    assert "Later." in authored.reason.message


def test_a_contract_that_stays_wrong_is_not_proposed(desk: Desk) -> None:
    """What cannot be run is no proposal; the reason names what is wrong."""
    authored = desk.ask(*[FakeTurn(writes={"pipeline.yml": "version: 2\n"})] * 2, attempts=2)
    assert authored.proposal is None
    assert authored.reason is not None
    assert authored.reason.code == "agent_incomplete"


def test_refused_paths_go_back_to_the_agent(desk: Desk) -> None:
    """A contract that is fit to be run is still talked about where something was refused, once."""
    bad = {**CONTRACT, "tests/test_app.py": "def test_x(): pass\n"}
    authored = desk.ask(FakeTurn(writes=bad), FakeTurn("It does not need them."))
    assert authored.proposal is not None
    assert "tests/test_app.py" in desk.prompts[1]
    assert "tests/test_app.py" not in authored.proposal.files
    assert [one.path for one in authored.proposal.refused] == ["tests/test_app.py"]


def test_what_tools_leave_behind_needs_no_second_turn(desk: Desk) -> None:
    """Caches, packages and the agent program's own folders are thrown away without a word."""
    junk = {"node_modules/a/index.js": "", "src/__pycache__/app.pyc": "", ".opencode/x": "", ".aider_fsm/venv/x": ""}
    authored = desk.ask(FakeTurn(writes={**CONTRACT, **junk}))
    assert authored.proposal is not None
    assert set(authored.proposal.files) == set(CONTRACT)


def test_a_repair_has_three_turns_at_most(desk: Desk, target: Path) -> None:
    """However many attempts are allowed."""
    write(target, CONTRACT)
    turns = [FakeTurn(writes={".aider_fsm/stages/evaluation.sh": f"if {number}\n"}) for number in range(9)]
    authored = desk.ask(*turns, purpose=Purpose.REPAIR, attempts=9)
    assert (authored.proposal, len(authored.attempts)) == (None, 3)


def test_a_repair_that_twice_finds_nothing_to_do_ends(desk: Desk, target: Path) -> None:
    """The cause may lie elsewhere; what the agent said about it is in the reason."""
    write(target, CONTRACT)
    authored = desk.ask(*[FakeTurn("The network is down.")] * 2, purpose=Purpose.REPAIR, attempts=5)
    assert authored.reason is not None
    assert "The network is down." in authored.reason.message
    assert len(authored.attempts) == 2


def test_a_repair_changes_no_pipeline(desk: Desk, target: Path) -> None:
    """B127: a repair may write below .aider_fsm/ only."""
    write(target, CONTRACT)
    files = {"pipeline.yml": PIPELINE.replace("60", "90"), ".aider_fsm/stages/evaluation.sh": SCRIPT + "# better\n"}
    authored = desk.ask(FakeTurn(writes=files), FakeTurn("Fine without."), purpose=Purpose.REPAIR)
    assert authored.proposal is not None
    assert list(authored.proposal.files) == [".aider_fsm/stages/evaluation.sh"]
    assert authored.refused[0].code == "pipeline"


@pytest.mark.parametrize("kind", [FailureKind.AUTH, FailureKind.QUOTA, FailureKind.MODEL_NOT_FOUND, FailureKind.SPAWN])
def test_a_hopeless_failure_ends_it_at_once(desk: Desk, kind: FailureKind) -> None:
    """A second turn would fail the same way."""
    authored = desk.ask(FakeTurn(fails=kind))
    assert authored.reason is not None
    assert (authored.reason.code, len(authored.attempts)) == (f"agent_{kind}", 1)
    assert authored.attempts[0].failure_kind is kind


def test_a_missing_program_is_a_reason_with_its_hint(desk: Desk) -> None:
    """How to install it reaches the user."""
    error = HarnessError(FailureKind.SPAWN, "opencode was not found.", harness="opencode", hint="npm install it")
    authored = desk.ask(harness=FakeHarness([], unavailable=error))
    assert authored.reason is not None
    assert (authored.reason.code, authored.reason.hint) == ("agent_spawn", "npm install it")


def test_after_a_broken_turn_a_new_conversation_begins(desk: Desk) -> None:
    """It is told the whole task, and that the turn before broke off."""
    authored = desk.ask(FakeTurn(fails=FailureKind.PROTOCOL, message="cut stream"), FakeTurn(writes=CONTRACT))
    assert authored.proposal is not None
    assert desk.harness is not None
    assert len(desk.harness.openings) == 2
    assert "cut stream" in desk.prompts[1]
    assert "pipeline.yml, version 1" in desk.prompts[1]


def test_two_broken_turns_are_enough(desk: Desk) -> None:
    """The harness has repeated what was worth repeating."""
    authored = desk.ask(*[FakeTurn(fails=FailureKind.TIMEOUT)] * 5)
    assert len(authored.attempts) == 2
    assert authored.reason is not None
    assert authored.reason.code == "agent_timeout"


def test_what_was_finished_before_a_failure_counts(desk: Desk) -> None:
    """A turn that wrote a whole contract and then timed out has written it; running it is what decides."""
    authored = desk.ask(FakeTurn(writes=CONTRACT, fails=FailureKind.TIMEOUT))
    assert authored.proposal is not None
    assert authored.attempts[0].failure_kind is FailureKind.TIMEOUT


def test_the_target_is_watched(desk: Desk, target: Path) -> None:
    """An agent that got out of its copy has no proposal; the reason names what it touched."""

    def escape(_: Path) -> None:
        (target / "tests/test_app.py").write_text("")

    authored = desk.ask(FakeTurn(writes=CONTRACT, does=escape))
    assert authored.proposal is None
    assert authored.reason is not None
    assert authored.reason.code == "agent_escaped"
    assert "tests/test_app.py" in authored.reason.message


def test_everything_is_recorded_before_it_counts(desk: Desk) -> None:
    """Prompt, events, answer, files and refusals, in the order in which they came."""
    desk.ask(FakeTurn("Done.", writes={**CONTRACT, "src/app.py": "x = 2\n"}), FakeTurn("ok"))
    first = [(one.kind, one.name) for one in desk.recorded if one.attempt == 1]
    assert first[0] == ("prompt", "")
    assert ("event", "write") in first
    assert first.index(("reply", "")) < first.index(("file", "pipeline.yml"))
    assert ("refused", "src/app.py") in first
    assert desk.recorded[0].text == desk.prompts[0]


def test_usage_of_all_turns_is_summed(desk: Desk) -> None:
    """Also that of a turn that failed."""
    turns = (FakeTurn(usage=Usage(10, 5), fails=FailureKind.OTHER), FakeTurn(usage=Usage(1, 2), writes=CONTRACT))
    authored = desk.ask(*turns)
    assert (authored.usage.input_tokens, authored.usage.output_tokens) == (11 if turns[0].usage else 1, 7)


def test_terms_reach_the_harness(desk: Desk) -> None:
    """Model, shell and what may be written; the directory is the root of a git repository of its own."""
    roots = []
    desk.ask(FakeTurn(writes=CONTRACT, does=lambda root: roots.append((root / ".git").is_dir())), model="m", shell=True)
    assert desk.harness is not None
    opening = desk.harness.openings[0]
    assert (opening.model, opening.shell, opening.writable) == ("m", True, ("pipeline.yml", ".aider_fsm/**"))
    assert roots == [True]


def test_the_failed_run_is_told(desk: Desk, target: Path) -> None:
    """Stage, command, exit code, both streams and the findings."""
    write(target, CONTRACT)
    failed = FailedRun("evaluation", "make check", 2, "exited", "to stdout", "to stderr", (Finding("oh", "It broke."),))
    fix = FakeTurn(writes={".aider_fsm/stages/evaluation.sh": SCRIPT + "#\n"})
    desk.ask(fix, purpose=Purpose.REPAIR, brief={"failed": failed})
    for text in ("evaluation", "make check", "exit code 2", "to stdout", "to stderr", "It broke.", "[oh]"):
        assert text in desk.prompts[0]


def test_a_cancelled_task_ends_the_session(desk: Desk) -> None:
    """And nothing of the copy stays."""
    harness = FakeHarness([FakeTurn(delay_s=60)])

    async def scenario() -> None:
        with AgentCopy.make(desk.target, desk.copies) as copy:
            brief = Brief(Purpose.SCAFFOLD)
            work = write_contract(harness, brief, copy, desk.target, record=lambda _: None)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(work, 2)

    asyncio.run(asyncio.wait_for(scenario(), 20))
    assert len(harness.sent) == 1
    assert list(desk.copies.iterdir()) == []
