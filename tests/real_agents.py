"""The real agent programs, pinned, installed once for all test runs, and a scripted model that they talk to.

Loaded as a plugin by `tests/conftest.py`, so that every room has the fixtures `programs` and `lab`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runner_env.harnesses.options import HarnessOptions, Premises
from runner_env.testing import ChatRequest, Reply, Rule, ScriptedModel

NPM = ("@anthropic-ai/claude-code@2.1.197", "@openai/codex@0.169.0", "opencode-ai@1.18.33")
PYPI = ("oneharness-cli==0.21.3",)
INSTALL_S = 240
FOLDER = Path(__file__).resolve().parents[1] / ".harnesses"


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder with `oneharness`, `claude`, `codex` and `opencode`."""
    return installed()


def installed() -> Path:
    """That folder; the programs are installed by whoever needs them first."""
    root = FOLDER / hashlib.sha256(repr((NPM, PYPI)).encode()).hexdigest()[:12]
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "done").exists():
            _run("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(root / "npm"), *NPM)
            _run(sys.executable, "-m", "pip", "install", "-q", "--upgrade", "--target", str(root / "python"), *PYPI)
            (root / "bin").mkdir(exist_ok=True)
            for program in (*(root / "npm/node_modules/.bin").iterdir(), root / "python/bin/oneharness"):
                (root / "bin" / program.name).unlink(missing_ok=True)
                (root / "bin" / program.name).symlink_to(program)
            (root / "done").touch()
    return root / "bin"


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, timeout=INSTALL_S, stdin=subprocess.DEVNULL)


def _network() -> dict[str, str]:
    """How package registries are reached from here."""
    wanted = ("http_proxy", "https_proxy", "npm_config_registry", "npm_config_cafile", "node_extra_ca_certs")
    return {name: value for name, value in os.environ.items() if name.lower() in wanted}


@dataclass
class Lab:
    """A scripted model, and agent programs set up to ask nobody else.

    Attributes:
        root: the directory in which they work.
        programs: where they are installed.
        model: whom they ask.
        online: whether they may reach package registries too, as the hooks of opencode have to.
    """

    root: Path
    programs: Path
    model: ScriptedModel
    online: bool = False

    def env(self) -> dict[str, str]:
        """The environment of the agent programs: homes of their own, and a dead proxy for all but the model."""
        home = self.root / "home"
        # codex refuses a home below the temporary directory
        (self.root / "tmp").mkdir(exist_ok=True)
        return {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "HOME": str(home),
            "TMPDIR": str(self.root / "tmp"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CACHE_HOME": str(home / "cache"),
            **(_network() if self.online else {"HTTPS_PROXY": "http://127.0.0.1:9"}),
            "NO_PROXY": "127.0.0.1",
            "ONEHARNESS_NO_CONFIG": "1",
            **self._claude(),
            **self._codex(),
            **self._opencode(),
        }

    def _claude(self) -> dict[str, str]:
        return {
            "ANTHROPIC_BASE_URL": self.model.origin,
            "ANTHROPIC_API_KEY": "test-key",
            "ANTHROPIC_MODEL": "scripted",
            "ANTHROPIC_SMALL_FAST_MODEL": "scripted",
            "CLAUDE_CONFIG_DIR": str(self.root / "home" / "claude"),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "IS_SANDBOX": "1",
        }

    def _codex(self) -> dict[str, str]:
        home = self.root / "home" / "codex"
        home.mkdir(parents=True, exist_ok=True)
        (home / "config.toml").write_text(_CODEX.replace("@URL@", self.model.url), "utf-8")
        return {"CODEX_HOME": str(home), "LOCAL_KEY": "test-key"}

    def _opencode(self) -> dict[str, str]:
        path = self.root / "home" / "opencode.json"
        config = {"autoupdate": False, "share": "disabled", **_opencode_config(self.model.url)}
        path.write_text(json.dumps(config), "utf-8")
        off = ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS", "CLAUDE_CODE")
        return {"OPENCODE_CONFIG": str(path), **{f"OPENCODE_DISABLE_{name}": "1" for name in off}}

    def options(self, name: str, **more: object) -> HarnessOptions:
        """For a harness of that name, whose sessions work in repositories below `copies`."""
        given: dict[str, Any] = {"environ": self.env(), "pass_env": ("LOCAL_KEY",), "retry_attempts": 0, **more}
        return HarnessOptions(premises_below(self.root), name=name, **given)

    @property
    def work(self) -> Path:
        """Where they work; codex wants that to be a repository."""
        return self.repository("work")

    def repository(self, name: str) -> Path:
        """An empty git repository of that name; made if it is not there."""
        path = self.root / name
        if not path.exists():
            subprocess.run(["git", "init", "-q", str(path)], check=True, timeout=30)
        return path

    @property
    def asked(self) -> list[ChatRequest]:
        """The requests that were about the conversation; opencode also asks for a title, without tools."""
        return [request for request in self.model.requests if request.tools]


_CODEX = """\
model = "scripted"
model_provider = "local"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.local]
name = "local"
base_url = "@URL@"
env_key = "LOCAL_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
stream_idle_timeout_ms = 20000
supports_websockets = false
"""


def _opencode_config(model_url: str) -> dict[str, object]:
    """A configuration of OpenCode that has the scripted model alone."""
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Local",
        "options": {"baseURL": model_url, "apiKey": "test-key"},
        "models": {
            "scripted": {"name": "scripted", "tool_call": True, "limit": {"context": 200_000, "output": 8192}},
        },
    }
    return {
        "enabled_providers": ["local"],
        "model": "local/scripted",
        "small_model": "local/scripted",
        "provider": {"local": provider},
    }


def premises_below(root: Path) -> Premises:
    """Folders for copies and scratch, and evidence that is hidden; made if they are not there."""
    copies, scratch, evidence = (root / name for name in ("copies", "scratch", "evidence"))
    for folder in (copies, scratch, evidence):
        folder.mkdir(exist_ok=True)
    return Premises(copies, scratch, (evidence,))


def user_environment(root: Path, model_url: str, programs: Path) -> Mapping[str, str]:
    """A user with a configured OpenCode, whose own rules allow everything; nothing but the model can be reached."""
    config = {"permission": {"edit": "allow", "bash": "allow"}, **_opencode_config(model_url)}
    folder = root / "user/.config/opencode"
    folder.mkdir(parents=True)
    (folder / "opencode.json").write_text(json.dumps(config), "utf-8")
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(root / "user"),
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
    }


@pytest.fixture
def lab(tmp_path: Path, programs: Path) -> Iterator[Callable[..., Lab]]:
    """`lab(*rules, online=False)`: a scripted model with these rules, and agent programs that ask it."""
    models: list[ScriptedModel] = []

    def make(*rules: Rule, online: bool = False) -> Lab:
        titles = Rule([Reply("A title")], tools=False)
        model = ScriptedModel([titles, *rules], api_key="test-key", log=tmp_path / "calls.jsonl")
        model.start()
        models.append(model)
        return Lab(tmp_path, programs, model, online)

    yield make
    for model in models:
        model.stop()
