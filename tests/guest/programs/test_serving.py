"""The model server: started, asked, stopped. The echo backend stands in for a model."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from runner_env.guest.programs.backends import Job, model_file
from runner_env.guest.programs.server import MAX_BODY_BYTES
from runner_env.guest.programs.surroundings import Unusable

Served = Callable[..., dict[str, Any]]


def ask(made: dict[str, Any], path: str, body: object = None, **headers: str) -> tuple[int, str]:
    """One request; GET without a body."""
    place = urlsplit(made["service"]["base_url"])
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    try:
        connection.request("GET" if data is None else "POST", path, data, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def said(text: str, **more: object) -> dict[str, object]:
    """A chat request."""
    return {"model": "any", "messages": [{"role": "user", "content": text}], **more}


def test_a_server_answers_and_stops(either: Any, served: Served) -> None:
    """`start` returns when it answers, runtime_env.json says where, every route is there, `stop` ends it."""
    made = served("--backend", "echo", "--model-name", "tiny", python=either.python)
    assert made["inference"]["openai_base_url"] == made["service"]["base_url"] + "/v1"
    assert (made["inference"]["model"], made["inference"]["backend"]) == ("tiny", "echo")
    status, text = ask(made, "/v1/chat/completions", said("hello there"))
    answer = json.loads(text)
    assert (status, answer["choices"][0]["message"]["content"], answer["model"]) == (200, "hello there", "tiny")
    assert answer["usage"] == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}
    status, text = ask(made, "/v1/chat/completions", said("one two three", max_tokens=2))
    assert json.loads(text)["choices"][0] == {**json.loads(text)["choices"][0], "finish_reason": "length"}
    assert json.loads(ask(made, "/v1/completions", {"prompt": "go on"})[1])["choices"][0]["text"] == "go on"
    assert json.loads(ask(made, "/v1/models")[1])["data"][0]["id"] == "tiny"
    assert json.loads(ask(made, "/health")[1]) == {"status": "ok", "model": "tiny"}
    again = either.run("serve.py", "start", str(either.repo), "--backend", "echo")
    assert (again.returncode, "already_serving" in again.stderr) == (1, True)
    assert either.run("serve.py", "stop").stdout == f"stopped {made['service']['pid']}\n"
    with pytest.raises(OSError, match="refused"):
        ask(made, "/health")
    assert either.run("serve.py", "stop").stdout == "no server is running\n"


def test_an_answer_can_be_streamed(served: Served) -> None:
    """Server-sent events: role, pieces, finish reason, usage if asked for, [DONE]."""
    made = served("--backend", "echo")
    body = said("one two", stream=True, stream_options={"include_usage": True})
    status, text = ask(made, "/v1/chat/completions", body)
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    events = [json.loads(line) for line in lines[:-1]]
    assert (status, lines[-1]) == (200, "[DONE]")
    pieces = [event["choices"][0]["delta"].get("content", "") for event in events if event["choices"]]
    assert "".join(pieces) == "one two"
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-1]["usage"]["total_tokens"] == 4


BAD: list[tuple[str, object, int]] = [
    ("/v1/chat/completions", b"{broken", 400), ("/v1/chat/completions", b"[]", 400), ("/v1/nothing", {}, 404),
    ("/v1/chat/completions", {"messages": []}, 400), ("/v1/chat/completions", said("x", n=2), 400),
    ("/v1/chat/completions", said("x", max_tokens=0), 400), ("/v1/chat/completions", said("x", temperature=9), 400),
    ("/v1/chat/completions", said("x", stop=[""]), 400), ("/v1/completions", {"prompt": 3}, 400),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": None}]}, 400),
]  # fmt: skip


def test_bad_requests_are_refused(served: Served) -> None:
    """With an error in OpenAI's form; the server goes on."""
    made = served("--backend", "echo")
    for path, body, status in BAD:
        found, text = ask(made, path, body)
        assert (found, set(json.loads(text)["error"])) == (status, {"message", "type", "param", "code"}), (path, body)
    assert ask(made, "/health")[0] == 200


def test_bodies_are_bounded(served: Served) -> None:
    """A body that is too long, or of unknown length, is refused before it is read."""
    made = served("--backend", "echo")
    place = urlsplit(made["service"]["base_url"])
    for header, status in ((f"Content-Length: {MAX_BODY_BYTES + 1}", b"413"), ("Transfer-Encoding: chunked", b"411")):
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as raw:
            raw.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode())
            assert status in raw.recv(200)
    assert ask(made, "/health")[0] == 200


def test_concurrent_requests_wait_in_turn(served: Served) -> None:
    """Twenty at once all get their own answer."""
    made = served("--backend", "echo")
    answers: dict[int, str] = {}

    def one(number: int) -> None:
        text = ask(made, "/v1/chat/completions", said(f"number {number}"))[1]
        answers[number] = json.loads(text)["choices"][0]["message"]["content"]

    threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == {number: f"number {number}" for number in range(20)}


def test_in_the_foreground_it_ends_by_signal(bench: Any) -> None:
    """A directory alone means `run`: one line with the address, then SIGTERM ends it with exit code 0."""
    from runner_env.guest import published

    script = Path(published.__path__[0]) / "runner/ml/serve_openai_compat.py"
    command = [sys.executable, str(script), str(bench.repo), "--backend", "echo"]
    with subprocess.Popen(
        command, env=bench.environment(), cwd=bench.repo, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        made = json.loads(process.stdout.readline())
        assert made["url"].startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not (bench.repo / ".aider_fsm/serve.pid").exists()


def test_a_pid_file_of_a_dead_server_is_no_server(bench: Any) -> None:
    """Whoever has the number now is left alone."""
    bench.write(".aider_fsm/serve.pid", f"{os.getpid()}\n")
    assert bench.run("serve.py", "stop").stdout == "no server is running\n"


def test_what_is_missing_is_said(bench: Any) -> None:
    """No directory, no model in it, no llama-cpp-python: exit code 1 and what to do."""
    assert "missing_model" in bench.run("serve.py", "start").stderr
    assert "no GGUF file" in bench.run("serve.py", "start", str(bench.repo)).stderr
    bench.write("model.gguf", "GGUF")
    done = bench.run("serve.py", "run", str(bench.repo), isolated=True)
    assert (done.returncode, "runner-env[local]" in done.stderr) == (1, True)


def test_the_model_file_of_a_directory(tmp_path: Path) -> None:
    """One GGUF file, of several parts the first; projectors are none; two models are a question."""
    names = ("big-00001-of-00002.gguf", "big-00002-of-00002.gguf", "mmproj-x.gguf")
    for name in names:
        (tmp_path / name).write_bytes(b"")
    assert model_file(tmp_path).name == names[0]
    (tmp_path / "other.gguf").write_bytes(b"")
    with pytest.raises(Unusable, match="2 GGUF files"):
        model_file(tmp_path)
    assert model_file(tmp_path / "other.gguf").name == "other.gguf"


def test_a_job_nobody_waits_for_is_given_up() -> None:
    """Before each token the backend asks whether the answer is still wanted."""
    from runner_env.guest.programs.backends import Abandoned, Echo

    waits = iter((True, True, False))
    job = Job([{"role": "user", "content": "a b c d"}], "", 10, {}, lambda: next(waits))
    pieces = Echo().answer(job)
    assert [next(pieces), next(pieces)] == ["a", " b"]
    with pytest.raises(Abandoned):
        next(pieces)
