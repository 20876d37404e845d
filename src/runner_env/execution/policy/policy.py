"""The policy itself: options in, refusal out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from runner_env.execution.policy.options import PolicyOptions, Refusal
from runner_env.execution.policy.state import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.core import Where
    from runner_env.execution.policy.invocation import Hit, Invocation

# The order in which refusals count when a command earns several.
_ORDER = (
    "blocked_by_hard_deny",
    "blocked_by_safe_mode",
    "blocked_by_denylist",
    "blocked_by_allowlist",
    "interactive_command",
    "unreadable_script",
    "script_too_large",
    "unparsable_command",
)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error:
        return re.compile(re.escape(pattern), re.IGNORECASE)


class Policy:
    """Judges command lines before they are started.

    Args:
        options: the mode, the user's lists and whether a person is at hand.

    Raises:
        ValueError: `mode` or `unattended` is none of the published values.
    """

    def __init__(self, options: PolicyOptions) -> None:
        if options.mode not in {"safe", "system"}:
            raise ValueError(f"mode is 'safe' or 'system', not {options.mode!r}")
        if options.unattended not in {"strict", "guided"}:
            raise ValueError(f"unattended is 'strict' or 'guided', not {options.unattended!r}")
        self._options = options
        self._denied = [(pattern, _compiled(pattern)) for pattern in options.denylist]
        self._allowed = [_compiled(pattern) for pattern in options.allowlist]

    def check(
        self, command: str, *, cwd: Path, root: Path, env: Mapping[str, str] = MappingProxyType({})
    ) -> Refusal | None:
        """Judge one command line, and the shell scripts of the repository that it starts.

        The answer depends on the text and on the files it names, on nothing else; the work is bounded.

        Args:
            command: shell text, one line or several.
            cwd: the directory it will be started in.
            root: the repository; scripts outside it are not read.
            env: variables that are known to be set for the command, with their values.

        Returns:
            The gravest reason not to start it, or None.
        """
        if not command.strip():
            return Refusal("empty_command", "The command is empty.", None, None)
        report = _Report(self._options, self._denied)
        report.text((command,), None)
        if self._allowed and not any(pattern.search(command) for pattern in self._allowed):
            report.add("blocked_by_allowlist", "The command matches no pattern of the allowlist.", None, None)
        _read(
            command,
            report,
            State(cwd=str(cwd.absolute()), root=str(root.absolute()), variables=dict(env), exported=set(env)),
        )
        return min(report.found.values(), key=lambda refusal: _ORDER.index(refusal.code), default=None)


def _read(command: str, report: _Report, state: State) -> None:
    from runner_env.execution.policy.bounds import TooComplex
    from runner_env.execution.policy.interpreter import Interpreter
    from runner_env.execution.policy.markers import cleaned
    from runner_env.execution.policy.scripts import ScriptProblem, Scripts

    try:
        Interpreter(report, Scripts(Path(state.root))).run(cleaned(command), state)
    except ScriptProblem as problem:
        report.add(problem.code, f"{problem}.", problem.where, None)
    except TooComplex as problem:
        report.add("unparsable_command", f"The command cannot be judged: {problem}.", problem.where, None)


@dataclass(slots=True)
class _Report:
    """Collects the first refusal of each kind."""

    options: PolicyOptions
    denied: list[tuple[str, re.Pattern[str]]]
    found: dict[str, Refusal] = field(default_factory=dict)

    def add(self, code: str, message: str, where: Where | None, pattern: str | None) -> None:
        self.found.setdefault(code, Refusal(code, message, where, pattern))

    def text(self, texts: tuple[str, ...], where: Where | None) -> None:
        for pattern, compiled in self.denied:
            if any(compiled.search(text) for text in texts):
                self.add(
                    "blocked_by_denylist", f"The command matches the denylist's pattern {pattern!r}.", where, pattern
                )

    def hit(self, hit: Hit, *, hard: bool, where: Where | None) -> None:
        if hard:
            self.add("blocked_by_hard_deny", f"{hit.message}. No mode allows this.", where, hit.pattern)
        elif self.options.mode == "safe":
            self.add("blocked_by_safe_mode", f"{hit.message}. Mode 'system' allows this.", where, hit.pattern)

    def stripped(self, inv: Invocation, where: Where | None) -> None:
        from runner_env.execution.policy.hard import hard_deny

        hit = hard_deny(inv)
        if hit:
            self.hit(hit, hard=True, where=where)

    def program(self, inv: Invocation, *, own: bool, where: Where | None) -> None:
        from runner_env.execution.policy.interactive import waits_for_a_person
        from runner_env.execution.policy.safe import safe_deny

        self.stripped(inv, where)
        if own:
            return
        hit = safe_deny(inv)
        if hit:
            self.hit(hit, hard=False, where=where)
        if self.options.unattended == "strict":
            waits = waits_for_a_person(inv)
            if waits:
                self.add("interactive_command", f"{waits.message}.", where, waits.pattern)
