"""Every error that a user can meet, as one tree.

    RunnerEnvError
    ├── InputError (ValueError)             what the caller handed in cannot be used; exit code 2
    │   ├── OptionError                     a keyword, flag or environment variable
    │   ├── ModelNotFound (FileNotFoundError)
    │   ├── ModelNotADirectory (NotADirectoryError)
    │   ├── TargetError                     the repository cannot be had
    │   │   └── TargetNotFound (FileNotFoundError)
    │   ├── RunError                        a stored run cannot be found, resumed or tidied up
    │   └── ContractError                   pipeline.yml, bootstrap.yml or actions.yml; carries every problem found
    │       ├── ContractMissing (FileNotFoundError)
    │       └── DefinitionError             a config, case or skill file of skill testing
    ├── WorkspaceBusy                       another run holds this workspace; names it
    ├── EvidenceError (OSError)             evidence could not be written or read; the run is unscored
    ├── ExecutionError                      the box could not be started or was lost; the run is unscored
    ├── BudgetExhausted                     a call was not made, because the run has used up what it may
    ├── ProviderError                       a model, harness or provider gave no usable answer; the trial is unscored
    ├── HarnessError                        an agent program could not be started, or took no usable turn
    ├── ScaffoldFailed (RuntimeError)       agents or rules could write no contract that can be used
    └── PlatformUnsupported                 this operating system cannot do what was asked

An error says what happened (`message`), where (`where`, file:line:column) and what to do (`hint`); `code` is stable
and is what programs compare. A step of a run that failed is not an error but a value (`runner_env.core.Outcome`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_env.core import FailureKind, Finding, Usage, Where

__all__ = [
    "BudgetExhausted",
    "ContractError",
    "ContractMissing",
    "DefinitionError",
    "EvidenceError",
    "ExecutionError",
    "HarnessError",
    "InputError",
    "ModelNotADirectory",
    "ModelNotFound",
    "OptionError",
    "PlatformUnsupported",
    "ProviderError",
    "RunError",
    "RunnerEnvError",
    "ScaffoldFailed",
    "TargetError",
    "TargetNotFound",
    "WorkspaceBusy",
]


class RunnerEnvError(Exception):
    """The root of the tree.

    Args:
        code: stable identifier, lower case with underscores.
        message: what happened, one or more sentences.
        where: file, line and column, if the cause lies in a file.
        hint: what to do about it.
    """

    def __init__(self, code: str, message: str, *, where: Where | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        tail = f" Hint: {self.hint}" if self.hint else ""
        return f"{head} [{self.code}]{tail}"

    def __reduce__(self) -> tuple[object, ...]:
        # Exception's own way calls the class with `args` alone, which have only the message.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[RunnerEnvError], args: tuple[object, ...], state: dict[str, object]) -> RunnerEnvError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class InputError(RunnerEnvError, ValueError):
    """What the caller handed in cannot be used."""


class OptionError(InputError):
    """A keyword, flag or environment variable has an unusable value."""


class ModelNotFound(InputError, FileNotFoundError):
    """`llm` names a path that does not exist."""


class ModelNotADirectory(InputError, NotADirectoryError):
    """`llm` names a path that is not a directory."""


class TargetError(InputError):
    """The repository cannot be had: no git, a failed clone, an unknown ref."""


class TargetNotFound(TargetError, FileNotFoundError):
    """The target is a path, and nothing is there."""


class RunError(InputError):
    """A stored run cannot be found, resumed or tidied up; nothing of it was run."""


class ContractError(InputError):
    """A contract file cannot be used.

    Args:
        findings: every problem found, in file order; the first one makes the message.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        first = findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(first.code, first.message + more, where=first.where, hint=first.hint)
        self.findings = tuple(findings)


class ContractMissing(ContractError, FileNotFoundError):
    """The repository has no contract."""


class DefinitionError(ContractError):
    """A config, case, list of mocks or skill file of skill testing cannot be used."""


class WorkspaceBusy(RunnerEnvError):
    """Another run holds this workspace."""


class EvidenceError(RunnerEnvError, OSError):
    """Evidence could not be written or read; what was recorded earlier stays readable."""


class ExecutionError(RunnerEnvError):
    """The box that runs commands could not be started, or was lost."""


class ProviderError(RunnerEnvError):
    """A model, a harness or a provider gave no usable answer.

    Args:
        code: as `kind`, or finer: `no_verdict`, `reply_too_large`, ...
        message: what happened.
        context: who was asked: `respond`, `user`, `judge`, `oneharness:<harness>`, `api-judge`.
        kind: the class of the failure, if it is known.
        hint: what to do about it.
        raw: what was answered, as it came, at most 64 Ki characters of it.
        usage: what the call consumed all the same, if that was reported.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        context: str,
        kind: FailureKind | None = None,
        hint: str | None = None,
        raw: str = "",
        usage: Usage | None = None,
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.context = context
        self.kind = kind
        self.raw = raw
        self.usage = usage


class HarnessError(RunnerEnvError):
    """An agent program could not be started, or took no usable turn. Its code is `agent_` and the kind.

    Args:
        kind: the class of the failure, by our own reading.
        message: what happened.
        harness: the program that was asked.
        hint: what to do about it.
        raw: what the program said, as it came, at most 64 Ki characters of it.
        usage: what the turn consumed all the same, if that was reported.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        harness: str,
        hint: str | None = None,
        raw: str = "",
        usage: Usage | None = None,
    ) -> None:
        super().__init__(f"agent_{kind}", message, hint=hint)
        self.kind = kind
        self.harness = harness
        self.raw = raw
        self.usage = usage


class ScaffoldFailed(RunnerEnvError, RuntimeError):
    """An agent was to write a contract, and wrote none that can be used; what it did is kept where `hint` says."""


class BudgetExhausted(RunnerEnvError):
    """A call was not made, because the run has used up the money, tokens or time that it may."""


class PlatformUnsupported(RunnerEnvError):
    """This operating system cannot do what was asked."""
