"""The one way to call git: fixed options, a scrubbed environment, an end in sight.

A repository is hostile until shown otherwise, and its `.git/config` can name programs in more places than anybody can
list. Commands that look into one (`Git.local`) therefore see neither the user's configuration nor, as far as possible,
that of the repository (`runner_env.targets.repository`); commands that fetch (`Git.remote`) run in a directory of our
own making, with the user's configuration, so that proxies, `insteadOf` and credential helpers work.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.errors import TargetError
from runner_env.targets.address import masked

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL_TIMEOUT_S = 60.0
"""For a look into a repository on this machine."""

_STDOUT_LIMIT = 1 << 28
_STDERR_TAIL = 2000

_OPTIONS = {
    "advice.detachedHead": "false",
    "core.alternateRefsCommand": "",
    "core.askPass": "",
    "core.attributesFile": "/dev/null",
    "core.editor": "false",
    "core.excludesFile": "/dev/null",
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.untrackedCache": "false",
    "diff.external": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.ext.allow": "never",
    "status.renames": "false",
    "submodule.recurse": "false",
}
_LOCAL_OPTIONS = {
    "core.sshCommand": "false",
    "credential.helper": "",
    "protocol.allow": "never",
    # Somebody else's checkout is no danger where its configuration is not used.
    "safe.directory": "*",
}
_REMOTE_OPTIONS = {
    "core.autocrlf": "false",
    "fetch.fsckObjects": "true",
    # Blemishes of old, honest histories; what is dangerous stays an error.
    "fetch.fsck.badTimezone": "ignore",
    "fetch.fsck.missingSpaceBeforeDate": "ignore",
    "fetch.fsck.zeroPaddedFilemode": "ignore",
}
_ENVIRONMENT = {
    "GIT_ASKPASS": "",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LANGUAGE": "C",
    "LC_ALL": "C",
    "SSH_ASKPASS_REQUIRE": "never",
}
_KEPT_FOR_REMOTE = re.compile(
    r"GIT_(?:CONFIG_(?:GLOBAL|COUNT|KEY_\d+|VALUE_\d+)|SSH\w*|SSL_\w+|PROXY_SSL_\w+|HTTP_\w+)"
)
_HELPER = '!f() { printf "username=%s\\npassword=%s\\n" "$RUNNER_ENV_GIT_USER" "$RUNNER_ENV_GIT_PASSWORD"; }; f'


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one git command.

    Attributes:
        code: exit code, 0 for success; negative for a signal.
        stdout: bytes, because git's paths are bytes.
        stderr: the last 2000 characters, credentials and control codes removed.
    """

    code: int
    stdout: bytes
    stderr: str


@dataclass(frozen=True, slots=True)
class Git:
    """How git is called.

    Attributes:
        program: absolute path of the git program.
        environ: the environment of each call.
        options: configuration that wins over every file.
        deadline: on `time.monotonic`; no call lasts longer.
        secret: never to be seen in a message.
    """

    program: str
    environ: Mapping[str, str] = field(repr=False)
    options: tuple[tuple[str, str], ...]
    deadline: float
    secret: str = field(default="", repr=False)

    @classmethod
    def local(cls, environ: Mapping[str, str], *, timeout_s: float = LOCAL_TIMEOUT_S) -> Git:
        """For a look into an existing repository: no network, no configuration of the user, no lock, no write.

        Raises:
            TargetError: `git_missing`.
        """
        env = {**_inherited(environ), **_ENVIRONMENT, "GIT_ALLOW_PROTOCOL": "none", "GIT_CONFIG_GLOBAL": "/dev/null"}
        options = (*_OPTIONS.items(), *_LOCAL_OPTIONS.items())
        return cls(_program(env), env, options, time.monotonic() + timeout_s)

    @classmethod
    def remote(
        cls, environ: Mapping[str, str], *, timeout_s: float, credentials: tuple[str, str | None] | None, host: str
    ) -> Git:
        """For fetching into a repository of our own making.

        Args:
            environ: the process environment.
            timeout_s: seconds for all calls together.
            credentials: user and password for `host`; they reach git in its environment, never in arguments or files.
            host: `scheme://host[:port]` that alone may see the credentials.

        Raises:
            TargetError: `git_missing`.
        """
        kept = {name: value for name, value in environ.items() if _KEPT_FOR_REMOTE.fullmatch(name)}
        env = {**_inherited(environ), **kept, **_ENVIRONMENT, "GIT_ALLOW_PROTOCOL": "file:http:https:ssh"}
        options = [*_OPTIONS.items(), *_REMOTE_OPTIONS.items()]
        user, password = credentials or ("", None)
        if password is not None:
            env |= {"RUNNER_ENV_GIT_USER": user, "RUNNER_ENV_GIT_PASSWORD": password}
            options += [("credential.helper", ""), (f"credential.{host}.helper", _HELPER)]
        elif user:
            options += [(f"credential.{host}.username", user)]
        secret = user if password is None else password
        return cls(_program(env), env, tuple(options), time.monotonic() + timeout_s, secret)

    def at(
        self, git_dir: Path, *, work_tree: Path | None = None, index: Path | None = None, objects: Path | None = None
    ) -> Git:
        """The same for a git directory that is named instead of searched for, and parts that lie elsewhere."""
        places = {
            "GIT_DIR": git_dir,
            "GIT_WORK_TREE": work_tree,
            "GIT_INDEX_FILE": index,
            "GIT_OBJECT_DIRECTORY": objects,
        }
        extra = {name: os.fspath(path) for name, path in places.items() if path is not None}
        return replace(self, environ={**self.environ, **extra})

    def with_variables(self, variables: Mapping[str, str]) -> Git:
        """The same with further variables of git's own."""
        return replace(self, environ={**self.environ, **variables})

    def run(self, *args: str, cwd: Path) -> Result:
        """Run one command to its end, whatever its exit code.

        Raises:
            TargetError: `git_timeout`, `git_output` (more than 256 MiB), `git_missing`.
        """
        argv = [self.program, "--no-pager"]
        for name, value in self.options:
            argv += ["-c", f"{name}={value}"]
        try:
            process = subprocess.Popen(
                [*argv, *args],
                cwd=cwd,
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (FileNotFoundError, PermissionError) as error:
            raise _missing() from error
        with process:
            try:
                stdout, stderr = _drain(process, args[0], self.deadline)
                code = process.wait(timeout=max(0.1, self.deadline - time.monotonic()))
            except subprocess.TimeoutExpired as error:
                raise _too_slow(args[0]) from error
            finally:
                _end_group(process)
        return Result(code, stdout, masked(stderr.decode(errors="replace"), self.secret)[-_STDERR_TAIL:].strip())

    def output(self, *args: str, cwd: Path) -> bytes:
        """The standard output of a command that must succeed.

        Raises:
            TargetError: `git_failed` with the end of git's own message, and all of `run`.
        """
        result = self.run(*args, cwd=cwd)
        if result.code != 0:
            raise TargetError(
                "git_failed",
                f"git {args[0]} failed with exit code {result.code}: {result.stderr}",
                hint=f"Look at it with git status in {os.fspath(cwd)!r}.",
            )
        return result.stdout


def _inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without git's own variables, and with a PATH that cannot lead into a checkout."""
    env = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    return env | {"PATH": os.pathsep.join(entry for entry in entries if Path(entry).is_absolute())}


def _program(env: Mapping[str, str]) -> str:
    program = shutil.which("git", path=env["PATH"])
    if program is None:
        raise _missing()
    return program


def _missing() -> TargetError:
    return TargetError(
        "git_missing", "The program git was not found.", hint="Install git, or give the path of a directory."
    )


def _too_slow(command: str) -> TargetError:
    return TargetError(
        "git_timeout",
        f"git {command} did not end in time and was stopped.",
        hint="Try again, or raise AIDER_FSM_GIT_CLONE_TIMEOUT_SECONDS if the repository is large.",
    )


def _drain(process: subprocess.Popen[bytes], command: str, deadline: float) -> tuple[bytes, bytes]:
    """All of standard output and the end of standard error."""
    assert process.stdout is not None
    assert process.stderr is not None
    stdout, stderr = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, stdout)
        selector.register(process.stderr, selectors.EVENT_READ, stderr)
        while selector.get_map():
            events = selector.select(max(0.0, min(0.2, deadline - time.monotonic())))
            for key, _ in events:
                chunk = os.read(key.fd, 1 << 16)
                key.data.extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            del stderr[: -4 * _STDERR_TAIL]
            if len(stdout) > _STDOUT_LIMIT:
                raise TargetError("git_output", f"git {command} printed more than {_STDOUT_LIMIT >> 20} MiB.")
            if time.monotonic() > deadline:
                raise _too_slow(command)
            # A connection shared by ssh outlives git and keeps its standard error open.
            if not events and process.poll() is not None:
                break
    return bytes(stdout), bytes(stderr)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    # Once git has been waited for, its number may belong to somebody else.
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
