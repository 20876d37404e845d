"""What a command and all it starts may use besides time."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from runner_env.contract import variables as v
from runner_env.contract.model import MIN_OPEN_FILES, Security
from runner_env.errors import OptionError
from runner_env.execution import Limits

MIB = 1 << 20
DEFAULT_MEMORY_SHARE = 0.9
"""Of the memory that this machine, or the container around it, has."""

DEFAULT_PROCESSES = 4096
DEFAULT_DISK_MB = 20_000
DEFAULT_OUTPUT_MB = 20
DEFAULT_OPEN_FILES = 65536


_LEAST = {v.RUNNER_ENV_MAX_OPEN_FILES: MIN_OPEN_FILES}
_NUMBER = re.compile(r"[0-9]{1,9}")
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclass(frozen=True, slots=True)
class Resources:
    """The limits of every command, each for it and all it starts; `open_files` for each process.

    The operator's variable, or else the default, is the upper bound; the contract can only lower it.

    Attributes:
        memory_bytes: in memory at a time.
        processes: alive at a time.
        disk_bytes: more on the disk of the workspace than when the call began.
        output_bytes: of each output stream that are kept.
        open_files: at a time.
        unobserved: why the operator does not want commands to be observed; empty if that is wanted.
    """

    memory_bytes: int
    processes: int = DEFAULT_PROCESSES
    disk_bytes: int = DEFAULT_DISK_MB * MIB
    output_bytes: int = DEFAULT_OUTPUT_MB * MIB
    open_files: int = DEFAULT_OPEN_FILES
    unobserved: str = ""

    @classmethod
    def of(cls, security: Security, environ: Mapping[str, str], memory: Callable[[], int] | None = None) -> Resources:
        """The limits under `security` for an operator with these variables.

        Args:
            security: what the contract asks for.
            environ: the operator's environment.
            memory: bytes that the machine has (default: `machine_memory`).

        Raises:
            OptionError: a variable is not a positive whole number, or `RUNNER_ENV_OBSERVE` is neither `on` nor `off`.
        """

        def limit(name: str, default: int, asked: int | None) -> int:
            own = _amount(name, environ) or default
            return min(own, asked or own)

        share = int((memory or machine_memory)() * DEFAULT_MEMORY_SHARE) // MIB
        return cls(
            memory_bytes=limit(v.RUNNER_ENV_MAX_MEMORY_MB, share, security.max_memory_mb) * MIB,
            processes=limit(v.RUNNER_ENV_MAX_PROCESSES, DEFAULT_PROCESSES, security.max_processes),
            disk_bytes=limit(v.RUNNER_ENV_MAX_DISK_MB, DEFAULT_DISK_MB, security.max_disk_mb) * MIB,
            output_bytes=limit(v.RUNNER_ENV_MAX_OUTPUT_MB, DEFAULT_OUTPUT_MB, security.max_output_mb) * MIB,
            open_files=limit(v.RUNNER_ENV_MAX_OPEN_FILES, DEFAULT_OPEN_FILES, security.max_open_files),
            unobserved=_unobserved(environ),
        )

    def limits(self, seconds: float, watch: Callable[[], str] | None = None) -> Limits:
        """What a command may use that has so many seconds."""
        return Limits(
            timeout_s=seconds,
            memory_bytes=self.memory_bytes,
            processes=self.processes,
            open_files=self.open_files,
            watch=watch,
        )


def machine_memory() -> int:
    """Bytes of memory that this machine has, or that the container around this program allows."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min((whole, *filter(None, map(_number_in, _CGROUP_LIMITS))))


def _number_in(path: Path) -> int:
    try:
        text = path.read_text("ascii").strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0


def _unobserved(environ: Mapping[str, str]) -> str:
    value = environ.get(v.RUNNER_ENV_OBSERVE, "").strip() or "on"
    if value not in {"on", "off"}:
        raise OptionError("bad_option", f"{v.RUNNER_ENV_OBSERVE} is {value!r}", hint="Use on or off.")
    return f"{v.RUNNER_ENV_OBSERVE}=off" if value == "off" else ""


def _amount(name: str, environ: Mapping[str, str]) -> int | None:
    least = _LEAST.get(name, 1)
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or int(text) < least:
        hint = f"Use a whole number from {least} to 999999999."
        raise OptionError("bad_limit", f"{name} is {text!r}, which is no such limit", hint=hint)
    return int(text)
