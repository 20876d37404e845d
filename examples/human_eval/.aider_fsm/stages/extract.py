"""From a model's reply to a HumanEval completion: code that, put behind the problem's prompt, is the whole program."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings

_FENCE = re.compile(
    r"^[ \t]*(?:```|~~~)[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:^[ \t]*(?:```|~~~)[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)
_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_CODE_LINE = re.compile(r"(?:from|import|def|async def|class)\s+\w|@\w")


def completion_of(reply: str, prompt: str, entry_point: str) -> str:
    """The completion in `reply`.

    A reply may be a fenced block or bare code, with or without talk around it, and either the whole function or only
    its body. The whole function is put behind the prompt as a second definition, which replaces the unfinished one
    there (whose docstring is body enough); a body is indented as the prompt needs it.

    Args:
        reply: what the model said.
        prompt: the problem's prompt: a function's head and docstring, ending with a newline.
        entry_point: the function's name.

    Returns:
        The completion; empty if there is no code at all. A reply that is not Python comes back as it is, and fails.
    """
    code = _code_of(_THINKING.sub("", reply), entry_point)
    if not code.strip():
        return ""
    if defines(code, entry_point):
        return "\n\n" + _without_future(code).strip("\n") + "\n"
    return _as_body(code, prompt)


def defines(code: str, name: str) -> bool:
    """Whether `code` binds `name` at its top level; broken code is judged by its text."""
    tree = _parsed(code)
    if tree is None:
        return re.search(rf"^(?:async )?def {re.escape(name)}\b", code, re.MULTILINE) is not None
    return any(name in _bound_by(statement) for statement in tree.body)


def _bound_by(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Assign):
        return {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return set()


def _code_of(text: str, entry_point: str) -> str:
    blocks = [(match[1].lower(), match[2]) for match in _FENCE.finditer(text)]
    if not blocks:
        return _bare_code(text, entry_point)
    python = [code for language, code in blocks if language in ("", "python", "python3", "py")] or [blocks[0][1]]
    return next((code for code in map(textwrap.dedent, python) if defines(code, entry_point)), python[0])


def _bare_code(text: str, entry_point: str) -> str:
    """Code without a fence: everything, or, if that is not Python, what is left without the talk around it."""
    if _parsed(text) or not re.search(rf"^(?:async )?def {re.escape(entry_point)}\b", text, re.MULTILINE):
        return text
    lines = text.splitlines(keepends=True)
    first = next(index for index, line in enumerate(lines) if _CODE_LINE.match(line))
    for last in range(len(lines), first, -1):
        candidate = "".join(lines[first:last])
        if (tree := _parsed(candidate)) and tree.body and defines(candidate, entry_point):
            return candidate
    return "".join(lines[first:])


def _as_body(code: str, prompt: str) -> str:
    """`code` as the body of the prompt's function, in the first indentation that compiles."""
    code = code.strip("\n") + "\n"
    dedented = textwrap.indent(textwrap.dedent(code), "    ")
    first_line_bare = "    " + code
    candidates = [code, dedented] if code[0].isspace() else [dedented, first_line_bare]
    return next((candidate for candidate in candidates if _parsed(prompt + candidate)), candidates[0])


def _without_future(code: str) -> str:
    """`from __future__` may only stand at the top of a program, and the prompt stands there."""
    return re.sub(r"^from __future__ import [^\n]*\n", "", code, flags=re.MULTILINE)


def _parsed(code: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():  # an invalid escape in a model's code is none of our business
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
            compile(tree, "<reply>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree
