"""A contract from nothing to a passed evaluation, written by real agent programs that oneharness drives."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from real_agents import Lab

import runner_env
from runner_env.runs.results import EvaluationCallResult
from runner_env.testing import Answerer, ChatRequest, Reply, ScriptedModel, ToolCall

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(200)]

CONTRACT = """\
version: 1
security: {max_cmd_seconds: 60}
evaluation:
  run_cmds: [sh .aider_fsm/evaluate.sh]
  metrics_path: .aider_fsm/metrics.json
  required_keys: [ok, score]
"""
BROKEN = "#!/bin/sh\npython3 no_such_check.py\n"
RIGHT = """\
#!/bin/sh
python3 check.py > .aider_fsm/checked.txt
passed=$(grep -c pass .aider_fsm/checked.txt)
python3 -c "import json; print(json.dumps({'ok': True, 'score': $passed / 4}))" > .aider_fsm/metrics.json
"""
CHECK = "print('pass a', 'pass b'.replace(' ', '\\n'), 'fail c', 'pass d', sep='\\n')\n"


def written(harness: str, path: str, content: str) -> ToolCall:
    """The call by which that program's agent writes a file."""
    if harness == "codex":
        return ToolCall("exec_command", {"cmd": f"mkdir -p $(dirname {path}) && cat > {path} <<'END'\n{content}END\n"})
    return ToolCall("Write", {"file_path": path, "content": content})


def model_of(harness: str) -> Callable[[ChatRequest], Reply]:
    """A model that writes a contract which does not run, and the right one when it is told so."""

    def answer(request: ChatRequest) -> Reply:
        if not request.tools:
            return Reply("A title")
        found = re.search(r"(?:cwd>|directory: )(/[^\s\"\\<]+)", json.dumps(dict(request.body)))
        assert found, "the program does not say where it works"
        script = f"{found[1]}/.aider_fsm/evaluate.sh"
        if "no_such_check.py" not in request.last_user:
            files = {f"{found[1]}/pipeline.yml": CONTRACT, script: BROKEN}
            steps = [Reply("I will.", [written(harness, path, content) for path, content in files.items()])]
        else:
            # Claude Code lets nobody overwrite what has not been read
            reading = [Reply("Let me see.", [ToolCall("Read", {"file_path": script})])]
            steps = [*(reading if harness == "claude-code" else []), Reply("", [written(harness, script, RIGHT)])]
        return [*steps, Reply("Done.")][min(request.step, len(steps))]

    return answer


@pytest.fixture
def evaluated(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, Answerer], tuple[Path, EvaluationCallResult, tuple[ChatRequest, ...]]]:
    """`evaluated(harness, answerer)`: a target whose contract an agent wrote, its result, and what the model saw."""

    def run(harness: str, answerer: Answerer) -> tuple[Path, EvaluationCallResult, tuple[ChatRequest, ...]]:
        target = tmp_path / "target"
        target.mkdir()
        (target / "check.py").write_text(CHECK)
        with ScriptedModel(answerer, api_key="test-key") as model:
            for name, value in Lab(tmp_path, programs, model).env().items():
                monkeypatch.setenv(name, value)
            given: dict[str, Any] = {"harness": f"oneharness:{harness}", "opencode_model": "scripted"}
            with runner_env.setup(target, scaffold="agent", pass_env=["LOCAL_KEY"], **given) as session:
                return target, session.evaluate("scripted"), model.requests

    return run


@pytest.mark.parametrize("harness", ["codex", "claude-code"])
def test_a_contract_is_written_run_and_repaired(evaluated: Callable[..., Any], harness: str) -> None:
    """The first contract does not run; the agent is told why, repairs it, and the evaluation passes."""
    target, result, requests = evaluated(harness, model_of(harness))
    assert result.ok
    assert result.metrics == {"ok": True, "score": 0.75}
    assert (target / ".aider_fsm/evaluate.sh").read_text() == RIGHT
    assert "no_such_check.py" in requests[-1].last_user


def test_what_codex_may_not_write_is_put_back(evaluated: Callable[..., Any], tmp_path: Path) -> None:
    """Codex can write whatever it likes in its copy; neither the check nor a score of its own get into the target."""
    outside = tmp_path / "outside.txt"
    cheat = f"echo cheat > check.py; mkdir -p .aider_fsm; echo 1 > .aider_fsm/metrics.json; echo > {outside}"

    def answer(request: ChatRequest) -> Reply:
        files = {"pipeline.yml": CONTRACT, ".aider_fsm/evaluate.sh": RIGHT}
        calls = [written("codex", path, content) for path, content in files.items()]
        steps = [Reply("I will.", [ToolCall("exec_command", {"cmd": cheat}), *calls]), Reply("Done.")]
        return steps[min(request.step, 1)]

    target, result, _ = evaluated("codex", answer)
    assert (target / "check.py").read_text() == CHECK
    assert result.metrics == {"ok": True, "score": 0.75}
    assert not outside.exists()
