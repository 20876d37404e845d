"""What a run was asked for on a command line; kept in its evidence, so that it can go on without being asked again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.skills.patches import Patch
from runner_env.skills.stored import StoredRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.skills.config import ConfigSources


@dataclass(frozen=True, slots=True)
class GivenRun:
    """What was asked for.

    Attributes:
        sources: of the config.
        paths: of cases.
        case_json: files with cases as JSON.
        resume: the directory of a run that is to go on.
        rejudge: the directory of a run whose transcripts are judged again.
    """

    sources: ConfigSources
    paths: tuple[str, ...]
    case_json: tuple[str, ...]
    resume: Path | None = None
    rejudge: Path | None = None

    def after(self, run_dir: Path, *, judge: bool) -> GivenRun:
        """The same, as a sequel to an earlier run.

        Without cases of its own it is about those of that run, with its settings; what is given now goes before them.

        Raises:
            RunError: it is no skill run, or it is going on.
            EvidenceError: its journal is not as it was written.
        """
        whole = self if self.paths or self.case_json else self._with(StoredRun.read(run_dir).opening["inputs"])
        return replace(whole, rejudge=run_dir) if judge else replace(whole, resume=run_dir)

    def as_json(self) -> dict[str, Any]:
        """For the record; secrets are masked there. The environment is no part of it."""
        sources = self.sources
        return {
            "paths": list(self.paths),
            "case_json": list(self.case_json),
            "cwd": str(sources.cwd),
            "config_file": sources.file,
            "assignments": list(sources.assignments),
            "flags": [[list(flag.path), flag.value, flag.origin] for flag in sources.flags],
            "mocks_files": list(sources.mocks_files),
        }

    def _with(self, inputs: Mapping[str, Any]) -> GivenRun:
        sources = replace(
            self.sources,
            cwd=Path(inputs["cwd"]),
            file=self.sources.file or inputs.get("config_file"),
            assignments=(*inputs.get("assignments", ()), *self.sources.assignments),
            flags=(*(Patch(tuple(path), *rest) for path, *rest in inputs.get("flags", ())), *self.sources.flags),
            mocks_files=(*inputs.get("mocks_files", ()), *self.sources.mocks_files),
        )
        paths, case_json = tuple(inputs["paths"]), tuple(inputs.get("case_json", ()))
        return replace(self, sources=sources, paths=paths, case_json=case_json)
