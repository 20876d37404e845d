from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from runner_env.errors import InputError
from runner_env.testing import Reply, Rule, Tokens, ToolCall
from runner_env.testing.script import read_rules


def test_runs_as_a_program_and_ends_on_sigterm(tmp_path: Path) -> None:
    """The program prints its URL as one JSON line, answers, logs, and ends with exit code 0 on SIGTERM."""
    script = tmp_path / "rules.json"
    script.write_text('[{"match": "hi", "replies": [{"text": "there"}]}]')
    log = tmp_path / "calls.jsonl"
    command = [sys.executable, "-m", "runner_env.testing", "--script", str(script), "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            url = json.loads(process.stdout.readline())["url"]
            body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
            with urllib.request.urlopen(url + "/chat/completions", body, timeout=5) as answer:
                assert json.load(answer)["choices"][0]["message"]["content"] == "there"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""
    assert json.loads(log.read_text())["last_user"] == "hi"


def test_a_missing_script_is_bad_input(tmp_path: Path) -> None:
    """A script that is not there ends the program with exit code 2 and its name."""
    command = [sys.executable, "-m", "runner_env.testing", "--script", str(tmp_path / "none.json")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 2
    assert "none.json" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[", "file"),
        ("{}", "file"),
        ('[{"replies": []}]', "0.replies"),
        ('[{"replys": [{}]}]', "0.replys"),
        ('[{"replies": [{"txet": "x"}]}]', "0.replies.0.txet"),
        ('[{"replies": [{"status": 200}]}]', "0.replies.0.status"),
        ('[{"replies": [{"times": 0}]}]', "0.replies.0.times"),
        ('[{"replies": [{"delay": NaN}]}]', "0.replies.0.delay"),
        ('[{"replies": [{}], "match": "("}]', "0.match"),
        ('[{"replies": [{}], "tools": "("}]', "0.tools"),
        ('[{"replies": [{}], "turn": 0}]', "0.turn"),
        ('[{"replies": [{"fault": "tired"}]}]', "0.replies.0.fault"),
        ('[{"replies": [{"broken": "nicely"}]}]', "0.replies.0.broken"),
        ('[{"replies": [{"fault": "auth", "status": 401}]}]', "not both"),
    ],
)
def test_a_wrong_script_names_the_member(tmp_path: Path, text: str, named: str) -> None:
    """Typos and wrong types in a script are refused by name."""
    script = tmp_path / "rules.json"
    script.write_text(text)
    with pytest.raises(InputError, match=named) as error:
        read_rules(script)
    assert error.value.code == "script_invalid"


def test_every_member_of_a_reply_is_read(tmp_path: Path) -> None:
    """A reply with everything in it comes through."""
    script = tmp_path / "rules.json"
    reply = {
        "text": "t",
        "tool_calls": [{"name": "n", "arguments": {"a": 1}}],
        "usage": {"input_tokens": 1, "output_tokens": 2, "cached_tokens": 1},
        "finish_reason": "length",
        "fault": "quota",
        "message": "no money",
        "late": True,
        "headers": {"X": "y"},
        "times": 3,
        "delay": 1,
        "first_delay": 0.25,
        "chunk_delay": 0.5,
        "broken": "stall",
    }
    rule = {"match": "m", "model": "o", "system": "s", "result": "r", "tools": "^write$", "turn": 2}
    script.write_text(json.dumps([{**rule, "replies": [reply]}]))
    meant = Reply(
        text="t",
        tool_calls=(ToolCall("n", {"a": 1}),),
        usage=Tokens(1, 2, 1),
        finish_reason="length",
        fault="quota",
        message="no money",
        late=True,
        broken="stall",
        headers={"X": "y"},
        times=3,
        delay=1,
        first_delay=0.25,
        chunk_delay=0.5,
    )
    assert read_rules(script) == [Rule([meant], "m", "o", "s", "r", "^write$", 2)]
