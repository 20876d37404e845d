"""What an agent is told about its task, as values: `prompts` makes text of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_env.core import Finding
    from runner_env.hints import Hint


class Purpose(StrEnum):
    """What an agent is asked for; it decides what it may write."""

    SCAFFOLD = "scaffold"
    REPAIR = "repair"


@dataclass(frozen=True, slots=True)
class FailedRun:
    """The run that gave no score.

    Attributes:
        stage: where it failed, as in `failed_stage`.
        command: the shell command that ended it; empty if it was not a command.
        exit_code: of that command, None if it has none.
        ending: how that command ended, as in `runner_env.core.Ending`; empty if it was not a command.
        stdout: what that command wrote to standard output: all, or beginning and end.
        stderr: likewise.
        findings: what the runner found out, the decisive ones first.
    """

    stage: str
    command: str = ""
    exit_code: int | None = None
    ending: str = ""
    stdout: str = ""
    stderr: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A change that was not taken over.

    Attributes:
        path: POSIX, relative to the repository (undecodable bytes as surrogates).
        code: why, stable: `outside`, `output`, `link`, `name`, …
        why: the same for a person, as the end of a sentence that begins with the path.
    """

    path: str
    code: str
    why: str

    @property
    def quiet(self) -> bool:
        """Whether it is what tools leave behind, which nobody needs to be told of."""
        return self.code in ("byproduct", "environment")


@dataclass(frozen=True, slots=True)
class Brief:
    """A task for an agent.

    Attributes:
        purpose: scaffold or repair.
        hints: the commands that the repository states, the surest first.
        require_metrics: whether the evaluation has to give a score.
        require_samples: whether the rollout has to give samples.
        llm_kind: `remote` or `local_hf`; empty while no model is named.
        llm_model: the model's id, or the name of its directory.
        mode: `smoke` or `full`.
        secrets: names of the variables that the operator grants.
        failed: the run that failed; for a scaffold, the one that its last proposal was tried in.
        earlier: what was tried before and what became of it, a sentence each, oldest first.
        refused: what was refused in earlier turns of this task.
        max_chars: length that the prompt is cut to, by shortening what it quotes; None is no limit of its own.
    """

    purpose: Purpose
    hints: tuple[Hint, ...] = ()
    require_metrics: bool = True
    require_samples: bool = False
    llm_kind: str = ""
    llm_model: str = ""
    mode: str = "smoke"
    secrets: tuple[str, ...] = ()
    failed: FailedRun | None = None
    earlier: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    max_chars: int | None = None
