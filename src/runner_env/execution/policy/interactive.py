"""Commands that wait for a person, whom an unattended run does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.execution.policy.invocation import DOCKER_VALUES, GIT_VALUES, Hit, Invocation

if TYPE_CHECKING:
    from collections.abc import Callable

_ASKING = frozenset(("--help", "-h", "--version", "-V", "help"))
_AWS_VALUES = ("--profile", "--region", "--endpoint-url", "--output", "--ca-bundle", "--color")
_EDITORS = frozenset(("GIT_SEQUENCE_EDITOR", "GIT_EDITOR", "EDITOR", "VISUAL"))


def _has(inv: Invocation, *options: str) -> bool:
    """Whether an option is given: `--long`, `--long=value`, `-p` or `-pvalue`."""
    for word in inv.args:
        for option in options:
            long = option.startswith("--")
            if word == option or word.startswith(f"{option}=" if long else option):
                return True
    return False


def _docker(inv: Invocation) -> str | None:
    if inv.subcommands(DOCKER_VALUES)[:1] != ("login",) or _has(inv, "--password-stdin", "--password", "-p"):
        return None
    return "docker login asks for a password; give --password-stdin"


def _gh(inv: Invocation) -> str | None:
    waits = inv.subcommands()[:2] == ("auth", "login") and not _has(inv, "--with-token")
    return "gh auth login opens a dialogue; give --with-token" if waits else None


def _hugging_face(inv: Invocation) -> str | None:
    verbs = inv.subcommands()
    waits = (
        (verbs[:1] == ("login",) or verbs[:2] == ("auth", "login")) and not _has(inv, "--token") and inv.feed is None
    )
    return f"{inv.name} login asks for a token; give --token, or set HF_TOKEN and leave it out" if waits else None


def _npm(inv: Invocation) -> str | None:
    waits = inv.subcommands()[:1] in {("login",), ("adduser",), ("add-user",)} and inv.feed is None
    return f"{inv.name} {inv.subcommands()[0]} asks for a user; write a token into .npmrc" if waits else None


def _aws(inv: Invocation) -> str | None:
    waits = inv.subcommands(_AWS_VALUES) in {("configure",), ("configure", "sso")} and inv.feed is None
    return "aws configure asks for keys; use aws configure set" if waits else None


def _git(inv: Invocation) -> str | None:
    verb = inv.subcommands(GIT_VALUES)[:1]
    rest = inv.args[inv.args.index(verb[0]) + 1 :] if verb and verb[0] in inv.args else ()
    settled = _EDITORS & inv.exported or any("editor=" in word.lower() for word in inv.args)
    if verb == ("rebase",) and {"-i", "--interactive"} & set(rest) and not settled:
        return "git rebase -i opens an editor"
    waits = verb == ("add",) and {"-p", "-i", "--patch", "--interactive"} & set(rest) and inv.feed is None
    return "git add asks about each change" if waits else None


def _passwd(inv: Invocation) -> str | None:
    waits = inv.feed is None and not _has(inv, "--stdin", "-S", "--status", "-l", "-u", "-d", "-e", "-a")
    return "passwd asks for a password" if waits else None


def _unless(*batch: str) -> Callable[[Invocation], str | None]:
    def rule(inv: Invocation) -> str | None:
        return None if set(batch) & set(inv.args) else f"{inv.name} needs a terminal and a person"

    return rule


def _top(inv: Invocation) -> str | None:
    return None if inv.has_short("b") or inv.has_long("batch", 2) else "top needs a terminal; give -b"


_VIM = _unless("-e", "-E", "-es", "-Es", "-s", "--headless", "--not-a-term")
_RULES: dict[str, Callable[[Invocation], str | None]] = {
    **dict.fromkeys(("docker", "podman"), _docker),
    "gh": _gh,
    **dict.fromkeys(("huggingface-cli", "hf"), _hugging_face),
    **dict.fromkeys(("npm", "pnpm", "yarn"), _npm),
    "aws": _aws,
    "git": _git,
    "passwd": _passwd,
    **dict.fromkeys(("vim", "vi", "nvim", "vimdiff"), _VIM),
    **dict.fromkeys(("nano", "pico", "htop", "visudo"), _unless()),
    "emacs": _unless("--batch", "-batch", "--script", "-script", "--daemon"),
    "top": _top,
}


def waits_for_a_person(inv: Invocation) -> Hit | None:
    """The rule of the strict unattended mode that `inv` breaks, or None."""
    rule = _RULES.get(inv.name)
    if rule is None or _ASKING & set(inv.args):
        return None
    message = rule(inv)
    return Hit(" ".join((inv.name, *inv.subcommands()[:1])), message) if message else None
