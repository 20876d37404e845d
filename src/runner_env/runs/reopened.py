"""The inputs of a stored run again, and proof that they are what they were."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from runner_env.core import Ambient, ModelKind, ModelRef
from runner_env.errors import RunError, RunnerEnvError, TargetError
from runner_env.formats.plain import plain
from runner_env.pipeline.environment import granted
from runner_env.runs.history import History
from runner_env.runs.inputs import Observer, RunInputs
from runner_env.runs.options import CallOptions, SetupOptions, resolved
from runner_env.runs.record import contract_record
from runner_env.runs.sources import contract_of
from runner_env.settings import Settings
from runner_env.targets import Checkout, Revision, fetch
from runner_env.targets.inside import open_inside
from runner_env.text.masking import looks_secret
from runner_env.verification import Claim

_ANEW = "Run it again from the start with `runner-env run`."
_BLOCK = 1 << 20

Options = TypeVar("Options")


def stored_inputs(
    history: History, settings: Settings, pass_env: tuple[str, ...] = (), observer: Observer | None = None
) -> RunInputs:
    """What the run is about, from its journal, its workspace and today's surroundings.

    Args:
        history: the run's journal.
        settings: today's surroundings.
        pass_env: the variables that are granted now; what was granted then counts only for names that are no secret.
        observer: as for a run.

    Raises:
        RunError: `run_not_begun`, or `resume_changed`: workspace, revision or contract are not what they were.
        ContractError: the contract cannot be read.
    """
    opening = history.opening
    if not opening:
        raise RunError("run_not_begun", f"Run {history.run_id} was lost before anything was begun.", hint=_ANEW)
    checkout = _checkout(opening, settings)
    options = restored(SetupOptions, opening["options"])
    plain_names = tuple(name for name in options.pass_env if not looks_secret(name))
    options = replace(options, pass_env=tuple(dict.fromkeys((*pass_env, *plain_names))))
    contract = contract_of(checkout.root, options.pipeline_rel)
    inputs = RunInputs(opening["target"], checkout, contract, options, settings, Ambient(), observer)
    if plain(contract_record(inputs)) != opening["contract"]:
        raise _changed("Its contract was changed since.")
    return inputs


def stored_model(history: History) -> ModelRef | None:
    """The model of the run.

    Raises:
        RunError: `resume_changed`: its directory is gone.
    """
    told = history.opening["model"]
    if told is None:
        return None
    path = Path(told["path"]) if told["path"] else None
    if path is not None and not path.is_dir():
        raise _changed(f"The model directory {path} is gone.")
    return ModelRef(ModelKind(told["kind"]), told["name"], path)


def stored_call(history: History, env_overrides: Mapping[str, str]) -> CallOptions:
    """What was asked for, with variables whose values nobody wrote down.

    Args:
        history: the run's journal.
        env_overrides: their values.
    """
    calls = [call["options"] for call in history.calls]
    if not calls:
        return CallOptions(env_overrides=dict(env_overrides))
    told = {**calls[-1], "require_samples": any(call["require_samples"] for call in calls), "env_overrides": {}}
    return replace(restored(CallOptions, told), env_overrides=dict(env_overrides))


def missing_variables(history: History, inputs: RunInputs, call: CallOptions) -> list[str]:
    """What the run was given and has not got now, as the flags that give it."""
    names = {name for one in history.calls for name in one["options"]["env_overrides"]}
    flags = [f"--env {name}=…" for name in sorted(names - call.env_overrides.keys())]
    then = {name for one in history.calls for name in one.get("granted", ())}
    now = granted(inputs.settings.environ, inputs.options.pass_env, inputs.contract.security.secrets)
    flags += [f"--pass-env {name}" for name in sorted(then - now.keys())]
    key_then = any(one.get("api_key") for one in history.calls)
    key_now = inputs.settings.environ.get("OPENAI_API_KEY") or "OPENAI_API_KEY" in call.env_overrides
    return [*flags, "OPENAI_API_KEY in your environment"] if key_then and not key_now else flags


def refuse_missing(history: History, inputs: RunInputs, call: CallOptions) -> None:
    """Refuse to go on without what the run was given.

    Raises:
        RunError: `resume_needs_variables`.
    """
    missing = missing_variables(history, inputs, call)
    if missing:
        message = f"The run was given variables whose values are not recorded: {', '.join(missing)}."
        hint = "Give them again; --env-file FILE takes many at once."
        raise RunError("resume_needs_variables", message, hint=hint)


def refuse_changed_file(path: Path, sha256: str, what: str) -> None:
    """Refuse to go on with a file that is not what the journal says.

    Raises:
        RunError: `resume_changed`.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise _changed(f"{what} cannot be read any more: {error}") from error
    if digest != sha256:
        raise _changed(f"{what} is not what was recorded.")


def refuse_changed_claim(history: History, inputs: RunInputs, claim: Claim, path: str) -> None:
    """Refuse to go on where a file that a finished stage handed in is not what was judged.

    Args:
        history: the run's journal.
        inputs: of the run.
        claim: what was recorded.
        path: where it lies in the workspace.

    Raises:
        RunError: `resume_changed`.
    """
    if claim.reference is not None:
        refuse_changed_file(history.path / claim.reference, claim.sha256, f"The evidence {claim.reference}")
    try:
        fd = open_inside(inputs.checkout.root, path)
    except TargetError as error:
        raise _changed(f"{claim.name} is gone: {error.message}") from error
    with os.fdopen(fd, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != claim.sha256:
            raise _changed(f"{claim.name} in the workspace is not what was recorded.")


def claimed_bytes(history: History, root: Path, claim: Claim, path: str) -> bytes:
    """What a file held that was taken in: its copy if there is one, else the file itself.

    Raises:
        RunError: `resume_changed`: it is gone, or not what was judged any more.
    """
    try:
        if claim.reference is not None:
            data = (history.path / claim.reference).read_bytes()
        else:
            with os.fdopen(open_inside(root, path), "rb") as file:
                data = file.read()
    except (OSError, TargetError) as error:
        raise _changed(f"{claim.name} is gone: {error}") from error
    if hashlib.sha256(data).hexdigest() != claim.sha256:
        raise _changed(f"{claim.name} is not what was recorded.")
    return data


def restored(cls: type[Options], values: Mapping[str, Any]) -> Options:
    """An options object from what `plain` made of it; what it has no field for is left out."""
    hints = get_type_hints(cls)
    known = [item.name for item in fields(cls) if item.name in values]  # type: ignore[arg-type]
    return cls(**{name: _restored(hints[name], values[name], name) for name in known})


def _restored(hint: Any, value: Any, name: str) -> Any:  # noqa: ANN401 - any field's type and value
    if value is None:
        return None
    if is_dataclass(hint) and isinstance(hint, type):
        return restored(hint, value)
    if Path in (hint, *get_args(hint)):
        return resolved(name, value)
    return tuple(value) if isinstance(value, list) else value


def _checkout(opening: Mapping[str, Any], settings: Settings) -> Checkout:
    told = opening["revision"]
    try:
        found = fetch(Path(opening["workspace"]), settings=settings)
    except RunnerEnvError as error:
        raise _changed(f"The workspace cannot be used any more: {error.message}") from error
    now = found.revision
    if (now.kind, now.commit) != (told["kind"], told["commit"]):
        raise _changed(f"The workspace is at {now.commit or 'no commit'}, and was at {told['commit'] or 'no commit'}.")
    revision = Revision(**{item.name: told[item.name] for item in fields(Revision)})
    return Checkout(found.root, revision, told["source"])


def _changed(message: str) -> RunError:
    return RunError("resume_changed", message, hint=f"What is finished no longer fits. {_ANEW}")
