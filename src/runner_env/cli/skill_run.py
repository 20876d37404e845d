"""`runner-env skill run`: cases on agent programs and models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner_env.cli.skill import CONFIG_KEY, remember_format

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_env.skills.patches import Patch

_FORMATS = ("human", "json", "json-stream", "junit", "github")
_OPTIONS = (
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
    click.option("--mocks", "mocks_files", multiple=True, metavar="FILE", help="A list of mocks (YAML or JSON)."),
    click.option("--spy", is_flag=True, help="Record tool calls even in cases without mocks."),
    click.option("--repeat", type=int, metavar="N", help="Trials of each case, platform and model."),
    click.option("--jobs", type=int, metavar="N", help="Trials at the same time."),
    click.option("--on-error", type=click.Choice(["continue", "abort"]), help="What a failed call does to the rest."),
    click.option("--max-cost", type=float, metavar="USD", help="End before the run costs more."),
    click.option("--max-tokens", type=int, metavar="N", help="End before the run uses more tokens."),
    click.option("--max-time", type=float, metavar="SECS", help="End the run after this long."),
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


@click.command(short_help="Run cases and judge the answers.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@_with_options
@click.pass_context
def run(ctx: click.Context, /, paths: tuple[str, ...], **options: Any) -> int:  # noqa: ANN401 - see _OPTIONS
    """Run the cases in each PATH, a YAML file or a directory of them, on every platform and model."""
    from runner_env.settings import Settings
    from runner_env.skills.config import ConfigSources, load_config
    from runner_env.skills.plan import load_plan

    sources = ConfigSources(
        environ=Settings.from_environ().environ,
        cwd=Path.cwd(),
        file=ctx.meta.get(CONFIG_KEY),
        assignments=options["assignments"],
        flags=_flags(options),
        mocks_files=options["mocks_files"],
    )
    load_plan(load_config(sources), paths, options["case_json"], sources.cwd)
    raise NotImplementedError  # the run loop follows


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
