"""What a harness is told when it is made: one value, handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner_env.core import Ambient
from runner_env.execution.levels import Wanted
from runner_env.text.clipping import head_tail

AUTO = "auto"
RECOVER_ATTEMPTS = 2
RECOVER_BACKOFF_S = 2.0
_LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Premises:
    """The folders that agent programs are about: absolute, resolved, existing.

    Attributes:
        copies: holds every directory that sessions work in; the agents may write to all of it.
        scratch: an empty folder for this harness alone, in which it makes what it needs; who made it removes it.
        hidden: what no agent may see, besides other homes and credentials: evidence, the original of a target.
    """

    copies: Path
    scratch: Path
    hidden: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class HarnessOptions:
    """Which agent program, how it is reached, and where it runs.

    Attributes:
        premises: the folders it is about.
        environ: the operator's environment, of which it is passed what `footprints` lists for it.
        name: `opencode`, `oneharness:<harness>`, or `auto`.
        url: of an OpenCode server that runs elsewhere; empty: one is started.
        pass_env: further variables that the program is to have.
        wanted: at which levels of containment it may run.
        retry_attempts: how often a turn is taken again after a failure that may pass.
        retry_backoff_s: seconds before the first of these; doubled each time, up to 30.
        session_recover_attempts: how often a local server that died is started again in a turn.
        session_recover_backoff_s: seconds before the first of these; doubled each time, up to 30.
        context_length: tokens that the model's context holds; None: as the program knows it.
        max_prompt_chars: longer prompts lose their middle; None: any length.
        ambient: clock and randomness.
    """

    premises: Premises
    environ: Mapping[str, str] = field(repr=False)
    name: str = AUTO
    url: str = ""
    pass_env: tuple[str, ...] = ()
    wanted: Wanted = field(default_factory=lambda: Wanted.of(("auto", "host")))
    retry_attempts: int = 2
    retry_backoff_s: float = 2.0
    session_recover_attempts: int = RECOVER_ATTEMPTS
    session_recover_backoff_s: float = RECOVER_BACKOFF_S
    context_length: int | None = None
    max_prompt_chars: int | None = None
    ambient: Ambient = field(default_factory=Ambient, repr=False)

    def clipped(self, prompt: str) -> str:
        """The prompt, of the length that is allowed."""
        return prompt if self.max_prompt_chars is None else head_tail(prompt, self.max_prompt_chars)


def backoff_s(base_s: float, attempt: int) -> float:
    """Seconds to wait before repetition `attempt` (from 1): `base_s`, doubled each time, 30 at most."""
    return min(_LONGEST_WAIT_S, base_s * 2.0 ** (attempt - 1))
