from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from runner_env.errors import InputError
from runner_env.testing.script import read_rules


def test_runs_as_a_program_and_ends_on_sigterm(tmp_path: Path) -> None:
    """The program prints its URL as one JSON line, answers, and ends with exit code 0 on SIGTERM."""
    script = tmp_path / "rules.json"
    script.write_text('[{"match": "hi", "replies": [{"text": "there"}]}]')
    command = [sys.executable, "-m", "runner_env.testing", "--script", str(script)]
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
        "usage": {"input_tokens": 1, "output_tokens": 2},
        "finish_reason": "length",
        "headers": {"X": "y"},
        "times": 3,
        "delay": 1,
        "chunk_delay": 0.5,
        "disconnect": True,
    }
    script.write_text(json.dumps([{"match": "m", "model": "o", "replies": [reply]}]))
    (rule,) = read_rules(script)
    (read,) = rule.replies
    assert (rule.match, rule.model, read.text, read.times, read.delay, read.chunk_delay) == ("m", "o", "t", 3, 1, 0.5)
    assert read.tool_calls[0].arguments == {"a": 1}
    assert read.usage
    assert (read.usage.output_tokens, read.finish_reason, read.disconnect, read.headers) == (
        2,
        "length",
        True,
        {"X": "y"},
    )
