"""A container engine: the keeper is the first process of a container. Only where it is asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from runner_env.execution.levels.judging import common_guarantees, common_problem
from runner_env.execution.levels.model import Facts, Guarantee, Guarantees, Network, Places, Start
from runner_env.execution.levels.orders import trials

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IMAGE = "RUNNER_ENV_SANDBOX_IMAGE"
"""Names the image; it must have what the contract needs. The keeper runs on the interpreter of this machine."""

_ENGINES = ("docker", "podman")
_PATIENCE_S = 2.0


class Docker:
    """The image's files, with the workspace and the run's own folders mounted at the paths they have here."""

    name = "docker"

    def missing(self, environ: Mapping[str, str]) -> str:
        """An engine that answers within 2 seconds, and an image."""
        found = _engine(environ)
        if not found:
            return "neither docker nor podman is installed"
        try:
            argv = [found, "version", "--format", "{{.Server.Version}}"]
            done = subprocess.run(argv, capture_output=True, timeout=_PATIENCE_S, check=False, env=dict(environ))
        except subprocess.TimeoutExpired:
            return f"{found} does not answer within {_PATIENCE_S:g} s"
        except OSError as error:
            return f"{found} cannot be run: {error.strerror}"
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            return f"no engine answers {found}: {said[-1] if said else done.returncode}"
        return "" if environ.get(IMAGE) else f"{IMAGE} names no image"

    def start(
        self, keeper: Sequence[str], places: Places | None, network: Network, environ: Mapping[str, str]
    ) -> Start:
        """The command line."""
        assert places is not None
        argv = container_argv(_engine(environ), environ.get(IMAGE, ""), keeper, places, network)
        orders = (("level", self.name), ("network", network), *trials(places))
        return Start(tuple(argv), str(places.tmp), orders)

    def judge(self, facts: Facts, places: Places | None, network: Network) -> Guarantees | str:  # noqa: ARG002
        """As with bwrap."""
        if facts.pid != 1 or facts.outside_processes:
            return "processes outside can be seen"
        if problem := common_problem(facts):
            return problem
        if network == "none" and facts.network:
            return "the network outside can be reached"
        return common_guarantees(
            facts,
            fs_write=Guarantee("enforced", "canary_write"),
            fs_read_secrets=Guarantee("enforced", "canary_read"),
            git_and_contract=Guarantee("enforced", "read_only_mounts"),
            net=Guarantee("enforced", "connect") if network == "none" else None,
            signals=Guarantee("enforced", "pids_visible"),
            cleanup=Guarantee("enforced", "pid_namespace"),
        )

    def hint(self) -> str:
        """What makes it available."""
        return f"Start a Docker or Podman engine, and set {IMAGE} to an image that has what the contract needs."


def _engine(environ: Mapping[str, str]) -> str:
    return next(filter(None, (shutil.which(name, path=environ.get("PATH")) for name in _ENGINES)), "")


def container_argv(engine: str, image: str, keeper: Sequence[str], places: Places, network: Network) -> list[str]:
    """The command line of the engine. The keeper's interpreter and sources are among `places.visible`."""
    argv = [engine, "run", "--rm", "--interactive", "--network", network, "--cap-drop", "ALL"]
    argv += ["--security-opt", "no-new-privileges", "--read-only", "--pull", "never"]
    argv += ["--user", f"{os.getuid()}:{os.getgid()}", "--workdir", "/", "--entrypoint", keeper[0]]
    for path in places.visible:
        argv += ["--mount", _mount(path, read_only=True)]
    for path in places.writable:
        argv += ["--mount", _mount(path, read_only=False)]
    for path in places.fixed:
        argv += ["--mount", _mount(path, read_only=True)]
    return [*argv, image, *keeper[1:]]


def _mount(path: os.PathLike[str], *, read_only: bool) -> str:
    """One value of `--mount`, which is CSV: a path with a comma or a quote is quoted."""
    place = os.fspath(path)
    fields = ("type=bind", f"source={place}", f"target={place}", *(("readonly",) if read_only else ()))
    return ",".join('"' + field.replace('"', '""') + '"' if {",", '"'} & set(field) else field for field in fields)
