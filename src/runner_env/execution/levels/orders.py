"""What a keeper is told to try out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.execution.levels.model import Places

_OF_THE_KERNEL = ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger")
"""Who writes there has a program executed as root, or stops the machine; the keeper opens them and writes nothing."""
_OUTSIDE = ("/", "/etc", "/usr", "/var", "/opt")


def trials(places: Places) -> Iterator[tuple[str, str]]:
    """Names and values, as `runner_env.guest.orders` has them."""
    for path in (*map(Path, _OUTSIDE), *places.visible):
        if not any(path.is_relative_to(folder) for folder in places.writable):
            yield "outside", str(path)
    yield from (("fixed", path) for path in _OF_THE_KERNEL)
    yield "canary", str(places.canary)
    yield "workspace", str(places.workspace)
    for place in (*places.hidden, *places.secrets):
        try:
            found = place.stat()
        except OSError:
            continue
        yield "hidden", f"{found.st_dev}:{found.st_ino}:{place}"
