"""What no stage has any business to read: homes, temporary files of others, credentials, engines, evidence."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.execution.levels.engines import engine_sockets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHARED = ("/home", "/root", "/tmp", "/var/tmp", "/run")

_OF_A_HOME = (
    ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".netrc", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc",
    ".git-credentials", ".pgpass", ".my.cnf", ".boto", ".s3cfg", ".vault-token", ".terraform.d", ".gem/credentials",
    ".cargo/credentials", ".cargo/credentials.toml", ".m2/settings.xml", ".gradle/gradle.properties", ".password-store",
    ".config/gh", ".config/gcloud", ".config/hub", ".config/git/credentials", ".config/pip", ".pip", ".config/rclone",
    ".config/op", ".config/sops", ".config/containers", ".config/huggingface", ".config/google-chrome",
    ".local/share/keyrings", ".local/share/kwalletd", ".mozilla", ".cache/huggingface/token",
    ".cache/huggingface/stored_tokens", ".huggingface", ".kaggle", ".wandb", ".codex", ".claude", ".claude.json",
    ".config/opencode", ".local/share/opencode", ".bash_history", ".zsh_history", ".python_history",
)  # fmt: skip
_OF_THE_MACHINE = (
    "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/ssl/private", "/etc/sudoers",
    "/etc/sudoers.d", "/etc/kubernetes", "/etc/rancher", "/etc/krb5.keytab", "/etc/docker", "/etc/wireguard",
    "/etc/NetworkManager/system-connections", "/var/lib/kubelet", "/var/lib/docker", "/var/lib/containerd",
    "/var/spool/cron", "/var/backups",
)  # fmt: skip
_HOST_KEYS = "ssh_host_*_key"
_NAMED = {"HF_HOME": ("token", "stored_tokens"), "CARGO_HOME": ("credentials", "credentials.toml")}
_FILES = (
    "KUBECONFIG", "AWS_SHARED_CREDENTIALS_FILE", "GOOGLE_APPLICATION_CREDENTIALS", "NETRC", "NPM_CONFIG_USERCONFIG",
    "PIP_CONFIG_FILE", "HF_TOKEN_PATH", "SSH_AUTH_SOCK", "DOCKER_CONFIG",
)  # fmt: skip


def homes(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """This user's home directories: what `HOME` says, and what the system says."""
    found = [environ.get("HOME", "")]
    with suppress(KeyError):  # a user without an entry, as in containers
        found.append(pwd.getpwuid(os.getuid()).pw_dir)
    real = (Path(os.path.realpath(name)) for name in found if name.startswith("/"))
    return tuple(dict.fromkeys(path for path in real if path != Path("/") and path.is_dir()))


def hidden_places(environ: Mapping[str, str], evidence: Path) -> tuple[Path, ...]:
    """Folders of which only what is needed is shown again.

    Args:
        environ: the environment of this program.
        evidence: where runs are kept.
    """
    shared = (os.path.realpath(name) for name in _SHARED)
    found = (*homes(environ), *(Path(path) for path in shared if path != "/"), evidence)
    return tuple(dict.fromkeys(path for path in found if path.is_dir()))


def secret_places(environ: Mapping[str, str], granted: frozenset[str] = frozenset()) -> tuple[Path, ...]:
    """Files and folders with credentials that are there.

    Args:
        environ: the environment of this program.
        granted: variables that the operator passes on; the files they name are then no secrets.
    """
    return tuple(dict.fromkeys(path for path in _secrets(environ, granted) if _can_be_reached(path)))


def _secrets(environ: Mapping[str, str], granted: frozenset[str]) -> Iterator[Path]:
    for home in homes(environ):
        there = (path for name in _OF_A_HOME if os.access(path := f"{home}/{name}", os.F_OK))
        yield from (Path(os.path.realpath(path)) for path in there)
    yield from map(Path, _OF_THE_MACHINE)
    yield from Path("/etc/ssh").glob(_HOST_KEYS)
    for variable, names in _NAMED.items():
        if value := environ.get(variable):
            yield from (Path(os.path.realpath(Path(value, name))) for name in names)
    for variable in _FILES:
        for value in environ.get(variable, "").split(os.pathsep):
            if value.startswith("/") and variable not in granted:
                yield Path(os.path.realpath(value))
    if "DOCKER_HOST" not in granted:
        yield from engine_sockets(environ)


def _can_be_reached(path: Path) -> bool:
    """Whether it is there, is not everything, and could be read by this user at all."""
    return len(path.parts) > 2 and os.access(path, os.R_OK)
