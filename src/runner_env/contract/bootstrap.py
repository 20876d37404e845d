"""`.aider_fsm/bootstrap.yml` to `Bootstrap`, with a note for every leniency that was used."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.contract.document import Entry, Node, parse
from runner_env.contract.model import Bootstrap, StageName
from runner_env.contract.parts import commands, env_texts
from runner_env.contract.places import note, shown
from runner_env.contract.problems import given, validated
from runner_env.contract.schema import BootstrapFile
from runner_env.contract.source import read_source
from runner_env.core import Finding
from runner_env.errors import ContractError

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.core import Where

BOOTSTRAP_FILE = ".aider_fsm/bootstrap.yml"
COMMAND_KEYS = ("cmd", "run", "command")
"""Keys under which an item of `cmds` may carry its command."""
_WRAPPER = "boot"
_NOT_EXPANDED = re.compile(r"(?<!\$)(?:\$\$)*\$\{(?![A-Za-z_][A-Za-z0-9_]*\})")


def load_bootstrap(repo: Path) -> Bootstrap | None:
    """Read the bootstrap of a repository.

    Returns:
        None if it has none.

    Raises:
        ContractError: it cannot be used; carries every problem found, in file order.
    """
    try:
        return _load(repo)
    except ContractError as error:
        raise ContractError([replace(found, stage=StageName.BOOTSTRAP) for found in error.findings]) from error


def _load(repo: Path) -> Bootstrap | None:
    source = read_source(repo, BOOTSTRAP_FILE)
    if source is None:
        return None
    notes: list[Finding] = []
    problems: list[Finding] = []
    root = _plain_items(_unwrapped(parse(source), notes), notes, problems)
    file = validated(root, BootstrapFile, problems)
    lines, env = BootstrapFile.SAME[0], env_texts(root.get("env"))
    return Bootstrap(
        file=source.file,
        sha256=source.sha256,
        commands=commands(root, lines),
        env=env,
        workdir=file.workdir or file.cwd,
        timeout_s=file.timeout_seconds or file.timeout,
        retries=file.retries or file.retry or 0,
        where=root.where_of(next(iter(given(root, lines)), "")),
        notes=(*notes, *_alias_notes(root), *_dollar_notes(root, env)),
    )


def _unwrapped(root: Node, notes: list[Finding]) -> Node:
    inner = root.get(_WRAPPER)
    if inner is None or not inner.entries:
        return root
    outside = {_WRAPPER} if "version" in inner.entries else {_WRAPPER, "version"}
    if set(root.entries) - outside:
        return root
    notes.append(_alias(f"`{_WRAPPER}` around the whole file", "its keys at the top", root.where_of(_WRAPPER)))
    outer = {key: entry for key, entry in root.entries.items() if key != _WRAPPER}
    return replace(root, value={**inner.entries, **outer})


def _plain_items(root: Node, notes: list[Finding], problems: list[Finding]) -> Node:
    entries = dict(root.entries)
    for name in given(root, BootstrapFile.SAME[0]):
        entry = entries[name]
        items = tuple(_plain_item(item, notes, problems) for item in entry.node.items)
        entries[name] = Entry(entry.where, replace(entry.node, value=items)) if items else entry
    return replace(root, value=entries) if root.entries else root


def _plain_item(item: Node, notes: list[Finding], problems: list[Finding]) -> Node:
    used = given(item, COMMAND_KEYS)
    if not used:
        return item
    for key, entry in item.entries.items():
        if key != used[0]:
            message = f"{shown(key)} cannot stand beside `{used[0]}` in a command."
            problems.append(Finding("unknown_key", message, entry.where, "Write the command alone, as text."))
    notes.append(_alias(f"`{used[0]}: …` as a command", "the command alone, as text", item.where_of(used[0])))
    return item.entries[used[0]].node


def _alias_notes(root: Node) -> list[Finding]:
    pairs = [(used, names[0]) for names in BootstrapFile.SAME for used in given(root, names[1:])]
    return [_alias(f"`{used}`", f"`{proper}`", root.where_of(used)) for used, proper in pairs]


def _dollar_notes(root: Node, env: dict[str, str]) -> list[Finding]:
    section = root.get("env")
    return [
        note(
            "not_expanded",
            f"`{name}` keeps a `${{` as it is written.",
            section.where_of(name),
            "Only `${NAME}` is replaced.",
        )
        for name, text in env.items()
        if section and _NOT_EXPANDED.search(text)
    ]


def _alias(used: str, proper: str, where: Where) -> Finding:
    return note("bootstrap_alias", f"{used} is accepted.", where, f"The documented form is {proper}.")
