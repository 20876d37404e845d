"""Simple commands: judged, then followed into whatever they start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner_env.execution.policy import builtins, shells, wrappers
from runner_env.execution.policy.feeding import FEEDING, given_starts, named_input
from runner_env.execution.policy.files import Files
from runner_env.execution.policy.invocation import Invocation
from runner_env.execution.policy.markers import (
    FETCHED,
    STAR,
    UNKNOWN,
    hollow,
    literal,
    unread,
    unsure,
    without_unset,
    without_unsure,
)
from runner_env.execution.policy.places import absolute
from runner_env.execution.policy.printed import printed
from runner_env.execution.policy.safe import downloaded_code
from runner_env.execution.policy.syntax import text_of
from runner_env.execution.policy.tasks import Tasks

if TYPE_CHECKING:
    from tree_sitter import Node

    from runner_env.execution.policy.interpreter import Interpreter
    from runner_env.execution.policy.state import State

_MAX_WRAPPERS = 12
_MAX_FOUND = 16
_EXECUTING = frozenset(("-exec", "-execdir", "-ok", "-okdir"))


@dataclass(slots=True)
class Launcher:
    """Follows the simple commands of one reading."""

    reading: Interpreter
    files: Files = field(init=False)
    tasks: Tasks = field(init=False)

    def __post_init__(self) -> None:
        self.files = Files(self.reading)
        self.tasks = Tasks(self.reading, self.files)

    def start(self, argv: list[str], state: State, node: Node) -> str:
        """Judge an evaluated command and follow it; gives what it prints.

        Args:
            argv: its words, with markers.
            state: the shell that starts it; changed by builtins.
            node: where it stands.
        """
        self.reading.bounds.spend(1 + sum(map(len, argv)) // 2048)
        where = self.reading.where(node)
        self.reading.judge.text((text_of(node), " ".join(argv)), where)
        if not argv:
            return ""
        if not hollow(argv[0]):
            if unsure(argv[0]):
                self.reading.judge.stripped(self._invocation((without_unsure(argv[0]), *argv[1:]), state), where)
            return self._invoke(tuple(argv), state, node)
        if FETCHED in argv[0]:
            self.reading.judge.hit(downloaded_code("the shell"), hard=False, where=where)
        known = [word for word in argv if not hollow(word)]
        if known:
            self.reading.judge.stripped(self._invocation(tuple(known), state), where)
        return UNKNOWN

    def _invocation(self, argv: tuple[str, ...], state: State) -> Invocation:
        return Invocation(
            name=_program(without_unset(argv[0]), state),
            args=argv[1:],
            cwd=state.cwd,
            root=state.root,
            feed=state.feed,
            in_script=self.reading.in_script,
            in_task=self.reading.in_task,
            exported=frozenset(state.exported),
        )

    def _invoke(self, argv: tuple[str, ...], state: State, node: Node) -> str:
        self.reading.bounds.enter()
        by_shell = True  # a program starts programs, never functions of the shell
        try:
            for _ in range(_MAX_WRAPPERS):
                if argv[0] in state.aliases:
                    argv = (*state.aliases[argv[0]].split(), *argv[1:])
                inv = self._invocation(argv, state)
                own = by_shell and (argv[0] in self.reading.own or argv[0] in state.functions)
                self.reading.judge.program(inv, own=own, where=self.reading.where(node))
                text = wrappers.given_text(inv.name, argv)
                if text is not None:
                    return self._text(text, state if inv.name == "eval" else state.fork(), node)
                inner = wrappers.unwrapped(inv.name, argv)
                if not inner:
                    return self._follow(inv, argv, state, node)
                by_shell = by_shell and inv.name in wrappers.KEYWORDS
                directory = wrappers.new_directory(inv.name, argv)
                if directory is not None:
                    state = state.fork()
                    state.cwd = absolute(literal(directory), state.cwd)
                if inv.name in FEEDING:
                    starts = given_starts(inv.name, argv, inner, self._fed(argv, state))
                    state = state.fork()
                    state.feed = None
                    for words in starts[1:]:
                        self._invoke(words, state.fork(), node)
                    inner = starts[0]
                argv = inner
            return UNKNOWN
        finally:
            self.reading.bounds.leave()

    def _follow(self, inv: Invocation, argv: tuple[str, ...], state: State, node: Node) -> str:
        body = state.functions.get(argv[0])
        if body is not None and self.reading.bounds.may_repeat():
            return self._call(body, inv, state)
        if inv.name in shells.SHELLS:
            return self._shell(shells.shell_call(argv), state, node)
        if inv.name in {"source", "."} and len(argv) > 1:
            return self._source(argv, state, node)
        if "/" in argv[0] and not inv.name:
            return self._script(argv[0], state.child(literal(argv[0]), argv[1:]), node, as_shell=False)
        return self._other(inv, argv, state, node)

    def _other(self, inv: Invocation, argv: tuple[str, ...], state: State, node: Node) -> str:
        """A program of the machine: what it starts, changes and prints."""
        if inv.name == "run-parts" and inv.operands:
            return self._script(f"{inv.operands[-1]}/{STAR}", state.child(None, ()), node, as_shell=False)
        if inv.name == "find":
            self._find(inv, argv, state, node)
        builtins.run(inv, state)
        self.files.copied(inv, state)
        if self.tasks.run(inv, state):
            return UNKNOWN
        known = self.files.printed(inv, state)
        return printed(inv) if known is None else known

    def _fed(self, argv: tuple[str, ...], state: State) -> str | None:
        path = named_input(argv)
        return self.files.fed(state) if path is None else self.files.text(path, state)

    def _call(self, body: Node, inv: Invocation, state: State) -> str:
        saved = state.positional
        state.positional = inv.args
        try:
            with self.reading.bounds.repeating():
                return self.reading.statement(body, state)
        finally:
            state.positional = saved

    def _find(self, inv: Invocation, argv: tuple[str, ...], state: State, node: Node) -> None:
        starts = [index for index, word in enumerate(argv[:-1], 1) if word in _EXECUTING]
        found = (self.files.found(inv, state)[:_MAX_FOUND] or [UNKNOWN]) if starts else []
        for start in starts:
            inner = argv[start:]
            end = next((i for i, part in enumerate(inner) if part in {";", "+"}), len(inner))
            for path in found if end else ():
                started = tuple(path if part == "{}" else part for part in inner[:end])
                self._invoke(started, state.fork(), node)

    def _shell(self, call: shells.ShellCall, state: State, node: Node) -> str:
        for first in (call.before, state.variables.get("BASH_ENV") if "BASH_ENV" in state.exported else None):
            if first is not None:
                self._script(first, state.child(None, ()), node, as_shell=True)
        if call.script is not None:
            return self._script(call.script, state.child(literal(call.script), call.args), node, as_shell=True)
        child = state.child(call.zero, call.args)
        if call.text is not None:
            return self._text(call.text, child, node)
        if not call.stdin or state.feed is None:
            return UNKNOWN
        child.feed = None
        path = unread(state.feed)
        if path is not None:  # `bash < file`
            return self._script(path, child, node, as_shell=True)
        return self._text(state.feed, child, node)

    def _source(self, argv: tuple[str, ...], state: State, node: Node) -> str:
        saved = state.positional, state.script
        state.positional = argv[2:] or state.positional
        try:
            return self._script(argv[1], state, node, as_shell=True, again=self.reading.bounds.may_repeat())
        finally:
            state.positional, state.script = saved

    def _text(self, text: str, state: State, node: Node) -> str:
        return self.reading.run(literal(text), state, fixed=self.reading.where(node))

    def _script(self, path: str, state: State, node: Node, *, as_shell: bool, again: bool = False) -> str:
        if path in shells.STDIN and state.feed is not None:
            return self._text(state.feed, state, node)
        found = self.files.matching(path, state)
        for match in found[1:]:
            self._script(match, state.child(match, ()), node, as_shell=as_shell)
        full = found[0] if found else absolute(literal(path), state.cwd or state.root)
        if full is None or unsure(full):
            return UNKNOWN
        if full in state.files:
            return self._text(state.files[full], state, node)
        scripts = self.reading.scripts
        script = scripts.load(full, as_shell=as_shell, again=again)
        if script is None:
            return UNKNOWN
        state.script = full
        scripts.being_read.add(script.path)
        try:
            return self.reading.run(script.text, state, file=script.name)
        finally:
            scripts.being_read.discard(script.path)


def _program(word: str, state: State) -> str:
    """The program's name; empty if it belongs to the repository, or cannot be told."""
    word = literal(word)
    if "/" not in word:
        return "" if unsure(word) else word
    full = absolute(word, state.cwd)
    if full is None or unsure(full) or full.startswith(f"{state.root.rstrip('/')}/"):
        return ""
    return full.rsplit("/", 1)[-1]
