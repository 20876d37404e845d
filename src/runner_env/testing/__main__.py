"""`python -m runner_env.testing --script rules.json [--port 0] [--api-key KEY] [--log calls.jsonl]`: as a program.

It prints one line, `{"url": "http://127.0.0.1:40123/v1"}`, when it listens, and ends with exit code 0 on SIGTERM or
SIGINT. Exit code 2: the script, the port, the log or the extra cannot be had.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from runner_env.errors import RunnerEnvError
from runner_env.testing.script import read_rules
from runner_env.testing.server import ScriptedModel


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal comes; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m runner_env.testing", description="A scripted model server.")
    parser.add_argument("--script", type=Path, required=True, help="JSON file with rules")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one (default)")
    parser.add_argument("--api-key", help="refuse requests without this key")
    parser.add_argument("--log", type=Path, help="append a line of JSON for each request to this file")
    options = parser.parse_args(arguments)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    try:
        rules = read_rules(options.script)
        with ScriptedModel(rules, api_key=options.api_key, port=options.port, log=options.log) as server:
            sys.stdout.write(json.dumps({"url": server.url}) + "\n")
            sys.stdout.flush()
            done.wait()
    except RunnerEnvError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
