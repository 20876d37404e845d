"""A stub whose answers change from call to call, as a shell command, because a rule itself cannot count."""

from __future__ import annotations

import hashlib
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_env.skills.values import MockDecl


def sequence_input(mock: MockDecl, counters: str) -> dict[str, str]:
    """The input that replaces that of a shell tool: a POSIX command that gives the n-th reply to the n-th call.

    `mkdir` is the counter: of several calls at once exactly one makes a directory. Beyond the last reply the last
    one repeats. A call that cannot count ends with 125 and says so; it gets no reply that was meant for another.

    Args:
        mock: has at least two replies and a name.
        counters: a directory of this trial alone, absolute.
    """
    # A hash, because a mock's name may hold anything, a slash included.
    own = hashlib.sha256((mock.name or "").encode("utf-8", "surrogatepass")).hexdigest()[:16]
    place = shlex.quote(f"{counters}/{own}")
    last = len(mock.stub)
    replies = " ".join(
        f"{number}) printf '%s' {shlex.quote(reply.output)}; exit {reply.exit_code};;"
        for number, reply in enumerate(mock.stub, 1)
    )
    refuse = "{ echo 'a stub sequence cannot count its calls' >&2; exit 125; }"
    count = f"n=1; while [ $n -lt {last} ]; do mkdir {place}/$n 2>/dev/null && break; n=$((n+1)); done"
    return {"command": f"( mkdir -p {place} || {refuse}; {count}; case $n in {replies} esac )"}
