"""Where agent programs run: what they see of the environment, of homes, and what they may write."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.core import FailureKind
from runner_env.errors import HarnessError
from runner_env.execution import Limits, Request
from runner_env.execution.levels import Wanted
from runner_env.harnesses.footprints import Footprint, Place
from runner_env.harnesses.host import AgentHost
from runner_env.harnesses.options import HarnessOptions
from runner_env.harnesses.sinks import Tail

Options = Callable[..., HarnessOptions]

AGENT = Footprint(
    "agent",
    "install agent",
    ("AGENT_*", "KEY"),
    (
        Place(".agent/login.json", "AGENT_HOME", "login.json", kept=True),
        Place(".config/agent", "XDG_CONFIG_HOME", "agent", folders=("skills",)),
        Place(".agent", "AGENT_HOME"),
    ),
    {"AGENT_UPDATES": "off"},
)
LEVELS = [pytest.param("bwrap", marks=pytest.mark.programs), "landlock", "none"]


def shell(host: AgentHost, options: HarnessOptions, script: str) -> tuple[int | None, str]:
    """Run a shell command where agent programs run; exit code and all it wrote."""
    said = Tail()
    with host.open_box() as box, box.stage("agent") as stage:
        request = Request(("/bin/sh", "-c", script), options.premises.copies, host.environment(), Limits(30))
        outcome = stage.run(request, said, said)
    return outcome.exit_code, said.text()


def test_the_environment_is_an_allow_list(options: Options) -> None:
    """What is listed for the program and what the operator passes; nothing else, and a home of its own."""
    given = options({"KEY": "k", "AGENT_MODE": "m", "AWS_SECRET_ACCESS_KEY": "s", "MINE": "1"}, pass_env=("MINE",))
    host = AgentHost(given, (AGENT,), "agent")
    found = host.environment()
    assert found == {
        "PATH": given.environ["PATH"],
        "KEY": "k",
        "AGENT_MODE": "m",
        "AGENT_UPDATES": "off",
        "MINE": "1",
        "HOME": str(host.home),
        "TMPDIR": str(host.home / "tmp"),
    }


@pytest.mark.parametrize("level", LEVELS)
def test_what_belongs_to_a_program_is_found_where_it_looks(options: Options, tmp_path: Path, level: str) -> None:
    """Its configuration, wherever the operator has it, with the folders that it needs; a login that it renews lasts."""
    user, xdg = tmp_path / "user", tmp_path / "xdg"
    for folder in (user / ".agent/sessions", xdg / "agent/skills", xdg / "agent/history"):
        folder.mkdir(parents=True)
    (xdg / "agent/config").write_text("configured, ")
    (xdg / "agent/skills/one").write_text("skilled, ")
    (user / ".agent/login.json").write_text("logged in")
    given = options({"XDG_CONFIG_HOME": str(xdg)}, wanted=Wanted.only(level))
    host = AgentHost(given, (AGENT,), "agent")
    script = 'cd "$HOME" && cat .config/agent/config .config/agent/skills/one .agent/login.json && ls .config/agent'
    assert shell(host, given, f"{script} && echo new > .agent/login.json") == (
        0,
        "configured, skilled, logged inconfig\nskills",
    )
    assert (user / ".agent/login.json").read_text() == "new\n"
    assert host.sandbox is not None
    assert host.sandbox.level == level


@pytest.mark.parametrize("level", LEVELS)
def test_what_a_program_changes_otherwise_ends_with_it(options: Options, tmp_path: Path, level: str) -> None:
    """A changed configuration would make other runs of the program do what an agent wants."""
    user = tmp_path / "user"
    (user / ".agent").mkdir(parents=True)
    (user / ".agent/settings").write_text("mine\n")
    given = options({"AGENT_HOME": str(user / ".agent")}, wanted=Wanted.only(level))
    host = AgentHost(given, (AGENT,), "agent")
    change = 'echo hook >> "$AGENT_HOME/settings" && mkdir "$AGENT_HOME/sessions" && cat "$HOME/.agent/settings"'
    assert shell(host, given, change) == (0, "mine\nhook")
    assert shell(host, given, 'cat "$AGENT_HOME/settings"') == (0, "mine\nhook")
    assert (user / ".agent/settings").read_text() == "mine\n"
    assert not (user / ".agent/sessions").exists()


@pytest.mark.parametrize("level", LEVELS[:2])
def test_a_contained_program_reaches_nothing_else(options: Options, tmp_path: Path, level: str) -> None:
    """Not the home around its own things, not its configuration to write, not evidence, not what lies beside copies."""
    user = tmp_path / "user"
    for folder in (user / ".agent", user / ".ssh", user / ".config/agent"):
        folder.mkdir(parents=True)
    (user / ".ssh/id").write_text("a secret")
    given = options(wanted=Wanted.only(level))
    (given.premises.hidden[0] / "record").write_text("a verdict")
    host = AgentHost(given, (AGENT,), "agent")
    attempts = [
        f"cat {user}/.ssh/id",
        f"cat {given.premises.hidden[0]}/record",
        f"echo x > {given.premises.hidden[0]}/planted",
        f"echo x > {user}/.config/agent/planted",
        f"echo x > {user}/.bashrc",
    ]
    script = "; ".join(f"({attempt}) 2>/dev/null && echo got: '{attempt}'" for attempt in attempts)
    assert shell(host, given, f"{script}; (echo x > {tmp_path}/beside) 2>/dev/null; echo done > copy")[1] == ""
    assert (given.premises.copies / "copy").read_text() == "done\n"
    assert not (tmp_path / "beside").exists()
    assert not (user / ".bashrc").exists()


@pytest.mark.parametrize("level", LEVELS)
def test_a_file_that_a_passed_variable_names_can_be_read(options: Options, tmp_path: Path, level: str) -> None:
    """As `OPENCODE_CONFIG` does."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/agent.json").write_text("mine")
    given = options({"AGENT_CONFIG": str(tmp_path / "elsewhere/agent.json")}, wanted=Wanted.only(level))
    assert shell(AgentHost(given, (AGENT,), "agent"), given, 'cat "$AGENT_CONFIG"') == (0, "mine")


def test_a_missing_program_is_named_with_its_installation(options: Options) -> None:
    """Kind `spawn`, before anything is started."""
    with pytest.raises(HarnessError, match="`agent` is not on PATH") as caught:
        AgentHost(options(), (AGENT,), "oneharness:agent").check()
    assert caught.value.kind is FailureKind.SPAWN
    assert caught.value.harness == "oneharness:agent"
    assert "install agent" in (caught.value.hint or "")


def test_a_level_that_does_not_hold_is_an_error(options: Options) -> None:
    """An agent is not let loose where containment was insisted on."""
    given = options({"PATH": os.devnull}, wanted=Wanted.only("bwrap"))
    with pytest.raises(HarnessError) as caught:
        AgentHost(given, (AGENT,), "agent").open_box()
    assert caught.value.kind is FailureKind.SPAWN
    assert caught.value.hint
