"""Contracts that are broken in the usual ways, repaired by a real agent program on a server that runs elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import runner_env
from runner_env.reporting.records import load_record
from tests.acceptance.agents.conftest import METRICS_KEYS, Elsewhere, tree, write

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.programs, pytest.mark.timeout(300)]

STAGE = ".aider_fsm/stages/evaluation.sh"
BOOT = ".aider_fsm/bootstrap.yml"
SCORES = """printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json\n"""
PIPELINE = f"""\
version: 1
security: {{max_cmd_seconds: 60}}
evaluation:
  run_cmds: [sh {STAGE}]
  timeout_seconds: 3
{METRICS_KEYS}"""
SERVICE = f"""{PIPELINE}\
deploy:
  setup_cmds: [sh .aider_fsm/stages/deploy_setup.sh]
  health_cmds: [sh .aider_fsm/stages/deploy_health.sh]
"""
READY = "printf '{}' > .aider_fsm/runtime_env.json\n"
SERVE = f"rm -f port; python3 server.py & until test -s port; do sleep 0.1; done\n{READY}"
ALIVE = "python3 -c \"import socket; socket.create_connection(('127.0.0.1', int(open('port').read())), 5)\"\n"
SERVER = """\
import socket
s = socket.create_server(("127.0.0.1", 0))
open("port", "w").write(str(s.getsockname()[1]))
while True:
    s.accept()[0].close()
"""
NEEDS = f"python3 -c 'import helper' && {SCORES}"
FILES = {"server.py": SERVER, "libs/helper.py": "", "data/gold.txt": "4\n"}

CASES: dict[str, tuple[Mapping[str, str], Mapping[str, str], str]] = {
    "missing dependency": (
        {"pipeline.yml": PIPELINE, STAGE: NEEDS},
        {BOOT: "version: 1\nenv: {PYTHONPATH: libs}\ncmds: ['test -f libs/helper.py']\n"},
        "No module named 'helper'",
    ),
    "wrong path": (
        {"pipeline.yml": PIPELINE, STAGE: f"cat dta/gold.txt && {SCORES}"},
        {STAGE: f"cat data/gold.txt && {SCORES}"},
        "dta/gold.txt",
    ),
    "service that does not start": (
        {
            "pipeline.yml": SERVICE,
            STAGE: SCORES,
            ".aider_fsm/stages/deploy_setup.sh": f"python3 serve.py\n{READY}",
            ".aider_fsm/stages/deploy_health.sh": ALIVE,
        },
        {".aider_fsm/stages/deploy_setup.sh": SERVE},
        "serve.py",
    ),
    "metrics without keys": (
        {"pipeline.yml": PIPELINE, STAGE: "printf '{\"accuracy\": 0.5}' > .aider_fsm/metrics.json\n"},
        {STAGE: SCORES},
        "score",
    ),
    "timeout": (
        {"pipeline.yml": PIPELINE, STAGE: f"sleep 30\n{SCORES}"},
        {STAGE: SCORES},
        "3",
    ),
    "failing health check": (
        {
            "pipeline.yml": SERVICE,
            STAGE: SCORES,
            ".aider_fsm/stages/deploy_setup.sh": SERVE,
            ".aider_fsm/stages/deploy_health.sh": "echo looking at port 1; exit 7\n",
        },
        {".aider_fsm/stages/deploy_health.sh": ALIVE},
        "looking at port 1",
    ),
}


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere) -> Elsewhere:
    """The server, with its name and password known."""
    monkeypatch.setenv("OPENCODE_SERVER_USERNAME", "me")
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "pw")
    elsewhere.user.prompts.clear()
    return elsewhere


@pytest.mark.parametrize("case", CASES)
def test_repair(login: Elsewhere, tmp_path: Path, case: str) -> None:
    """The agent is told what failed, repairs the file, and the run with it passes; nothing else has changed."""
    broken, repair, told = CASES[case]
    root = tmp_path / "target"
    write(root, {**FILES, **broken})
    login.user.turns[:] = [repair]
    with runner_env.setup(root, opencode_url=login.url, opencode_model="local/scripted") as session:
        result = session.evaluate("any", repair_iters=1)
    assert result.score == 0.5, [str(finding) for finding in result.findings]
    assert told in login.user.prompts[0]
    kept = {path: text for path, text in tree(root).items() if path in {**FILES, **broken, **repair}}
    assert kept == {**FILES, **broken, **repair}
    (one,) = load_record(result.run_dir).authoring
    assert (one.purpose, one.accepted, set(one.files)) == ("repair", True, set(repair))


def test_a_wrong_password_is_said(login: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure of the run stays first; that the server refused is a note; the server goes on."""
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "wrong")
    root = tmp_path / "target"
    write(root, {"pipeline.yml": PIPELINE, STAGE: "exit 3\n"})
    with runner_env.setup(root, opencode_url=login.url) as session:
        result = session.evaluate("any", repair_iters=1)
    codes = [finding.code for finding in result.findings]
    assert codes[0] == "command_failed"
    assert "agent_auth" in codes
    assert login.process.poll() is None
