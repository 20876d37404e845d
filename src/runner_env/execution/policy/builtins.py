"""Commands that change what later words mean: most are builtins of the shell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner_env.execution.policy.markers import HOME, UNKNOWN, literal, unsure
from runner_env.execution.policy.places import absolute
from runner_env.execution.policy.printed import printed

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_env.execution.policy.invocation import Invocation
    from runner_env.execution.policy.state import State


def _cd(inv: Invocation, state: State) -> None:
    target = inv.operands[0] if inv.operands else HOME
    full = None if "-" in inv.args else absolute(literal(target), state.cwd)
    state.cwd = None if full is None or unsure(full) else full


def _popd(_inv: Invocation, state: State) -> None:
    state.cwd = None


def _alias(inv: Invocation, state: State) -> None:
    for word in inv.operands:
        name, equals, value = word.partition("=")
        if equals and value.split():
            state.aliases[name] = value


def _set(inv: Invocation, state: State) -> None:
    state.nounset = state.nounset or inv.has_short("u") or "nounset" in inv.args
    if "--" in inv.args:
        state.positional = inv.args[inv.args.index("--") + 1 :]
    elif inv.args and inv.args[0][:1] not in {"-", "+"}:
        state.positional = inv.args


def _shift(inv: Invocation, state: State) -> None:
    count = int(inv.args[0]) if inv.args and inv.args[0].isdecimal() and len(inv.args[0]) < 6 else 1
    state.positional = state.positional[count:] if state.positional is not None else None


def _read(inv: Invocation, state: State) -> None:
    line = (state.feed or "").rstrip("\n")
    known = bool(line) and "\n" not in line and len(inv.operands) == 1
    for name in inv.operands:
        state.assign(name, line if known else UNKNOWN)


def _tee(inv: Invocation, state: State) -> None:
    for path in inv.operands:
        state.remember(absolute(literal(path), state.cwd), state.feed or "", append=inv.has_short("a"))


def _printf(inv: Invocation, state: State) -> None:
    if inv.args[:1] == ("-v",) and len(inv.args) > 1:
        state.assign(inv.args[1], printed(replace(inv, args=inv.args[2:])))


_BUILTINS: dict[str, Callable[[Invocation, State], None]] = {
    "cd": _cd,
    "pushd": _cd,
    "popd": _popd,
    "alias": _alias,
    "set": _set,
    "shift": _shift,
    "mapfile": _read,
    "readarray": _read,
    "getopts": _read,
    "read": _read,
    "printf": _printf,
    "tee": _tee,
}


def run(inv: Invocation, state: State) -> None:
    """Change `state` as the builtin that `inv` starts would; nothing for any other program."""
    builtin = _BUILTINS.get(inv.name)
    if builtin:
        builtin(inv, state)
