"""The stages of a skills repository: `python -m runner_env.skills.stages rollout|evaluation`, run in its box.

`rollout` runs the cases and leaves `.aider_fsm/rollout.json` with `paths.samples_jsonl` (a line for each scored trial:
`prompt` as the user began, `completion` all that the skill said, `reward` 1 or 0, `trial`) and `paths.skill_run`, the
run's own evidence. `evaluation` reads that evidence, whose hashes it checks, and writes the metrics.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.contract import variables as v
from runner_env.contract.model import StageName
from runner_env.core import Verdict
from runner_env.errors import RunError, RunnerEnvError
from runner_env.settings import Settings
from runner_env.verification.model import ROLLOUT_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner_env.skills.report import SkillReport, TrialReport
    from runner_env.skills.stored import StoredRun


def rollout(root: Path, environ: Mapping[str, str]) -> None:
    """Run the cases of the repository in `root` and leave samples.

    Raises:
        RunnerEnvError: they cannot be used, or evidence could not be written.
    """
    from runner_env.skills.api import run_skill
    from runner_env.skills.repository import case_paths

    out = Path(environ[v.AIDER_FSM_ARTIFACTS_DIR])
    report = run_skill(
        case_paths(root),
        cwd=root,
        environ={**environ, v.RUNNER_ENV_HOME: str(out / "skills")},
        models=[environ.get(v.AIDER_LLM_MODEL) or environ[v.OPENAI_MODEL]],
        on_error="continue",
    )
    samples = out / "samples.jsonl"
    with samples.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(sample) + "\n" for sample in _samples(report.runs))
    (root / ROLLOUT_PATH).write_text(json.dumps(_rollout(report, samples)), "utf-8")
    sys.stdout.writelines(f"{line}\n" for line in _told(report))


def evaluation(root: Path) -> dict[str, Any]:
    """The metrics of the rollout that was done last in `root`.

    Returns:
        `ok` (true: the trials could be counted), `coverage` (share of trials that were scored), counts, and `score`
        (share of the scored trials that passed) with its 95 % interval, unless coverage is below the config's
        `min_coverage`: then there is no score.

    Raises:
        RunnerEnvError: there was no rollout, or its evidence is not as it was written.
    """
    from runner_env.skills.config import ConfigSources, load_config
    from runner_env.skills.stored import StoredRun

    try:
        run_dir = Path(json.loads((root / ROLLOUT_PATH).read_text("utf-8"))["paths"]["skill_run"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        message = f"{ROLLOUT_PATH} names no `paths.skill_run`: {type(error).__name__}."
        raise RunError("run_not_found", message, hint="Run the rollout first.") from error
    run = StoredRun.read(run_dir)
    return _metrics(run, load_config(ConfigSources(environ={}, cwd=root)).min_coverage)


def _metrics(run: StoredRun, min_coverage: float) -> dict[str, Any]:
    from runner_env.scoring import wilson
    from runner_env.skills.stored import kept_bytes

    planned = int(run.opening["trials"])
    verdicts = [entry.verdict for entry in run.trials.values() if kept_bytes(entry.kept) is not None]
    passed, failed = verdicts.count(Verdict.PASSED), verdicts.count(Verdict.FAILED)
    scored = passed + failed
    interval = wilson(passed, scored)
    metrics: dict[str, Any] = {
        "ok": True,
        "coverage": scored / planned if planned else 0.0,
        "trials": planned,
        "passed": passed,
        "failed": failed,
        "unscored": planned - scored,
    }
    if interval is not None and metrics["coverage"] >= min_coverage:
        metrics |= {"score": interval.share, "interval": [interval.low, interval.high]}
    return metrics


def _samples(trials: Sequence[TrialReport]) -> Iterator[dict[str, Any]]:
    from runner_env.skills.looking import assistant_text

    for trial in trials:
        if trial.verdict == "unscored":
            continue
        said = trial.transcript.messages
        yield {
            "prompt": next((message.content for message in said if message.role == "user"), ""),
            "completion": assistant_text(trial),
            "reward": 1.0 if trial.passed else 0.0,
            "trial": trial.id,
        }


def _rollout(report: SkillReport, samples: Path) -> dict[str, Any]:
    from runner_env.skills.report import as_json

    assert report.run is not None
    paths = {"samples_jsonl": str(samples), "skill_run": report.run.dir}
    counts = {"samples": report.summary.runs, "errors": report.summary.unscored or 0}
    return {"paths": paths, "counts": counts, "usage": as_json(report.summary.usage) or {}}


def _told(report: SkillReport) -> Iterator[str]:
    """A line for each trial, for whoever reads the stage's output."""
    for trial in report.runs:
        why = f": {trial.error.message} [{trial.error.code}]" if trial.error else ""
        yield f"{trial.verdict}  {trial.id}{why}"


def main(arguments: Sequence[str], environ: Mapping[str, str], root: Path) -> int:
    """Run one stage; returns its exit code."""
    try:
        if arguments[0] == StageName.ROLLOUT:
            rollout(root, environ)
        else:
            from runner_env.skills.repository import METRICS

            metrics = evaluation(root)
            (root / METRICS).write_text(json.dumps(metrics), "utf-8")
            sys.stdout.write(f"{json.dumps(metrics)}\n")
            if "score" not in metrics:
                sys.stdout.write("no score: fewer trials were scored than `min_coverage` of skilltest.yaml asks for\n")
    except RunnerEnvError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Settings.from_environ().environ, Path.cwd()))
