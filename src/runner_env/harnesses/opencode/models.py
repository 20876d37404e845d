"""Which model of a server a name stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_env.core import FailureKind
from runner_env.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FIRST = "OPENCODE_MODEL"
_OTHERS = ("OPENAI_MODEL", "CHAT_MODEL", "LITELLM_CHAT_MODEL")
_SHOWN = 8

Model = dict[str, str]


def resolve_model(name: str, environ: Mapping[str, str], listed: object, harness: str) -> Model | None:
    """What to ask the server for; None: its own choice.

    Args:
        name: `provider/model`, or a model alone; empty: as `OPENCODE_MODEL` says, or else one of the other usual
            variables if the server has the model it names.
        environ: the variables.
        listed: what the server answers to `GET /config/providers`.
        harness: for errors.

    Raises:
        HarnessError: kind `model_not_found`: a model alone, which no provider of the server has.
    """
    models = list(_models(listed))
    asked = name or environ.get(_FIRST, "")
    if not asked:
        others = (environ.get(variable, "") for variable in _OTHERS)
        return next((found for other in others if other and (found := _matching(other, models))), None)
    found = _matching(asked, models)
    if found is not None:
        return found
    provider, slash, model = asked.partition("/")
    if slash and provider and model:
        return {"providerID": provider, "modelID": model}  # the server knows best, and says so if it does not
    some = ", ".join(f"{one['providerID']}/{one['modelID']}" for one in models[:_SHOWN])
    hint = f"Write provider/model, as in {some}." if some else "Configure a provider for OpenCode (`opencode auth`)."
    message = f"OpenCode has no model {asked!r}."
    raise HarnessError(FailureKind.MODEL_NOT_FOUND, message, harness=harness, hint=hint)


def _matching(name: str, models: list[Model]) -> Model | None:
    provider, _, rest = name.partition("/")
    exact = [one for one in models if one == {"providerID": provider, "modelID": rest}]
    alone = [one for one in models if one["modelID"] == name]
    return next(iter(exact or alone), None)


def _models(listed: object) -> Iterator[Model]:
    providers: Any = listed.get("providers") if isinstance(listed, dict) else None
    for provider in providers if isinstance(providers, list) else ():
        if isinstance(provider, dict) and isinstance(provider.get("models"), dict):
            yield from ({"providerID": str(provider.get("id")), "modelID": str(one)} for one in provider["models"])
