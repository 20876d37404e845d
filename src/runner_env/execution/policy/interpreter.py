"""Walks shell text in the order in which it would run."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from runner_env.core import Where
from runner_env.execution.policy.bounds import MAX_TEXT, Bounds, TooComplex
from runner_env.execution.policy.hard import fork_bomb
from runner_env.execution.policy.launch import Launcher
from runner_env.execution.policy.markers import UNKNOWN
from runner_env.execution.policy.redirections import REDIRECTS, Redirections
from runner_env.execution.policy.syntax import (
    SUBSTITUTIONS,
    function_names,
    guarded_names,
    parse,
    substitutions,
    text_of,
)
from runner_env.execution.policy.words import Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

    from runner_env.execution.policy.judge import Judge
    from runner_env.execution.policy.scripts import Scripts
    from runner_env.execution.policy.state import State

_MAX_LOOP = 16
_ITSELF = frozenset(("$0", '"$0"', "${0}", '"${0}"', "bash $0", "sh $0", 'bash "$0"', 'sh "$0"'))
_BRACED = re.compile(r"\{([^\s{}]+,[^\s{}]*)\}([^;&|\n]*)")  # `{rm,-rf,x}` as a command, which the grammar cannot read
_WORDS = frozenset(
    (
        *("word", "string", "raw_string", "ansi_c_string", "translated_string", "concatenation", "simple_expansion"),
        *("expansion", "number", "brace_expression", "arithmetic_expansion", "command_name", *SUBSTITUTIONS),
    )
)
# What can start a program only by a substitution within it.
_INERT = (_WORDS - SUBSTITUTIONS).union(
    ("comment", "heredoc_start", "heredoc_end", "test_command", "binary_expression", "unary_expression"),
    ("postfix_expression", "ternary_expression", "parenthesized_expression"),
)


@dataclass(slots=True)
class Interpreter:
    """One reading of one command line and of the scripts it starts.

    Attributes:
        judge: is told what would be started.
        scripts: the repository's scripts.
        bounds: what has been spent so far.
        file: the script that is being read; None outside scripts.
        fixed: the place to report for text that is no file, such as the argument of `bash -c` in a script.
        own: names of the functions that the text being read defines.
        in_task: whether a task of the project runs the text.
    """

    judge: Judge
    scripts: Scripts
    bounds: Bounds = field(default_factory=Bounds)
    file: str | None = None
    fixed: Where | None = None
    own: frozenset[str] = frozenset()
    in_task: bool = False
    launcher: Launcher = field(init=False)
    redirections: Redirections = field(init=False)

    def __post_init__(self) -> None:
        self.launcher = Launcher(self)
        self.redirections = Redirections(self)

    def run(self, text: str, state: State, *, file: str | None = None, fixed: Where | None = None) -> str:
        """Read `text`; gives what it prints, as far as that can be told.

        Args:
            text: shell text, cleaned.
            state: the shell that runs it; changed as the text changes it.
            file: the script that holds the text, if it is one.
            fixed: the place to report for whatever is found, if it is none.

        Raises:
            TooComplex: the text goes beyond the bounds.
        """
        saved = self.file, self.fixed, self.own
        self.file, self.fixed = file, fixed
        try:
            with self.bounds.text():
                root = parse(text)
                self.own |= function_names(root)
                state.guarded |= guarded_names(text)
                itself = _spellings(file) if file else set()
                if any(spelling in text for spelling in itself) and (bomb := fork_bomb(itself, root)):
                    self.judge.hit(bomb, hard=True, where=self.where(root))
                return self.sequence(_until_exit(root.children, self.own), state)
        except TooComplex as problem:
            problem.where = problem.where or (Where(file) if file else fixed)
            raise
        finally:
            self.file, self.fixed, self.own = saved

    def where(self, node: Node) -> Where | None:
        """The place of `node`, if a script holds it."""
        if self.file is None:
            return self.fixed
        return Where(self.file, node.start_point.row + 1, node.start_point.column + 1)

    @property
    def in_script(self) -> bool:
        """Whether what is being read stands in a script, or is started by one."""
        return self.file is not None or self.fixed is not None

    def words(self, state: State) -> Words:
        """A reader of words in the light of `state`."""
        return Words(state, self._capture, self.bounds)

    def sequence(self, nodes: Sequence[Node], state: State) -> str:
        """Read statements one after the other."""
        return "".join([self.statement(node, state) for node in nodes if node.is_named])[:MAX_TEXT]

    def statement(self, node: Node, state: State) -> str:
        """Read one statement; gives what it prints."""
        if node.type in _INERT:
            self._substituted(node, state)
            return ""
        self.bounds.enter()
        try:
            handler = self._HANDLERS.get(node.type)
            return handler(self, node, state) if handler else self.sequence(node.children, state)
        finally:
            self.bounds.leave()

    def pipe(self, nodes: Sequence[Node], state: State, feed: str | None) -> str:
        """Read the stages of a pipeline, each fed with what the one before prints."""
        out = feed
        for node in nodes:
            stage = state.fork()
            stage.feed = out
            out = self.statement(node, stage)
        return out or ""

    def loose(self, nodes: Sequence[Node], state: State) -> str:
        """Take words that the grammar could not place as a command."""
        return self.launcher.start(self.words(state).fields(nodes), state, nodes[0]) if nodes else ""

    def _substituted(self, node: Node, state: State) -> None:
        for found in substitutions(node):
            self._capture(found, state)

    def _list(self, node: Node, state: State) -> str:
        parts: list[Node] = []
        current = node
        while current.type == "list":  # `a && b && c` nests to the left, as deeply as it is long
            parts += reversed(current.named_children[1:])
            current = current.named_children[0]
        return self.sequence([current, *reversed(parts)], state)

    def _pipeline(self, node: Node, state: State) -> str:
        self.judge.text((text_of(node),), self.where(node))
        return self.pipe(node.named_children, state, state.feed)

    def _subshell(self, node: Node, state: State) -> str:
        return self.sequence(node.children, state.fork())

    def _capture(self, node: Node, state: State) -> str:
        """Run a substitution; for `<(…)`, name a file that holds what it prints."""
        read = node.child_by_field_name("redirect")
        if read is not None:  # `$(<file)`
            stage = state.fork()
            self.redirections.feed([read], stage)
            return self.launcher.files.fed(stage) or ""
        out = self.statement(node, state)
        if node.type == "command_substitution":
            return out
        path = f"/dev/fd/{1000 + len(state.files)}"
        state.files[path] = out
        return path

    def _for(self, node: Node, state: State) -> str:
        body, variable = node.child_by_field_name("body"), node.child_by_field_name("variable")
        if variable is None or body is None:
            return self.sequence(node.children, state)
        values = self.words(state).fields(node.children_by_field_name("value"))
        if not values or len(values) > _MAX_LOOP or not self.bounds.may_repeat():
            values = [UNKNOWN]
        out = list[str]()
        with self.bounds.repeating():
            for value in values:
                state.assign(text_of(variable), value)
                out.append(self.statement(body, state))
        return "".join(out)[:MAX_TEXT]

    def _function(self, node: Node, state: State) -> str:
        """A function is read where it is defined, with unknown arguments, and where it is called, with known ones."""
        body, name = node.child_by_field_name("body"), node.child_by_field_name("name")
        if body is None or name is None:
            return ""
        self.bounds.spend(body.descendant_count // 16)
        bomb = fork_bomb({text_of(name), *_ITSELF}, body)
        if bomb:
            self.judge.hit(bomb, hard=True, where=self.where(node))
        state.functions[text_of(name)] = body
        inner = state.fork()
        inner.positional = inner.feed = None
        self.statement(body, inner)
        return ""

    def _error(self, node: Node, state: State) -> str:
        """What the grammar could not read: its parts are read one by one, and loose words are taken as a command."""
        braced = _BRACED.match(text_of(node))
        if braced:
            self.launcher.start([*braced[1].split(","), *braced[2].split()], state, node)
        words: list[Node] = []
        for child in node.children:
            if child.type in _WORDS:
                words.append(child)
                continue
            self.loose(words, state)
            words = []
            if child.is_named:
                self.statement(child, state)
        self.loose(words, state)
        return UNKNOWN

    def _assignment(self, node: Node, state: State) -> str:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None:
            text = self.words(state).assigned(value) if value is not None else ""
            append = any(child.type == "+=" for child in node.children)
            plain = name.type == "variable_name"
            self._substituted(name, state)
            state.assign(text_of(name).split("[", 1)[0], text if plain else UNKNOWN, append=append)
        return ""

    def _declaration(self, node: Node, state: State) -> str:
        """`export`, `local`, `declare` and their like."""
        names = list[str]()
        for child in node.named_children:
            self.statement(child, state)
            if child.type in {"variable_assignment", "variable_name"}:
                names.append(text_of(child).split("=", 1)[0].rstrip("+"))
        for name in names:
            state.variables.setdefault(name, UNKNOWN)
        words = text_of(node)[:64].split()
        if words[0] == "export" or (len(words) > 1 and words[1].startswith("-") and "x" in words[1]):
            state.exported.update(names)
        return ""

    def _unset(self, node: Node, state: State) -> str:
        for child in node.named_children:
            state.variables.pop(text_of(child), None)
            state.functions.pop(text_of(child), None)
        return ""

    def _redirected(self, node: Node, state: State) -> str:
        self.judge.text((text_of(node),), self.where(node))
        body = node.child_by_field_name("body")
        redirects = [child for child in node.named_children if child.type in REDIRECTS]
        before = state.feed
        self.redirections.feed(redirects, state)
        late = self.redirections.late_words(redirects)
        if body is not None and body.type == "command" and late:
            out = self.loose([*body.named_children, *late], state)
        else:
            out = self.statement(body, state) if body is not None else self.launcher.files.fed(state) or ""
        state.feed = before
        return self.redirections.tails(redirects, state, self.redirections.sink(redirects, state, out))

    def _command(self, node: Node, state: State) -> str:
        children = node.named_children
        redirects = [child for child in children if child.type in REDIRECTS]
        assignments = [child for child in children if child.type == "variable_assignment"]
        before = state.feed
        self.redirections.feed(redirects, state)
        skipped = {*REDIRECTS, "variable_assignment"}
        argv = self.words(state).fields([child for child in children if child.type not in skipped])
        shell = state.fork() if assignments else state
        for child in assignments:
            self._assignment(child, shell)
            shell.exported.add(text_of(child).split("=", 1)[0].rstrip("+"))
        out = self.launcher.start(argv, shell, node)
        state.feed = before
        return self.redirections.sink(redirects, state, out) if redirects else out

    _HANDLERS: ClassVar[dict[str, Callable[[Interpreter, Node, State], str]]] = {
        "command": _command,
        "list": _list,
        "pipeline": _pipeline,
        "subshell": _subshell,
        "command_substitution": _subshell,
        "process_substitution": _subshell,
        "redirected_statement": _redirected,
        "for_statement": _for,
        "function_definition": _function,
        "variable_assignment": _assignment,
        "declaration_command": _declaration,
        "unset_command": _unset,
        "ERROR": _error,
    }


def _spellings(file: str) -> set[str]:
    """How a script may call itself."""
    paths = {file, f"./{file}", f"./{file.rpartition('/')[2]}"}
    return {*_ITSELF, *paths, *(f"{shell} {path}" for shell in ("sh", "bash") for path in paths)}


def _until_exit(nodes: list[Node], own: frozenset[str]) -> list[Node]:
    """The statements of a text up to a plain `exit`: an archive may follow, which is no shell text."""
    for index, node in enumerate(nodes):
        if node.type == "command" and text_of(node)[:5].split() == ["exit"] and "exit" not in own:
            after = nodes[index + 1].type if index + 1 < len(nodes) else ""
            if after != "&":
                return nodes[: index + 1]
    return nodes
