"""What each agent program needs of the machine that it runs on: its variables, and where it keeps its own things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner_env.execution.levels.hidden import homes


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder of a program.

    Attributes:
        default: where the program looks for it, relative to its home directory.
        variable: by which the operator may have put it, or the folder that it is in, somewhere else.
        below: its name in the folder that the variable names; empty: the variable names the place itself.
        file: whether it is a file.
        kept: the program keeps its state there, and what it writes is to last (a login that is renewed); otherwise it
            only reads, as its configuration and what it has fetched.
    """

    default: str
    variable: str = ""
    below: str = ""
    file: bool = False
    kept: bool = False

    def path(self, environ: Mapping[str, str]) -> Path | None:
        """Where it is for this user, whether it exists or not; None for a user without a home."""
        named = environ.get(self.variable, "")
        if named.startswith("/"):
            return Path(named, self.below)
        return next((home / self.default for home in homes(environ)), None)


@dataclass(frozen=True, slots=True)
class Footprint:
    """One agent program.

    Attributes:
        program: the executable.
        install: the command that installs it.
        variables: what it is passed besides `COMMON`, by name; a name ending in `*` stands for all that begin so.
        places: what it keeps outside of where it works.
    """

    program: str
    install: str
    variables: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()


COMMON = (
    "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TERM", "TZ", "http_proxy", "https_proxy",
    "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
)  # fmt: skip
"""What every program is passed."""

_VENDORS = (
    "OPENAI_*", "ANTHROPIC_*", "GEMINI_*", "GOOGLE_GENERATIVE_AI_API_KEY", "GOOGLE_API_KEY", "OPENROUTER_*", "GROQ_*",
    "MISTRAL_*", "DEEPSEEK_*", "XAI_*", "TOGETHER_*", "FIREWORKS_*", "CEREBRAS_*", "MOONSHOT_*", "DASHSCOPE_*",
    "AZURE_OPENAI_*", "LITELLM_*", "OLLAMA_*", "LMSTUDIO_*",
)  # fmt: skip
"""Of services that sell nothing but models; credentials of a whole cloud are passed by `pass_env` alone."""


def _state(name: str, folder: str, variable: str, *, kept: bool) -> Place:
    return Place(f"{folder}/opencode/{name}", variable, f"opencode/{name}", file=True, kept=kept)


FOOTPRINTS: Mapping[str, Footprint] = {
    "opencode": Footprint(
        "opencode",
        "npm install -g opencode-ai",
        ("OPENCODE_*", *_VENDORS),
        (
            Place(".config/opencode", "XDG_CONFIG_HOME", "opencode"),
            Place(".opencode"),
            Place(".local/share/opencode/auth.json", "XDG_DATA_HOME", "opencode/auth.json", file=True, kept=True),
            Place(
                ".local/share/opencode/mcp-auth.json", "XDG_DATA_HOME", "opencode/mcp-auth.json", file=True, kept=True
            ),
            Place(".local/state/opencode/model.json", "XDG_STATE_HOME", "opencode/model.json", file=True),
            Place(".cache/opencode", "XDG_CACHE_HOME", "opencode"),
        ),
    ),
    "codex": Footprint(
        "codex",
        "npm install -g @openai/codex",
        ("CODEX_*", "OPENAI_*", "AZURE_OPENAI_*"),
        (Place(".codex", "CODEX_HOME", kept=True),),
    ),
    "claude-code": Footprint(
        "claude",
        "npm install -g @anthropic-ai/claude-code",
        ("CLAUDE_*", "ANTHROPIC_*", "DISABLE_*", "IS_SANDBOX"),
        (
            Place(".claude", "CLAUDE_CONFIG_DIR", kept=True),
            Place(".claude.json", "CLAUDE_CONFIG_DIR", ".claude.json", file=True, kept=True),
        ),
    ),
    "goose": Footprint(
        "goose",
        "see its documentation (block/goose)",
        ("GOOSE_*", *_VENDORS),
        (
            Place(".config/goose", "XDG_CONFIG_HOME", "goose"),
            Place(".local/share/goose", "XDG_DATA_HOME", "goose", kept=True),
            Place(".local/state/goose", "XDG_STATE_HOME", "goose", kept=True),
        ),
    ),
    "qwen": Footprint(
        "qwen",
        "npm install -g @qwen-code/qwen-code",
        ("QWEN_*", "OPENAI_*", "DASHSCOPE_*"),
        (Place(".qwen", kept=True),),
    ),
    "crush": Footprint(
        "crush",
        "npm install -g @charmland/crush",
        ("CRUSH_*", *_VENDORS),
        (
            Place(".config/crush", "XDG_CONFIG_HOME", "crush"),
            Place(".local/share/crush", "XDG_DATA_HOME", "crush", kept=True),
        ),
    ),
    "copilot": Footprint(
        "copilot",
        "npm install -g @github/copilot",
        ("COPILOT_*", "GH_TOKEN", "GITHUB_TOKEN"),
        (Place(".copilot", "XDG_CONFIG_HOME", ".copilot", kept=True),),
    ),
    "cursor": Footprint(
        "cursor-agent",
        "see its documentation (cursor.com/cli)",
        ("CURSOR_*",),
        (Place(".cursor", kept=True), Place(".config/cursor", "XDG_CONFIG_HOME", "cursor", kept=True)),
    ),
}
"""By the names that oneharness gives them, in the order in which `auto` prefers them."""


def footprint_of(harness: str) -> Footprint:
    """That of a harness of oneharness; of one that is not known here, by the custom of such programs."""
    if harness in FOOTPRINTS:
        return FOOTPRINTS[harness]
    places = (
        Place(f".{harness}", kept=True),
        Place(f".config/{harness}", "XDG_CONFIG_HOME", harness),
        Place(f".local/share/{harness}", "XDG_DATA_HOME", harness, kept=True),
    )
    own = f"{harness.upper().replace('-', '_')}_*"
    return Footprint(harness, "see its documentation", (own, *_VENDORS), places)


ONEHARNESS = Footprint("oneharness", "pip install oneharness-cli", ("ONEHARNESS_*",))
