"""Where container engines listen: who can talk to one can do anything on the machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SOCKETS = (
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
    "/run/buildkit/buildkitd.sock",
)
_UNIX = "unix://"


def engine_sockets(environ: Mapping[str, str] | None = None) -> Iterator[Path]:
    """Those that are there: in the usual places, of this user, and where `DOCKER_HOST` of `environ` says."""
    user = f"/run/user/{os.getuid()}"
    named = (environ or {}).get("DOCKER_HOST", "")
    own = (named.removeprefix(_UNIX),) if named.startswith(_UNIX) else ()
    for name in (*_SOCKETS, f"{user}/docker.sock", f"{user}/podman/podman.sock", *own):
        path = Path(os.path.realpath(name))
        try:
            if stat.S_ISSOCK(path.stat().st_mode):
                yield path
        except OSError:
            continue
