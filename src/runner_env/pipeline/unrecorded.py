"""The last resort of a teardown: its commands are run although nothing can be written down any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner_env.contract.model import StageSpec
from runner_env.core import Ambient
from runner_env.execution import Box, Cancel, Request
from runner_env.execution.policy import Policy
from runner_env.pipeline.attempts import SHELL
from runner_env.pipeline.limits import TimeLimits
from runner_env.pipeline.resources import Resources
from runner_env.targets.inside import resolve_inside


class _Nowhere:
    def write(self, data: memoryview | bytes, /) -> None:
        """Drop it."""


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """Runs commands under the same policy and limits as ever, but keeps no word of what they say.

    Attributes:
        root: the workspace, absolute and resolved.
        box: where commands run.
        cancel: stops them.
        policy: the lint on commands.
        limits: time.
        resources: memory, processes, open files.
        ambient: the clock.
    """

    root: Path
    box: Box
    cancel: Cancel
    policy: Policy
    limits: TimeLimits
    resources: Resources
    ambient: Ambient

    def run(self, spec: StageSpec, env: Mapping[str, str]) -> None:
        """Run the commands of a stage in order until one does not end well.

        Raises:
            TargetError: its working directory cannot be used.
            ExecutionError: the box was lost.
        """
        started = self.ambient.monotonic()
        cwd = resolve_inside(self.root, spec.workdir or ".")
        nowhere = _Nowhere()
        with self.box.stage(spec.name.value, cancel=self.cancel) as scope:
            for command in spec.commands:
                left_s = self.limits.allowance(spec, started).seconds
                refusal = self.policy.check(command.text, cwd=cwd, root=self.root, env=spec.env)
                if left_s <= 0 or refusal is not None:
                    return
                request = Request((*SHELL, command.text), cwd, env, self.resources.limits(left_s))
                if not scope.run(request, nowhere, nowhere).ok:
                    return
