"""`runner-env skill run`: cases on agent programs and models."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner_env.cli.skill import CONFIG_KEY, config_option, remember_format
from runner_env.core import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_env.providers.model import Event
    from runner_env.reporting.skill_progress import SkillProgress
    from runner_env.settings import Settings
    from runner_env.skills.given import GivenRun
    from runner_env.skills.patches import Patch
    from runner_env.skills.plan import Trial
    from runner_env.skills.report import SkillReport

_FORMATS = ("human", "json", "json-stream", "junit", "github")
_OPTIONS = (
    config_option(),
    click.option("--case-json", multiple=True, metavar="FILE", help="A case, or a list of cases, as JSON."),
    click.option("--set", "assignments", multiple=True, metavar="PATH=JSON", help="A setting of the config."),
    click.option("-p", "--platform", "platforms", multiple=True, help="Run on this agent program; repeatable."),
    click.option("-m", "--model", "models", multiple=True, help="Run with this model; repeatable."),
    click.option("--provider", metavar="CMD", help="A program that speaks the provider protocol."),
    click.option("--oneharness-bin", metavar="PATH", help="The oneharness command."),
    click.option("--judge-harness", metavar="NAME", help="The agent program that judges and plays the user."),
    click.option("--judge-model", metavar="MODEL", help="The model that judges and plays the user."),
    click.option("--timeout", type=int, metavar="SECS", help="Limit of each call to the provider."),
    click.option("--max-turns", type=int, metavar="N", help="Answers of the skill at most."),
    click.option("--mocks", metavar="FILE", help="A list of mocks (YAML or JSON)."),
    click.option("--spy", is_flag=True, help="Record tool calls even in cases without mocks."),
    click.option("--repeat", type=int, metavar="N", help="Trials of each case, platform and model."),
    click.option("--jobs", type=int, metavar="N", help="Trials at the same time."),
    click.option("--on-error", type=click.Choice(["continue", "abort"]), help="What a failed call does to the rest."),
    click.option("--max-cost", type=float, metavar="USD", help="End before the run costs more."),
    click.option("--max-tokens", type=int, metavar="N", help="End before the run uses more tokens."),
    click.option("--max-time", type=float, metavar="SECS", help="End the run after this long."),
    click.option("--resume", metavar="RUN", help="Go on with this run: only what is missing or unscored is run."),
    click.option("--rejudge", metavar="RUN", help="Judge this run's transcripts again, without running skills."),
    click.option(
        "--format",
        "output_format",
        type=click.Choice(_FORMATS),
        default="human",
        show_default=True,
        is_eager=True,
        callback=remember_format,
        help="How to print the report.",
    ),
)


def _with_options(function: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


class _Once(click.Command):
    """A command that refuses an option given twice, instead of forgetting the first."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for option in given:
            if isinstance(option, click.Option) and not option.multiple and given.count(option) > 1:
                raise click.UsageError(f"{option.opts[-1]} cannot be given twice.", ctx)
        return super().parse_args(ctx, args)


@click.command(cls=_Once, short_help="Run cases and judge the answers.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@_with_options
@click.pass_context
def run(ctx: click.Context, /, paths: tuple[str, ...], **options: Any) -> int:  # noqa: ANN401 - see _OPTIONS
    """Run the cases in each PATH, a YAML file or a directory of them, on every platform and model.

    With --resume or --rejudge and without cases, the cases and settings are those of that run.
    """
    from runner_env.cli.output import complain, is_live
    from runner_env.reporting.skill_progress import SkillProgress
    from runner_env.settings import Settings

    settings = Settings.from_environ()
    given = _given(ctx, paths, options, settings)
    _warn_of_other_config(given)
    with SkillProgress(sys.stderr, live=is_live(sys.stderr, settings.environ)) as progress:
        try:
            report = _report(given, options["output_format"], settings, progress)
        except (KeyboardInterrupt, SystemExit):
            progress.close()
            if progress.begun is not None:
                complain(f"interrupted; go on with: runner-env skill run --resume {progress.begun.run_dir.name}\n")
            raise
    _print(report, options["output_format"], settings)
    return Verdict(report.verdict or "unscored").exit_code


def _warn_of_other_config(given: GivenRun) -> None:
    """A config beside the cases is not read from another directory: whoever expects it would get the defaults."""
    from runner_env.cli.output import complain
    from runner_env.skills.config import DEFAULT_FILE

    sources = given.sources
    if sources.file is not None or (sources.cwd / DEFAULT_FILE).exists():
        return
    near = [folder / DEFAULT_FILE for path in given.paths for folder in (Path(path), *Path(path).parents)]
    other = next((file for file in near if (sources.cwd / file).is_file()), None)
    if other is not None:
        complain(f"note: {other} is not used; use it with: runner-env skill --config {shlex.quote(str(other))} run …\n")


def _report(given: GivenRun, output_format: str, settings: Settings, progress: SkillProgress) -> SkillReport:
    from runner_env.bridge import blocking
    from runner_env.skills.config import load_config
    from runner_env.skills.interruption import interruptible
    from runner_env.skills.plan import load_plan
    from runner_env.skills.run import How, run_plan

    sources = given.sources
    plan = load_plan(load_config(sources), given.paths, given.case_json, sources.cwd)
    how = How(
        settings,
        sources.cwd,
        observer=progress,
        on_event=_emit_event if output_format == "json-stream" else None,
        resume=given.resume,
        rejudge=given.rejudge,
        inputs=given.as_json(),
    )
    return blocking(interruptible(run_plan(plan, how)))


def _emit_event(trial: Trial, turn: int, event: Event) -> None:
    from runner_env.cli.output import emit
    from runner_env.reporting.skill_report import event_line

    names = {"case": trial.planned.case.name, "platform": trial.platform, "model": trial.model}
    emit(event_line(names, turn, event))


def _print(report: SkillReport, output_format: str, settings: Settings) -> None:
    from runner_env.cli.output import emit, wants_colour
    from runner_env.reporting import skill_ci, skill_report

    pieces = {
        "human": lambda: skill_report.render_report(report, colour=wants_colour(sys.stdout, settings.environ)),
        "json": lambda: skill_report.report_json(report),
        "json-stream": lambda: skill_report.result_line(report),
        "junit": lambda: skill_ci.junit(report),
        "github": lambda: skill_ci.github(report),
    }
    for piece in pieces[output_format]():
        emit(piece)


def _given(ctx: click.Context, paths: tuple[str, ...], options: dict[str, Any], settings: Settings) -> GivenRun:
    from runner_env.skills.config import ConfigSources
    from runner_env.skills.given import GivenRun

    sources = ConfigSources(
        environ=settings.environ,
        cwd=Path.cwd(),
        file=ctx.meta.get(CONFIG_KEY),
        assignments=options["assignments"],
        flags=_flags(options),
        mocks_files=[options["mocks"]] if options["mocks"] is not None else [],
    )
    given = GivenRun(sources, paths, options["case_json"])
    earlier = options["resume"] or options["rejudge"]
    if earlier is None:
        return given
    if options["resume"] and options["rejudge"]:
        raise click.UsageError("--resume and --rejudge exclude each other")
    from runner_env.runs.listing import find_run

    return given.after(find_run(settings.runs_dir, earlier), judge=options["resume"] is None)


def _flags(options: dict[str, Any]) -> list[Patch]:
    """The settings that have a flag of their own."""
    from runner_env.skills.patches import Patch, provider_patches

    names = ("judge_model", "max_turns", "repeat", "jobs", "on_error", "max_cost", "max_tokens", "max_time")
    given = {name: options[name] for name in names if options[name] is not None}
    given |= {name: list(options[name]) for name in ("platforms", "models") if options[name]}
    given |= {"spy": True} if options["spy"] else {}
    flag = {"platforms": "--platform", "models": "--model"}
    patches = [Patch((name,), v, flag.get(name, f"--{name.replace('_', '-')}")) for name, v in given.items()]
    return patches + provider_patches(
        options["provider"], options["oneharness_bin"], options["judge_harness"], options["timeout"]
    )
