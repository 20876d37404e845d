"""A contract by rules on trial: written, run, kept only with a score."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

import runner_env
from runner_env.errors import ContractMissing

MAKEFILE = "test:\n\tsh tests/run.sh\n"
GOOD = "printf 'TAP version 13\\n1..2\\nok 1 - a\\nnot ok 2 - b\\n'; exit 1\n"


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A repository that has never heard of us: its README says `make test`."""
    root = tmp_path / "stranger"
    (root / "tests").mkdir(parents=True)
    (root / "README.md").write_text("# stranger\n\n## Testing\n\n```sh\nmake test\n```\n", encoding="utf-8")
    (root / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    (root / "tests" / "run.sh").write_text(GOOD, encoding="utf-8")
    return root


def test_a_contract_that_gave_a_score_is_kept(stranger: Path) -> None:
    """The share of passed tests is the score; the contract stays; its provenance says who wrote it."""
    with runner_env.setup(stranger) as session:
        result = session.evaluate("any")
    assert (result.ok, result.score) == (True, 0.5), [str(finding) for finding in result.findings]
    assert "hint: make test" in (stranger / "pipeline.yml").read_text("utf-8")
    record = json.loads((result.run_dir / "authoring" / "01_scaffold_provenance.json").read_text("utf-8"))
    assert (record["author"], record["accepted"]) == ("rules", True)
    assert {one["path"] for one in record["files"]} >= {"pipeline.yml"}
    assert (result.artifacts_dir / "scaffold_provenance.json").exists()
    with runner_env.setup(stranger, scaffold="off") as session:
        assert session.evaluate("any").score == 0.5


def test_a_contract_without_a_score_is_taken_away(stranger: Path) -> None:
    """B112: nothing of a proposal that did not do stays behind, and the result says so."""
    (stranger / "tests" / "run.sh").write_text("echo nothing to see; exit 1\n", encoding="utf-8")
    with runner_env.setup(stranger) as session:
        result = session.evaluate("any")
    assert not result.ok
    assert result.score is None
    assert "scaffold_not_accepted" in [finding.code for finding in result.findings]
    assert not (stranger / "pipeline.yml").exists()
    assert not (stranger / ".aider_fsm" / "bootstrap.yml").exists()
    record = json.loads((result.run_dir / "authoring" / "01_scaffold_provenance.json").read_text("utf-8"))
    assert record["accepted"] is False


def test_a_score_of_which_nothing_passed_is_none(stranger: Path) -> None:
    """A runner that only says that there are no tests, or a machine that can run none, says nothing about them."""
    text = "printf 'TAP version 13\\nnot ok 1 - no tests specified\\n1..1\\n'; exit 1\n"
    (stranger / "tests" / "run.sh").write_text(text, encoding="utf-8")
    with runner_env.setup(stranger) as session:
        result = session.evaluate("any")
    assert (result.ok, result.score) == (False, None)
    assert "environment_incomplete" in [finding.code for finding in result.findings]
    assert not (stranger / "pipeline.yml").exists()


def test_a_score_without_a_library_of_perl_is_none(stranger: Path) -> None:
    """Tests that could not begin for want of a library are no failures of the repository."""
    text = 'echo "Can\'t locate HTTP/Status.pm in @INC" >&2\n' + GOOD
    (stranger / "tests" / "run.sh").write_text(text, encoding="utf-8")
    with runner_env.setup(stranger) as session:
        result = session.evaluate("any")
    assert (result.ok, result.score) == (False, None)
    assert any("HTTP/Status.pm" in str(finding) for finding in result.findings)


def test_a_contract_that_never_ran_is_taken_away(stranger: Path) -> None:
    """Opening a session alone leaves nothing behind."""
    with runner_env.setup(stranger):
        assert (stranger / "pipeline.yml").exists()
    assert not (stranger / "pipeline.yml").exists()


@pytest.mark.parametrize(("scaffold", "says"), [("off", "contract"), ("agent", "no agent program")])
def test_rules_write_nothing_unless_they_may(stranger: Path, scaffold: str, says: str) -> None:
    """`off` and `agent` leave the repository as it is; the error says what is missing."""
    with pytest.raises(ContractMissing, match=says):
        runner_env.setup(stranger, scaffold=scaffold)  # type: ignore[arg-type]
    assert not (stranger / "pipeline.yml").exists()


def test_a_repository_that_states_nothing_has_no_contract(tmp_path: Path) -> None:
    """Nothing stated, nothing invented."""
    (tmp_path / "notes.txt").write_text("hello\n", encoding="utf-8")
    with pytest.raises(ContractMissing, match="states no command"):
        runner_env.setup(tmp_path)


def test_files_of_others_are_left_alone(stranger: Path) -> None:
    """A bootstrap that is there is used, not replaced."""
    own = stranger / ".aider_fsm" / "bootstrap.yml"
    own.parent.mkdir()
    own.write_text("version: 1\ncmds: ['true']\n", encoding="utf-8")
    with runner_env.setup(stranger) as session:
        assert session.evaluate("any").ok
    assert own.read_text("utf-8") == "version: 1\ncmds: ['true']\n"
    assert stat.S_ISREG(own.stat().st_mode)
