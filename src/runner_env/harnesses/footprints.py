"""What each agent program needs of the machine that it runs on: its variables, and where it keeps its own things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner_env.execution.levels.hidden import homes

_ALL = ("*",)


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder of a program.

    What a program may change there is its login alone. Otherwise it gets copies, and what it makes of them ends with
    its harness: an agent that can change the configuration of its program has other runs of it do what it wants.

    Attributes:
        default: where the program looks for it, relative to its home directory.
        variable: by which the operator may have put it, or the folder that it is in, somewhere else.
        below: its name in the folder that the variable names; empty: the variable names the place itself.
        folders: of a folder, those in it that the program may read where they are, by name or `*`. Others are not
            there: it keeps its state in them.
        kept: it is a file, and what the program writes to it is to last: a login that is renewed.
    """

    default: str
    variable: str = ""
    below: str = ""
    folders: tuple[str, ...] = ()
    kept: bool = False

    def path(self, environ: Mapping[str, str]) -> Path | None:
        """Where it is for this user, whether it exists or not; None for a user without a home."""
        named = environ.get(self.variable, "")
        if named.startswith("/"):
            return Path(named, self.below)
        return next((home / self.default for home in homes(environ)), None)

    def shows(self, folder: str) -> bool:
        """Whether the program may read a folder of that name in this one."""
        return folder in self.folders or self.folders == _ALL


@dataclass(frozen=True, slots=True)
class Footprint:
    """One agent program.

    Attributes:
        program: the executable.
        install: the command that installs it.
        variables: what it is passed besides `COMMON`, by name; a name ending in `*` stands for all that begin so.
        places: what it has outside of where it works; logins first.
        settings: variables that it is given in any case.
        defaults: variables that it is given unless the operator has set them.
    """

    program: str
    install: str
    variables: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)


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


_OPENCODE_OFF = ("AUTOUPDATE", "PROJECT_CONFIG", "CLAUDE_CODE", "LSP_DOWNLOAD", "TERMINAL_TITLE", "SHARE")
"""A target's own files must not configure the agent that works on it: they could grant it anything."""


FOOTPRINTS: Mapping[str, Footprint] = {
    "opencode": Footprint(
        "opencode",
        "npm install -g opencode-ai",
        ("OPENCODE_*", *_VENDORS),
        (
            Place(".local/share/opencode/auth.json", "XDG_DATA_HOME", "opencode/auth.json", kept=True),
            Place(".local/share/opencode/mcp-auth.json", "XDG_DATA_HOME", "opencode/mcp-auth.json", kept=True),
            Place(".local/state/opencode/model.json", "XDG_STATE_HOME", "opencode/model.json"),
            Place(".config/opencode", "XDG_CONFIG_HOME", "opencode", folders=_ALL),
            Place(".opencode", folders=_ALL),
            Place(".opencode-more", "OPENCODE_CONFIG_DIR", folders=_ALL),
            Place(".cache/opencode", "XDG_CACHE_HOME", "opencode", folders=_ALL),
        ),
        {f"OPENCODE_DISABLE_{name}": "1" for name in _OPENCODE_OFF},
    ),
    "codex": Footprint(
        "codex",
        "npm install -g @openai/codex",
        ("CODEX_*", "OPENAI_*", "AZURE_OPENAI_*"),
        (
            Place(".codex/auth.json", "CODEX_HOME", "auth.json", kept=True),
            Place(".codex", "CODEX_HOME", folders=("prompts", "rules", "skills", "plugins")),
        ),
    ),
    "claude-code": Footprint(
        "claude",
        "npm install -g @anthropic-ai/claude-code",
        ("CLAUDE_*", "ANTHROPIC_*", "DISABLE_*", "IS_SANDBOX"),
        (
            Place(".claude/.credentials.json", "CLAUDE_CONFIG_DIR", ".credentials.json", kept=True),
            Place(".claude", "CLAUDE_CONFIG_DIR", folders=("agents", "commands", "hooks", "plugins", "skills")),
            Place(".claude.json"),
        ),
        {"DISABLE_AUTOUPDATER": "1"},
        {"CLAUDE_CODE_MAX_RETRIES": "2"},  # or else it repeats a call for minutes before it says why
    ),
    "goose": Footprint(
        "goose",
        "see its documentation (block/goose)",
        ("GOOSE_*", *_VENDORS),
        (Place(".config/goose", "XDG_CONFIG_HOME", "goose", folders=_ALL),),
    ),
    "qwen": Footprint(
        "qwen",
        "npm install -g @qwen-code/qwen-code",
        ("QWEN_*", "OPENAI_*", "DASHSCOPE_*"),
        (
            Place(".qwen/oauth_creds.json", kept=True),
            Place(".qwen", folders=("agents", "commands", "extensions", "skills")),
        ),
    ),
    "crush": Footprint(
        "crush",
        "npm install -g @charmland/crush",
        ("CRUSH_*", *_VENDORS),
        (
            Place(".config/crush", "XDG_CONFIG_HOME", "crush", folders=_ALL),
            Place(".local/share/crush", "XDG_DATA_HOME", "crush"),
        ),
    ),
    "copilot": Footprint(
        "copilot",
        "npm install -g @github/copilot",
        ("COPILOT_*", "GH_TOKEN", "GITHUB_TOKEN"),
        (Place(".copilot", "XDG_CONFIG_HOME", ".copilot", folders=("agents", "skills")),),
    ),
    "cursor": Footprint(
        "cursor-agent",
        "see its documentation (cursor.com/cli)",
        ("CURSOR_*",),
        (
            Place(".config/cursor/auth.json", "XDG_CONFIG_HOME", "cursor/auth.json", kept=True),
            Place(".config/cursor", "XDG_CONFIG_HOME", "cursor"),
            Place(".cursor", folders=("rules", "commands", "agents", "skills")),
        ),
    ),
}
"""By the names that oneharness gives them, in the order in which `auto` prefers them."""


def footprint_of(harness: str) -> Footprint:
    """That of a harness of oneharness; of one that is not known here, by the custom of such programs."""
    if harness in FOOTPRINTS:
        return FOOTPRINTS[harness]
    places = (
        Place(f".{harness}"),
        Place(f".config/{harness}", "XDG_CONFIG_HOME", harness, folders=_ALL),
        Place(f".local/share/{harness}", "XDG_DATA_HOME", harness),
    )
    own = f"{harness.upper().replace('-', '_')}_*"
    return Footprint(harness, "see its documentation", (own, *_VENDORS), places)


ONEHARNESS = Footprint(
    "oneharness", "pip install oneharness-cli", ("ONEHARNESS_*",), settings={"ONEHARNESS_NO_CONFIG": "1"}
)
