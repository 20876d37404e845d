"""Which files of a repository are not its own content: what runs and tools leave there, environments, secrets."""

from __future__ import annotations

import re
from typing import Final

CONTRACT: Final = "pipeline.yml"
FOLDER: Final = ".aider_fsm"
ARTIFACTS: Final = ".aider_fsm/artifacts"

_OUTPUT = re.compile(r"\.aider_fsm/(?:metrics|rollout|runtime_env|hints_[^/]*)\.json")
_OWN_ENVIRONMENT = re.compile(r"\.aider_fsm/(?:venv[^/]*|tools|build)(?=/|$)")
_ENVIRONMENTS = frozenset((
    "node_modules", "bower_components", "venv", ".venv", "virtualenv", ".virtualenv", "site-packages", ".tox", ".nox",
    ".eggs", "__pypackages__", ".direnv", ".gradle", ".terraform",
))  # fmt: skip
_CACHES = frozenset((
    "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".ipynb_checkpoints", ".cache",
    ".parcel-cache", ".next", ".nyc_output", "htmlcov",
))  # fmt: skip
_OF_AGENTS = frozenset((
    ".opencode", ".claude", ".codex", ".cursor", ".gemini", ".goose", ".qwen", ".crush", ".amp", ".copilot", ".aider",
))  # fmt: skip
_ENV_FILE = re.compile(r"\.env|\.env\..*|.*\.env|.*\.env\..*", re.IGNORECASE | re.DOTALL)
_CREDENTIALS = re.compile(
    r"\.netrc|\.pypirc|\.git-credentials|\.pgpass|\.vault-token|id_(?:rsa|dsa|ecdsa|ed25519)", re.IGNORECASE
)
_KEY_FOLDERS = frozenset((".ssh", ".aws", ".gnupg", ".kube"))
_GIT_LOADS = ("config", "config.worktree", "hooks", "info")
"""What git takes programs and settings from."""


def is_output(path: str) -> bool:
    """Whether a stage writes this file, so that whoever else writes it makes a claim.

    >>> is_output(".aider_fsm/metrics.json"), is_output(".aider_fsm/stages/metrics.json")
    (True, False)
    """
    return bool(_OUTPUT.fullmatch(path)) or path == ARTIFACTS or path.startswith(f"{ARTIFACTS}/")


def _is_environment(path: str) -> bool:
    """Whether it is, or lies in, a folder with installed packages."""
    return bool(_OWN_ENVIRONMENT.match(path)) or not _ENVIRONMENTS.isdisjoint(path.split("/"))


def is_byproduct(path: str) -> bool:
    """Whether it is, or lies in, what tools and agent programs leave behind as they work."""
    parts = set(path.split("/"))
    compiled = path.endswith((".pyc", ".pyo"))
    return _is_environment(path) or compiled or not (_CACHES | _OF_AGENTS).isdisjoint(parts)


def is_env_file(path: str) -> bool:
    """Whether its name says that it holds the values of secrets (`.env`, `prod.env`, `.env.local`)."""
    return bool(_ENV_FILE.fullmatch(path.rpartition("/")[2]))


def is_secret(path: str) -> bool:
    """Whether its name says that an agent has no business to read it."""
    *folders, name = path.split("/")
    return is_env_file(path) or bool(_CREDENTIALS.fullmatch(name)) or not _KEY_FOLDERS.isdisjoint((*folders, name))


def is_git(path: str) -> bool:
    """Whether it is, or lies in, git's own directory, or is the file that stands for it in a submodule."""
    return ".git" in path.split("/")


def is_inner_git(path: str) -> bool:
    """Whether it is what git itself keeps writing in its directory at the top: objects, index, logs, agents' notes."""
    return path.startswith(".git/") and path.split("/")[1] not in _GIT_LOADS
