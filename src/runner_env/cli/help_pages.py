"""The help of every command as the documentation shows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from runner_env.cli.root import root

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDTH = 100
_BLOCK = re.compile(r"(<!-- help:([\w-]+) -->\n).*?(<!-- /help -->)", re.DOTALL)


def help_pages() -> Mapping[str, str]:
    """What `--help` prints, by name: `runner-env` for the program itself, else `run`, `skill`, `skill-run`, ….

    100 columns wide.
    """
    top = _context(root, "runner-env", None)
    pages = {"runner-env": root.get_help(top)}
    _add_pages(pages, root, top, "")
    return {name: "".join(f"{line.rstrip()}\n" for line in text.split("\n")) for name, text in pages.items()}


def _add_pages(pages: dict[str, str], group: click.Group, ctx: click.Context, prefix: str) -> None:
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        inner = _context(command, name, ctx)
        pages[prefix + name] = command.get_help(inner)
        if isinstance(command, click.Group):
            _add_pages(pages, command, inner, f"{prefix}{name}-")


def refreshed(page: str) -> str:
    """A Markdown page with the present help between each `<!-- help:NAME -->` and `<!-- /help -->`.

    Raises:
        KeyError: a marker names no command.
    """
    pages = help_pages()
    return _BLOCK.sub(lambda found: f"{found[1]}```text\n{pages[found[2]]}```\n{found[3]}", page)


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    return click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        **command.context_settings,
    )
