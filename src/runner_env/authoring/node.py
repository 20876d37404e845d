"""How a Node project is made ready: its packages by the manager that its lock file names."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from runner_env.authoring.model import TOOLS, Step
from runner_env.authoring.reading import json_object
from runner_env.hints.reading import exists

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner_env.authoring.model import Option

NODE_RUNNERS = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "npm yarn pnpm bun npx node jest mocha vitest ava tap tape jasmine karma uvu borp qunit lerna nx turbo "
        "aegir playwright cypress wtr lab xo"
    ).split()
)
_LOCKS = (
    ("package-lock.json", "npm"), ("npm-shrinkwrap.json", "npm"), ("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"),
    ("bun.lock", "bun"), ("bun.lockb", "bun"),
)  # fmt: skip
_INSTALL = {
    "npm": "npm ci --no-audit --no-fund",
    "pnpm": "pnpm install --frozen-lockfile",
    "yarn": "yarn install --frozen-lockfile --non-interactive",
    "bun": "bun install --frozen-lockfile",
}
NPM_INSTALL = "npm install --no-audit --no-fund --no-package-lock"


def node_steps(root: Path, top: Path, option: Option) -> tuple[tuple[Step, ...], Mapping[str, str]]:
    """The bootstrap's commands and variables.

    Args:
        root: the folder of the package.json.
        top: the repository, where a workspace's lock file may be.
        option: the command.
    """
    manager, lock = _manager(root)
    if not lock and root != top and exists(top, "package.json"):
        manager, lock = _manager(top)
    tools = [tool for tool in ("yarn", "pnpm", "bun") if _calls(root, option, tool) or tool == manager]
    missing = [tool for tool in tools if shutil.which(tool) is None]
    steps: list[Step] = []
    env: dict[str, str] = {}
    if missing:
        wanted = " ".join(_pinned(root, tool) for tool in missing)
        steps.append(
            Step(
                f'npm install --no-audit --no-fund --prefix "$AIDER_FSM_REPO_ROOT/{TOOLS}" {wanted}',
                "Programs that are not on this machine.",
            )
        )
        env["PATH"] = f"{TOOLS}/node_modules/.bin:$PATH"
    if lock:
        install = _INSTALL[manager]
        if manager == "yarn" and _berry(root):
            install = "yarn install --immutable"
        steps.append(Step(install, f"As {lock} says."))
    else:
        steps.append(Step(NPM_INSTALL, "What package.json names."))
    return tuple(steps), env


def _manager(root: Path) -> tuple[str, str]:
    """The manager, and the lock file that names it."""
    named = str(json_object(root, "package.json").get("packageManager", "")).partition("@")[0]
    for lock, manager in sorted(_LOCKS, key=lambda row: row[1] != named):
        if exists(root, lock):
            return manager, lock
    return "npm", ""


def _berry(root: Path) -> bool:
    version = str(json_object(root, "package.json").get("packageManager", ""))
    return exists(root, ".yarnrc.yml") or bool(re.match(r"yarn@[2-9]", version))


def _pinned(root: Path, tool: str) -> str:
    match = re.match(rf"{tool}@(\d[\w.-]*)", str(json_object(root, "package.json").get("packageManager", "")))
    if tool == "yarn":
        return "yarn@1" if not match or match[1].startswith("1.") else f"@yarnpkg/cli-dist@{match[1]}"
    return f"{tool}@{match[1]}" if match else (f"{tool}@9" if tool == "pnpm" else tool)


def _calls(root: Path, option: Option, tool: str) -> bool:
    scripts = json_object(root, "package.json").get("scripts")
    texts = [option.command, *(str(text) for text in (scripts.values() if isinstance(scripts, dict) else ()))]
    return any(re.search(rf"(?:^|[\s&;|]){tool}(?=\s)", text + " ") for text in texts)
