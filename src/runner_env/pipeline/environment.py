"""The environment of a stage's commands, built from an allow-list, never from all that the caller has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from runner_env.contract import variables as v
from runner_env.contract.model import StageName
from runner_env.core import ModelKind, ModelRef
from runner_env.text.masking import looks_secret

_PASSED_ON = re.compile(
    r"""
    PATH | HOME | USER | LOGNAME | SHELL | LANG | LANGUAGE | LC_\w+ | TZ | TERM | COLUMNS | TMPDIR | TMP | TEMP
    | XDG_\w+ | (?i:(https?|ftp|all|no)_proxy) | SSL_CERT_(FILE|DIR) | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE
    | NODE_EXTRA_CA_CERTS | PIP_\w+ | UV_\w+ | (?i:npm_config_\w+) | NVM_\w+ | PYENV_\w+ | CONDA_\w+ | VIRTUAL_ENV
    | RUSTUP_\w+ | CARGO_\w+ | GO(PATH|ROOT|CACHE|MODCACHE|FLAGS|PROXY|TOOLCHAIN) | JAVA_HOME | MAVEN_\w+ | GRADLE_\w+
    | LD_LIBRARY_PATH | CUDA_\w+ | NVIDIA_\w+ | ROCR_\w+ | HIP_\w+ | OMP_\w+ | MKL_\w+ | HF_(HOME|ENDPOINT|HUB_\w+)
    | PYTHON(DONTWRITEBYTECODE|UTF8|HASHSEED|IOENCODING|PYCACHEPREFIX) | KUBECONFIG | DOCKER_HOST
    | AIDER_(EVAL|FSM)_\w+
    """,
    re.VERBOSE,
)

_ELSEWHERE = re.compile(
    r"""
    TMP | TEMP | XDG_(?!DATA_DIRS|CONFIG_DIRS)\w+ | PIP_CACHE_DIR | UV_CACHE_DIR
    | (?i:npm_config_(cache|userconfig|prefix)) | GOPATH | GOCACHE | PYTHONPYCACHEPREFIX | PIP_CONFIG_FILE
    """,
    re.VERBOSE,
)
"""Names folders of the caller's that a stage cannot write to."""

LOCAL_KEY = "local"
"""The key of a model on this machine; clients want one, servers ignore it."""

_UNATTENDED = {
    v.CI: "1",
    v.GIT_TERMINAL_PROMPT: "0",
    v.PIP_DISABLE_PIP_VERSION_CHECK: "1",
    v.PIP_NO_INPUT: "1",
    v.PYTHONUNBUFFERED: "1",
    v.DEBIAN_FRONTEND: "noninteractive",
}


def passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of the caller's environment that every stage sees: toolchains, locale, proxies, caches; no secrets."""
    return {name: value for name, value in environ.items() if _is_passed_on(name)}


@lru_cache(maxsize=4096)  # every stage asks again about the same few names
def _is_passed_on(name: str) -> bool:
    return bool(_PASSED_ON.fullmatch(name)) and not looks_secret(name)


def granted(environ: Mapping[str, str], pass_env: tuple[str, ...], requested: tuple[str, ...]) -> dict[str, str]:
    """The variables the operator passes on; one that looks like a secret only if the contract requests it too."""
    return {
        name: environ[name] for name in pass_env if name in environ and (name in requested or not looks_secret(name))
    }


def with_v1(base: str) -> str:
    """An OpenAI-compatible base URL in the form that clients expect: ending in `/v1`, without a slash at the end."""
    trimmed = base.strip().rstrip("/")
    return trimmed if not trimmed or trimmed.endswith("/v1") else trimmed + "/v1"


@dataclass(frozen=True, slots=True)
class Ingredients:
    """Everything that a stage's environment is made of.

    Attributes:
        environ: the caller's environment.
        overrides: what the caller sets for every stage; wins over the contract.
        grants: variables passed on by name.
        bootstrap: what `.aider_fsm/bootstrap.yml` sets for every stage.
        model: the model of the run, if there is one.
        runtime: the object in `runtime_env.json`, once a service is deployed.
        fixed: what the runner itself says (run id, paths, mode).
        python: the interpreter that runs the runner.
        own: what points programs to the run's own folders, in place of the caller's.
        advice: the stated commands, for the stages that have use for a model; everybody else's word is stronger.
    """

    environ: Mapping[str, str]
    overrides: Mapping[str, str] = field(default_factory=dict)
    grants: Mapping[str, str] = field(default_factory=dict)
    bootstrap: Mapping[str, str] = field(default_factory=dict)
    model: ModelRef | None = None
    runtime: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    own: Mapping[str, str] = field(default_factory=dict)
    advice: Mapping[str, str] = field(default_factory=dict)

    def base(self) -> dict[str, str]:
        """What every stage has before the contract says anything; also what `bootstrap.yml` may refer to."""
        env = {v.AIDER_FSM_PYTHON: self.python, **passed_on(self.environ)}
        if self.own:
            env = {name: value for name, value in env.items() if not _ELSEWHERE.fullmatch(name)}
        env |= {**self.own, **self.grants}
        return env | {name: self.fixed[name] for name in (v.AIDER_FSM_REPO_ROOT, v.AIDER_FSM_RUNNER_ROOT)}

    def stage(self, stage: StageName, declared: Mapping[str, str], artifacts: Path) -> dict[str, str]:
        """The environment of one stage, whose contract section declares `declared`."""
        advice = self.advice if stage in v.MODEL_STAGES else {}
        env = {**advice, **self.base(), **self.bootstrap, **declared}
        if self.model is not None:
            env.update(self._model_defaults(self.model, stage))
            env.update(self.overrides)
            env.update(self._model_facts(self.model, stage))
        else:
            env.update(self.overrides)
        for name in self._absent():
            env.pop(name, None)
        for name, value in _UNATTENDED.items():
            env.setdefault(name, value)
        return {**env, **self.fixed, v.AIDER_FSM_STAGE: stage.value, v.AIDER_FSM_ARTIFACTS_DIR: str(artifacts)}

    def _absent(self) -> tuple[str, ...]:
        if self.model is None:
            return (v.AIDER_LLM_MODEL, v.AIDER_TRAINED_MODEL_DIR)
        return (v.AIDER_LLM_MODEL,) if self.model.kind is ModelKind.LOCAL_HF else (v.AIDER_TRAINED_MODEL_DIR,)

    def _model_defaults(self, model: ModelRef, stage: StageName) -> dict[str, str]:
        """What follows from `llm=` unless the caller overrides it."""
        local = model.kind is ModelKind.LOCAL_HF
        served = _text(self.runtime, "inference", "model") if local else ""
        env = {v.OPENAI_MODEL: served or model.name}
        key = LOCAL_KEY if local else self.environ.get(v.OPENAI_API_KEY, "")
        return env | {v.OPENAI_API_KEY: key} if key and stage in v.MODEL_STAGES else env

    def _model_facts(self, model: ModelRef, stage: StageName) -> dict[str, str]:
        """What follows from `llm=` and nothing may contradict."""
        env = {v.AIDER_LLM_KIND: model.kind.value}
        if model.kind is ModelKind.LOCAL_HF:
            env[v.AIDER_TRAINED_MODEL_DIR] = str(model.path)
        else:
            env[v.AIDER_LLM_MODEL] = model.name
        base_url = self.endpoint(local=model.kind is ModelKind.LOCAL_HF) if stage in v.MODEL_STAGES else ""
        return env | {v.OPENAI_API_BASE: base_url, v.OPENAI_BASE_URL: base_url} if base_url else env

    def endpoint(self, *, local: bool) -> str:
        """The base URL of the model: the caller's own, unless the deployed service is where a local model lives."""
        explicit = next(
            (
                source[name]
                for source in (self.overrides, self.environ)
                for name in (v.OPENAI_BASE_URL, v.OPENAI_API_BASE)
                if source.get(name, "").strip()
            ),
            "",
        )
        deployed = next(
            filter(
                None,
                (
                    _text(self.runtime, "inference", "openai_base_url"),
                    _text(self.runtime, "inference", "base_url"),
                    _text(self.runtime, "service", "base_url"),
                ),
            ),
            "",
        )
        return with_v1((deployed or explicit) if local else (explicit or deployed))


def _text(value: Mapping[str, Any], section: str, key: str) -> str:
    part = value.get(section)
    found = part.get(key) if isinstance(part, Mapping) else None
    return found if isinstance(found, str) else ""
