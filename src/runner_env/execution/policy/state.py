"""What is known of a shell at one point of a script."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner_env.execution.policy.bounds import MAX_TEXT
from runner_env.execution.policy.markers import FETCHED, HOME, UNKNOWN, UNSET, UNSET_QUOTED

if TYPE_CHECKING:
    from tree_sitter import Node

# Set by the runner, the login or the surrounding tools: their being unset is not the script's mistake.
_AMBIENT = frozenset(
    (
        *("USER", "LOGNAME", "HOSTNAME", "TMPDIR", "TMP", "TEMP", "OLDPWD", "UID", "EUID", "RANDOM"),
        *("SECONDS", "LINENO", "PATH", "SHELL", "PYTHON", "CI", "VIRTUAL_ENV", "CONDA_PREFIX", "CARGO_HOME"),
        *("GOPATH", "JAVA_HOME", "WORKSPACE"),
    )
)
_AMBIENT_PREFIXES = ("AIDER_", "OPENAI_", "XDG_", "GITHUB_", "RUNNER_", "CI_", "BASH_", "HF_", "UV_", "PIP_", "NPM_")


@dataclass(slots=True)
class State:
    """One shell, as far as reading alone tells.

    Attributes:
        cwd: absolute directory, perhaps beginning with the HOME marker; None if unknown.
        root: the repository, absolute.
        script: what `$0` is; None outside a script.
        positional: `$1` and so on; None if unknown.
        variables: name → value; UNKNOWN for a value that cannot be told.
        exported: names that child processes see.
        functions: name → body.
        aliases: name → text.
        files: absolute path → text that was written to it before.
        guarded: variables that the text tests before use, as in `[ -n "$X" ]` and `${X:?}`.
        feed: what standard input holds; None if nothing is fed to it.
        nounset: whether using an unset variable ends the shell.
    """

    cwd: str | None
    root: str
    script: str | None = None
    positional: tuple[str, ...] | None = ()
    variables: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    functions: dict[str, Node] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    guarded: set[str] = field(default_factory=set)
    feed: str | None = None
    nounset: bool = False

    def fork(self) -> State:
        """A subshell: sees everything, changes nothing here, save the files it writes."""
        return State(
            cwd=self.cwd,
            root=self.root,
            script=self.script,
            positional=self.positional,
            variables=self.variables.copy(),
            exported=self.exported.copy(),
            functions=self.functions.copy(),
            aliases=self.aliases.copy(),
            files=self.files,
            guarded=self.guarded,
            feed=self.feed,
            nounset=self.nounset,
        )

    def child(self, script: str | None, positional: tuple[str, ...]) -> State:
        """A new shell process: sees the exported variables only."""
        kept = {name: value for name, value in self.variables.items() if name in self.exported}
        return State(
            cwd=self.cwd,
            root=self.root,
            script=script,
            positional=positional,
            variables=kept,
            exported=set(self.exported),
            files=self.files,
            feed=self.feed,
        )

    def lookup(self, name: str, *, quoted: bool) -> str:
        """The value of `$name`, with markers for what is not known."""
        if self.variables.get(name):
            return self.variables[name]
        if name.isdigit():
            return self._parameter(int(name))
        missing = UNKNOWN if name in self.guarded else UNSET_QUOTED if quoted else UNSET
        if name in self.variables:
            return missing
        special = {
            "HOME": HOME,
            "PWD": self.cwd,
            "IFS": " ",
            "AIDER_FSM_REPO_ROOT": self.root,
            "BASH_SOURCE": self.script,
        }
        if name in special:
            return special[name] or UNKNOWN
        if not name.isidentifier() or name in _AMBIENT or name.startswith(_AMBIENT_PREFIXES):
            return UNKNOWN
        return UNKNOWN if self.nounset else missing

    def is_unset(self, name: str) -> bool:
        """Whether nothing known sets `name`, so that a default given in `${name:-…}` may well be its value."""
        if name.isdigit():
            position = int(name)
            return position > 0 and (self.positional is None or position > len(self.positional))
        return not self.variables.get(name) and self.lookup(name, quoted=False) in {UNSET, UNKNOWN}

    def _parameter(self, position: int) -> str:
        if position == 0:
            return self.script or UNKNOWN
        given = self.positional or ()
        return given[position - 1] if position <= len(given) else UNKNOWN

    def remember(self, path: str | None, text: str, *, append: bool = False) -> None:
        """Note that `text` is written to the file at absolute `path`."""
        if path and not path.startswith("/dev/"):
            # A download that is kept may be checked before it is run: only one that is piped is run unseen.
            old = self.files.get(path, "") if append else ""
            self.files[path] = (old + text.replace(FETCHED, UNKNOWN))[:MAX_TEXT]

    def assign(self, name: str, value: str, *, append: bool = False) -> None:
        """Set a variable; with `append`, add to what it holds."""
        old = self.variables.get(name, "") if append else ""
        self.variables[name] = (old + value)[:4096]
