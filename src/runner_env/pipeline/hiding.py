"""Which values are secret, and keeping them out of everything that is recorded."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import BinaryIO, TypeVar

from runner_env.core import Finding, Verdict
from runner_env.text.masking import Masker, looks_secret
from runner_env.verification.model import Stored

_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
_BLOCK_BYTES = 1 << 20

Store = Callable[[int, str, int], Stored | None]
Value = TypeVar("Value")


def secrets_in(env: Mapping[str, str], named: tuple[str, ...] = ()) -> dict[str, str]:
    """The values of `env` that must not be recorded, by name.

    These are the values whose name says so or is in `named`, and the passwords in URLs.
    """
    found = {name: value for name, value in env.items() if name in named or looks_secret(name)}
    for name, value in env.items():
        found |= {f"{name} (password {n})": word for n, word in enumerate(_PASSWORD.findall(value), start=1)}
    return found


def joined(known: dict[str, str], more: Mapping[str, str]) -> None:
    """Add `more` to the secrets that are `known`; a name that has a second value keeps the first as well."""
    for name, value in more.items():
        free = name
        while known.get(free, value) != value:
            free += "'"
        known[free] = value


def not_masked(env: Mapping[str, str], named: tuple[str, ...]) -> list[Finding]:
    """A note for every secret among the variables of a stage that is too short to be masked."""
    secrets = {name: value for name, value in secrets_in(env, named).items() if value.strip()}
    return [
        Finding(
            "secret_not_masked",
            f"The value of {name} is too short to be masked in what is recorded.",
            hint="Use a longer value, or rename the variable if it is no secret.",
            verdict=Verdict.PASSED,
        )
        for name in Masker(secrets).unmaskable
    ]


def hidden(masker: Masker, value: Value) -> Value:
    """`value`, as JSON has it, with the secrets in its texts and keys masked."""
    if isinstance(value, str):
        return masker.text(value)  # type: ignore[return-value]
    if isinstance(value, dict):
        return {masker.text(key): hidden(masker, item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [hidden(masker, item) for item in value]  # type: ignore[return-value]
    return value


def hidden_finding(masker: Masker, finding: Finding) -> Finding:
    """The finding with the secrets in its texts masked."""
    hint = finding.hint and masker.text(finding.hint)
    return replace(finding, message=masker.text(finding.message), hint=hint)


def has_secret(masker: Masker, fd: int) -> bool:
    """Whether an open regular file holds a secret; its offset stays."""
    stream = masker.stream()
    for block in _blocks(fd):
        stream.feed(block)
        if stream.count:
            return True
    stream.flush()
    return stream.count > 0


def masked_copy(masker: Masker, fd: int) -> BinaryIO:
    """A copy of an open regular file without the secrets in it; it is gone when it is closed."""
    stream = masker.stream()
    with ExitStack() as on_error:
        copy = on_error.enter_context(tempfile.TemporaryFile())
        for block in _blocks(fd):
            copy.write(stream.feed(block))
        copy.write(stream.flush())
        copy.flush()
        on_error.pop_all()
        return copy


def _blocks(fd: int) -> Iterator[bytes]:
    offset = 0
    while block := os.pread(fd, _BLOCK_BYTES, offset):
        offset += len(block)
        yield block


@dataclass(frozen=True, slots=True)
class SecretFree:
    """Stores files, but not one that holds a secret: of that only the hash is kept, as of one that is too large.

    Attributes:
        store: stores a file.
        masker: knows the secrets.
        refused: where those files would have gone.
    """

    store: Store
    masker: Masker
    refused: list[str] = field(default_factory=list)

    def __call__(self, fd: int, relative: str, limit: int) -> Stored | None:
        """As `store`, which returns None for a file that is not kept."""
        if not has_secret(self.masker, fd):
            return self.store(fd, relative, limit)
        self.refused.append(relative)
        return None

    def notes(self, stage: str) -> tuple[Finding, ...]:
        """A note for each file of `stage` that was not kept."""
        return tuple(
            Finding(
                "secret_in_artifact",
                f"{relative.rpartition('/')[2]} holds the value of a secret; only its hash was kept.",
                hint="Keep secrets out of what the stage writes.",
                verdict=Verdict.PASSED,
                stage=stage,
            )
            for relative in self.refused
        )
