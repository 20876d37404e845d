"""From nothing to a verified score: a real agent program writes the contracts of targets of many kinds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

import runner_env
from runner_env.reporting.records import load_record
from runner_env.runs.proof import check_proof
from tests.acceptance.agents.conftest import METRICS_KEYS, User, tree

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.programs, pytest.mark.timeout(300)]

HEAD = "version: 1\nsecurity: {max_cmd_seconds: 120}\n"
EVALUATION = f"evaluation:\n  run_cmds: [sh .aider_fsm/stages/evaluation.sh]\n{METRICS_KEYS}"
SCORE = """\
import json, re, sys
text = sys.stdin.read()
ran, bad = int(re.search(r"Ran (\\d+)", text)[1]), sum(map(int, re.findall(r"(?:failures|errors)=(\\d+)", text)))
json.dump({"ok": True, "score": (ran - bad) / ran}, open(".aider_fsm/metrics.json", "w"))
"""

PYTHON = (
    {
        "adder.py": "def add(a, b):\n    return a + b\n",
        "test_adder.py": (
            "import unittest\nfrom adder import add\nclass T(unittest.TestCase):\n"
            "    def test_one(self): self.assertEqual(add(1, 1), 2)\n"
            "    def test_two(self): self.assertEqual(add(1, 1), 3)\n"
        ),
    },
    {
        "pipeline.yml": HEAD + EVALUATION,
        ".aider_fsm/stages/score.py": SCORE,
        ".aider_fsm/stages/evaluation.sh": "python3 -m unittest 2>&1 | python3 .aider_fsm/stages/score.py\n",
    },
    0.5,
)
NODE = (
    {
        "package.json": json.dumps({"name": "adder", "scripts": {"test": "node --test"}}),
        "adder.test.js": (
            "const {test} = require('node:test'); const assert = require('node:assert');\n"
            "test('one', () => assert.equal(1 + 1, 2)); test('two', () => assert.equal(1 + 1, 2));\n"
        ),
    },
    {
        "pipeline.yml": HEAD + "evaluation:\n  hint: npm test\n",
    },
    1.0,
)
SERVICE = (
    {
        "server.py": (
            "import http.server, sys\nclass H(http.server.BaseHTTPRequestHandler):\n"
            "    def do_GET(self):\n        self.send_response(200); self.end_headers(); self.wfile.write(b'4')\n"
            "    def log_message(self, *_): pass\n"
            "server = http.server.HTTPServer(('127.0.0.1', 0), H)\n"
            "open('port', 'w').write(str(server.server_port)); server.serve_forever()\n"
        )
    },
    {
        "pipeline.yml": HEAD
        + "deploy:\n  setup_cmds: [sh .aider_fsm/stages/deploy_setup.sh]\n"
        + "  health_cmds: [sh .aider_fsm/stages/deploy_health.sh]\n"
        + "  teardown_cmds: ['rm -f port']\n"
        + EVALUATION,
        ".aider_fsm/stages/deploy_health.sh": (
            "python3 -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:$(cat port)')\"\n"
        ),
        ".aider_fsm/stages/deploy_setup.sh": (
            "rm -f port; python3 server.py & until test -s port; do sleep 0.1; done\n"
            'printf \'{"service": {"base_url": "http://127.0.0.1:%s"}}\' "$(cat port)" > .aider_fsm/runtime_env.json\n'
        ),
        ".aider_fsm/stages/evaluation.sh": (
            "python3 - <<'EOF'\nimport json, urllib.request\n"
            "base = json.load(open('.aider_fsm/runtime_env.json'))['service']['base_url']\n"
            "right = urllib.request.urlopen(base).read() == b'4'\n"
            "json.dump({'ok': True, 'score': float(right)}, open('.aider_fsm/metrics.json', 'w'))\nEOF\n"
        ),
    },
    1.0,
)
ROW = '{"question": "What is %d + %d?", "answer": "#### %d"}\n'
DATASET = (
    {
        "data/hf_manifest.json": json.dumps(
            {"source": "huggingface_dataset", "downloaded_files": [{"path": "main/test-00000-of-00001.jsonl"}]}
        ),
        "main/test-00000-of-00001.jsonl": "".join(ROW % (n, n, 2 * n) for n in (1, 2)),
    },
    {
        "pipeline.yml": HEAD
        + 'rollout:\n  run_cmds: [\'"$AIDER_FSM_PYTHON" "$AIDER_FSM_RUNNER_ROOT/runner/generic_rollout.py"\']\n'
        + 'evaluation:\n  run_cmds: [\'"$AIDER_FSM_PYTHON" "$AIDER_FSM_RUNNER_ROOT/runner/generic_evaluation.py"\']\n'
        + METRICS_KEYS,
    },
    0.5,
)
KINDS = {"python": PYTHON, "node": NODE, "service": SERVICE, "dataset": DATASET}


@pytest.mark.parametrize("kind", KINDS)
def test_scaffold(user: Callable[..., User], kind: str) -> None:
    """The agent is told the task, writes the contract; its plan is run; the score is true; what it wrote is proven."""
    files, contract, score = KINDS[kind]
    made = user(contract)
    root = made.target(files)
    with runner_env.setup(root, scaffold="agent") as session:
        result = session.evaluate("scripted")
    assert result.score == score, [str(finding) for finding in result.findings]
    assert {path: text for path, text in tree(root).items() if path in contract} == contract
    assert {path: tree(root)[path] for path in files} == files
    (one,) = load_record(result.run_dir).authoring
    assert (one.harness, one.accepted, len(one.turns)) == ("opencode", True, 1)
    assert one.turns[0].usage.input_tokens == 200
    assert check_proof(result.run_dir).ok


def test_an_agent_that_only_talks_is_told_so(user: Callable[..., User]) -> None:
    """A lazy agent gets further turns, in the same session, until it does the task."""
    files, contract, score = PYTHON
    first: Mapping[str, str] = {"pipeline.yml": contract["pipeline.yml"]}
    made = user(None, first, contract)
    root = made.target(files)
    with runner_env.setup(root, scaffold="agent") as session:
        result = session.evaluate("scripted")
    assert result.score == score, [str(finding) for finding in result.findings]
    assert len(made.prompts) == 3
    assert "changed no file" in made.prompts[1]
    assert "evaluation.sh" in made.prompts[2]
