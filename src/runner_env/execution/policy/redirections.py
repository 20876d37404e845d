"""Where a command's input comes from and where its output goes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.execution.policy.hard import written_to
from runner_env.execution.policy.markers import UNKNOWN, literal, to_be_read
from runner_env.execution.policy.places import absolute
from runner_env.execution.policy.syntax import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

    from runner_env.execution.policy.interpreter import Interpreter
    from runner_env.execution.policy.state import State

REDIRECTS = frozenset(("file_redirect", "heredoc_redirect", "herestring_redirect"))
_BACKQUOTED = re.compile(r"(?<!\\)`([^`\\]+)`")
_APPENDING = frozenset((">>", "&>>"))


@dataclass(slots=True)
class Redirections:
    """Follows the redirections of one reading."""

    reading: Interpreter

    def feed(self, redirects: Sequence[Node], state: State) -> None:
        """Set the standard input of `state` from `<`, `<<` and `<<<`."""
        for node in redirects:
            if node.type == "heredoc_redirect":
                state.feed = self._document(node, state)
            elif node.type == "herestring_redirect":
                words = node.named_children[-1:]
                state.feed = self.reading.words(state).value(words[0], quoted=True) if words else ""
            elif _operator(node) in {"<", "<&", "<>"}:
                state.feed = self._contents(self._target(node, state), state)

    def sink(self, redirects: Sequence[Node], state: State, out: str) -> str:
        """Judge where output goes, remember text that is written to a file; gives what is still printed."""
        flat = [part for node in redirects for part in (node, *node.children) if part.type == "file_redirect"]
        for node in flat:
            operator = _operator(node)
            if ">" not in operator or operator == ">&":
                continue
            path = self._target(node, state)
            hit = written_to(path, state.cwd, append=operator in _APPENDING)
            if hit:
                self.reading.judge.hit(hit, hard=True, where=self.reading.where(node))
            if node.children[0].type != "file_descriptor" or text_of(node.children[0]) == "1":
                state.remember(absolute(path, state.cwd), out, append=operator in _APPENDING)
                out = ""
        return out

    def tails(self, redirects: Sequence[Node], state: State, out: str) -> str:
        """Follow what the grammar hangs below a here-document, as in `cat <<E | sh` and `cat <<E && rm x`."""
        for node in redirects:
            right = node.child_by_field_name("right")
            for child in node.children:
                if child.type == "pipeline":
                    out = self.reading.pipe(child.named_children, state, out)
                elif child == right:
                    out += self.reading.statement(child, state)
                elif child.type == "file_redirect":
                    out = self._misread(child, state, out)
            out = self._misread(node, state, out)
        return out

    @staticmethod
    def late_words(redirects: Sequence[Node]) -> list[Node]:
        """The arguments that stand behind a here-document's delimiter: `bash <<E -s x`."""
        sound = [node for node in redirects if not any(child.is_error for child in node.children)]
        return [child for node in sound for child in node.children_by_field_name("argument")]

    def _misread(self, node: Node, state: State, out: str) -> str:
        """`cat <<E 2>f | sh` and `cat <<E; rm x` are read as one redirection with loose words after an error."""
        error = next((child for child in node.children if child.is_error), None)
        if error is None or text_of(error) == ">":
            return out
        stage = state.fork()
        stage.feed = out if text_of(error).strip() == "|" else None
        fields = ("destination", "argument")
        loose = [child for name in fields for child in node.children_by_field_name(name)]
        return self.reading.loose([child for child in loose if child.start_byte >= error.end_byte], stage)

    def _document(self, node: Node, state: State) -> str:
        parts = {child.type: child for child in node.children}
        body, start = parts.get("heredoc_body"), parts.get("heredoc_start")
        if body is None:
            return ""
        raw = start is not None and bool({"'", '"', "\\"} & set(text_of(start)))
        text = text_of(body) if raw else self.reading.words(state).document(body)
        if not raw:
            self._backquotes(body, state)
        return "\n".join(line.lstrip("\t") for line in text.split("\n")) if "<<-" in parts else text

    def _backquotes(self, body: Node, state: State) -> None:
        """The grammar does not see a backquote in a here-document when a variable stands before it."""
        for content in body.children:
            if content.type == "heredoc_content":
                for match in _BACKQUOTED.finditer(text_of(content)):
                    self.reading.run(match[1], state.fork(), fixed=self.reading.where(body))

    def _target(self, node: Node, state: State) -> str:
        fields = self.reading.words(state).fields(node.children_by_field_name("destination")[:1])
        return literal(fields[0]) if fields else ""

    @staticmethod
    def _contents(path: str, state: State) -> str:
        """What reading `path` gives: text that was written to it before, or the name of a file still to be read."""
        full = absolute(path, state.cwd)
        return state.files.get(full, to_be_read(full)) if full else UNKNOWN


def _operator(node: Node) -> str:
    operator = next((child.type for child in node.children if not child.is_named), "")
    # The grammar reads `<>` as `<` with an error after it.
    return operator + "".join(text_of(child) for child in node.children if child.is_error and text_of(child) == ">")
