"""The harnesses by name; a module is loaded when its harness is asked for."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING

from runner_env.core import FailureKind
from runner_env.errors import HarnessError, OptionError
from runner_env.harnesses.footprints import FOOTPRINTS, ONEHARNESS
from runner_env.harnesses.host import find_program
from runner_env.harnesses.options import AUTO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.harnesses.model import Harness
    from runner_env.harnesses.options import HarnessOptions

OPENCODE = "opencode"
_ONEHARNESS = "oneharness"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""Of a harness; which ones there are, the installed oneharness knows."""

_TABLE = {
    OPENCODE: "runner_env.harnesses.opencode:OpenCode",
    _ONEHARNESS: "runner_env.harnesses.oneharness.harness:Oneharness",
}
"""Each is called with the options, and with what stands behind the colon of its name, as in `oneharness:codex`."""


def make_harness(options: HarnessOptions) -> Harness:
    """The harness that is asked for; it starts nothing yet. A name `module:attribute` is called with the options.

    Raises:
        OptionError: there is no harness of that name.
        HarnessError: kind `spawn`: `auto`, and no agent program is there; the hint says how to install one.
    """
    name = choose(options.url, options.environ) if options.name == AUTO else options.name
    family, _, variant = name.partition(":")
    if family not in _TABLE and variant:
        return _own(family, variant, options)
    if family not in _TABLE or (not _NAME.fullmatch(variant) if family == _ONEHARNESS else variant):
        raise OptionError("bad_option", f"There is no harness {name!r}.", hint=f"Use one of {', '.join(names())}.")
    if options.url and family != OPENCODE:
        message = f"The URL of an OpenCode server is given, and the harness {name!r}."
        raise OptionError("bad_option", message, hint="Leave out one of them.")
    module, _, attribute = _TABLE[family].partition(":")
    harness: Harness = getattr(import_module(module), attribute)(options, *([variant] if variant else ()))
    return harness


def _own(module: str, attribute: str, options: HarnessOptions) -> Harness:
    """What a user's own module makes of the options."""
    try:
        harness: Harness = getattr(import_module(module), attribute)(options)
    except (ImportError, AttributeError) as error:
        message = f"The harness {options.name!r} cannot be loaded: {error}."
        raise OptionError(
            "bad_option", message, hint=f"Use one of {', '.join(names())}, or module:attribute."
        ) from error
    return harness


def names() -> tuple[str, ...]:
    """Every name that an operator may use."""
    return (AUTO, OPENCODE, *(f"{_ONEHARNESS}:{harness}" for harness in FOOTPRINTS))


def choose(url: str, environ: Mapping[str, str]) -> str:
    """What `auto` stands for here: an OpenCode server, or else oneharness with the first agent program on PATH.

    Raises:
        HarnessError: kind `spawn`: there is none.
    """
    if url or find_program(FOOTPRINTS[OPENCODE], environ):
        return OPENCODE
    present = [harness for harness, footprint in FOOTPRINTS.items() if find_program(footprint, environ)]
    if present and find_program(ONEHARNESS, environ):
        return f"{_ONEHARNESS}:{present[0]}"
    if present:
        message = f"`{FOOTPRINTS[present[0]].program}` is there, but not `oneharness`, by which it is driven."
        hint = f"Install it ({ONEHARNESS.install}), or OpenCode ({FOOTPRINTS[OPENCODE].install})."
    else:
        message = "No agent program is on PATH."
        hint = f"Install OpenCode ({FOOTPRINTS[OPENCODE].install}), or name a server with opencode_url."
    raise HarnessError(FailureKind.SPAWN, message, harness=AUTO, hint=hint)
