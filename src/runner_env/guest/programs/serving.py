"""`serve.py start|run|stop DIR`: a local model directory behind an OpenAI-compatible endpoint on 127.0.0.1.

`run`, which is also what a directory alone means, serves until SIGTERM or SIGINT comes. `start` does it in a process of
its own, and returns when it answers. `stop` ends that one. Writes `.aider_fsm/runtime_env.json`, which the later stages
read, a pid file, which the server holds locked while it lives, and a log.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from runner_env.guest.programs.backends import CONTEXT_TOKENS, Backend, Echo, Gguf, model_file
from runner_env.guest.programs.server import ModelServer
from runner_env.guest.programs.surroundings import OWN_FOLDER, Place, Unusable, read_object, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

STARTUP_SECONDS = 120.0
STOP_SECONDS = 10.0
_ACTIONS = ("start", "run", "stop")
_LOG_TAIL = 2000


def options_of(arguments: Sequence[str], place: Place) -> argparse.Namespace:
    """The command line, with every path absolute."""
    own = place.repo / OWN_FOLDER
    parser = argparse.ArgumentParser(
        prog="serve.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("action", choices=_ACTIONS)
    parser.add_argument("folder", nargs="?", help="model directory, or GGUF file; AIDER_TRAINED_MODEL_DIR if left out")
    parser.add_argument("--model-dir", dest="model_dir", help="the same")
    parser.add_argument("--backend", choices=("gguf", "echo"), default="gguf", help="echo is for tests: it is no model")
    parser.add_argument("--model-name", help="the name it answers by; the directory's if left out")
    parser.add_argument("--host", choices=("127.0.0.1",), default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--context-tokens", type=int, default=CONTEXT_TOKENS, help="question and answer together")
    parser.add_argument("--runtime-env-out", type=Path, default=os.environ.get("AIDER_RUNTIME_ENV_PATH"))
    parser.add_argument("--pid-file", type=Path, default=own / "serve.pid")
    parser.add_argument("--log-file", type=Path, default=place.artifacts / "serve.log")
    parser.add_argument("--startup-timeout", type=float, default=STARTUP_SECONDS, help="seconds")
    given = list(arguments)
    if given and given[0] not in _ACTIONS and not given[0].startswith("-"):
        given.insert(0, "run")
    options = parser.parse_args(given)
    options.folder = options.folder or options.model_dir or os.environ.get("AIDER_TRAINED_MODEL_DIR")
    options.runtime_env_out = Path(options.runtime_env_out or own / "runtime_env.json")
    for name in ("runtime_env_out", "pid_file", "log_file"):
        setattr(options, name, Path(os.path.abspath(getattr(options, name))))  # noqa: PTH100 - a link stays one
    if options.action != "stop" and not options.folder:
        raise Unusable("missing_model: name a model directory, or set AIDER_TRAINED_MODEL_DIR")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    Returns:
        0; 1 if it cannot be done, which standard error explains; 2 for a wrong command line.
    """
    try:
        place = Place.of(os.environ)
        options = options_of(sys.argv[1:] if arguments is None else arguments, place)
        return {"run": serve, "start": start, "stop": stop}[options.action](options, place)
    except (Unusable, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def serve(options: argparse.Namespace, place: Place) -> int:
    """Serve until a signal comes; returns 0."""
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    with _held(options.pid_file) as pid_file:
        backend, folder = _backend(options), Path(options.folder)
        name = options.model_name or (folder.stem if folder.is_file() else folder.resolve().name)
        server = ModelServer(options.port, backend, name)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        write_json(options.runtime_env_out, _runtime(server, place))
        sys.stdout.write(json.dumps({"url": f"{server.url}/v1", "model": name}) + "\n")
        sys.stdout.flush()
        done.wait()
        server.stopping.set()
        server.shutdown()
        server.server_close()
        server.turn.acquire(timeout=STOP_SECONDS / 2)  # the answer that is being made ends at its next token
        options.pid_file.unlink()
        pid_file.flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that still wait for clients must not run into the interpreter's end


def _backend(options: argparse.Namespace) -> Backend:
    if options.backend == "echo":
        return Echo()
    return Gguf(model_file(Path(options.folder)), options.context_tokens)


def _held(path: Path) -> TextIO:
    """The pid file, locked for as long as it is open.

    Raises:
        Unusable: another server holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise Unusable(f"already_serving: another server holds {path}; end it with `stop`") from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _runtime(server: ModelServer, place: Place) -> dict[str, object]:
    inference = {
        "openai_base_url": f"{server.url}/v1",
        "base_url": f"{server.url}/v1",
        "model": server.model,
        "backend": server.backend.name,
    }
    service = {"base_url": server.url, "health_url": f"{server.url}/health", "pid": os.getpid()}
    return {"inference": inference, "service": service, **place.stamp()}


def start(options: argparse.Namespace, place: Place) -> int:
    """Start a server in the background; returns when it answers."""
    if _is_held(options.pid_file):
        raise Unusable(f"already_serving: another server holds {options.pid_file}; end it with `stop`")
    options.log_file.parent.mkdir(parents=True, exist_ok=True)
    options.runtime_env_out.unlink(missing_ok=True)
    with options.log_file.open("ab") as log:
        process = subprocess.Popen(
            _command(options), cwd=place.repo, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + options.startup_timeout
    while not _answers(options.runtime_env_out, process.pid):
        if process.poll() is not None:
            sys.stderr.write(_tail(options.log_file))
            raise Unusable(f"not_started: the server ended with exit code {process.returncode}; see {options.log_file}")
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise Unusable(f"not_started: no answer within {options.startup_timeout:g} s; see {options.log_file}")
        time.sleep(0.05)
    inference = read_object(options.runtime_env_out)["inference"]
    sys.stdout.write(json.dumps({"url": inference["openai_base_url"], "model": inference["model"]}) + "\n")
    return 0


def _command(options: argparse.Namespace) -> list[str]:
    given = {
        "--backend": options.backend,
        "--port": options.port,
        "--context-tokens": options.context_tokens,
        "--runtime-env-out": options.runtime_env_out,
        "--pid-file": options.pid_file,
        "--model-name": options.model_name,
    }
    flags = [str(part) for name, value in given.items() if value is not None for part in (name, value)]
    return [sys.executable, sys.argv[0], "run", os.path.abspath(options.folder), *flags]  # noqa: PTH100 - a link stays one


def _answers(runtime: Path, pid: int) -> bool:
    service = read_object(runtime).get("service")
    if not isinstance(service, dict) or service.get("pid") != pid:
        return False
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(service["health_url"], timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _tail(path: Path) -> str:
    return path.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace")


def stop(options: argparse.Namespace, place: Place) -> int:
    """End the server that holds the pid file; returns 0 also if there is none."""
    del place
    if not _is_held(options.pid_file):
        options.pid_file.unlink(missing_ok=True)
        sys.stdout.write("no server is running\n")
        return 0
    pid = int(options.pid_file.read_text("ascii").strip() or 0)
    if os.fsencode(options.pid_file) not in _command_line(pid):
        raise Unusable(
            f"not_here: the server that holds {options.pid_file} is not a process that can be seen from here"
        )
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.kill(pid, number)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if not _is_held(options.pid_file):
                options.pid_file.unlink(missing_ok=True)
                sys.stdout.write(f"stopped {pid}\n")
                return 0
            time.sleep(0.02)
    raise Unusable(f"not_stopped: process {pid} does not end")


def _is_held(path: Path) -> bool:
    """Whether a server lives: its lock ends with it, whatever became of the file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _command_line(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
