"""Settings by path: what follows from the models without being written down anywhere."""

from __future__ import annotations

import pytest

from runner_env.skills.patches import Patch, environment_patches, patched, set_patches


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("JUDGE_MODEL", "judge_model"),
        ("ON_ERROR", "on_error"),
        ("PROVIDER__BIN", "provider.bin"),
        ("PROVIDER__KIND", "provider.kind"),
        ("PROVIDER__HISTORY_DIR", "provider.history_dir"),
        ("PROVIDER__JUDGE__CONFIG", "provider.judge.config"),
        ("JUDGE__VENDOR", "judge.vendor"),
        ("JUDGE__API_KEY_ENV", "judge.api_key_env"),
        ("JUDGE__BASE_URL", "judge.base_url"),
    ],
)
def test_text_settings(name: str, path: str) -> None:
    """The value of a text setting is the variable itself."""
    (patch,) = environment_patches({f"SKILLTEST_{name}": "1"})
    assert patch == Patch(tuple(path.split(".")), "1", f"SKILLTEST_{name}")


@pytest.mark.parametrize(
    "name",
    ["MAX_TURNS", "PROVIDER__TIMEOUT_SECS", "REPEAT", "MAX_COST", "SPY", "MODELS", "MOCKS", "PRICES", "JUDGE"],
)
def test_other_settings(name: str) -> None:
    """The value of any other setting is read as JSON."""
    (patch,) = environment_patches({f"SKILLTEST_{name}": "[1]"})
    assert patch.value == [1]


def test_what_is_inside_lists_is_no_setting() -> None:
    """There is no variable for a part of a list or of a mapping."""
    assert environment_patches({"SKILLTEST_MOCKS__NAME": "x", "SKILLTEST_PRICES__INPUT": "1"}) == []


def test_a_section_that_is_not_there() -> None:
    """A setting of the provider alone means oneharness, the default; one of another section begins empty."""
    root = patched(None, [*set_patches(['provider.bin="x"', "judge.strict_json=false"])])
    assert root.plain() == {"provider": {"kind": "oneharness", "bin": "x"}, "judge": {"strict_json": False}}


def test_a_command_alone() -> None:
    """A command for a provider that is not configured means a provider that is a command."""
    root = patched(None, environment_patches({"SKILLTEST_PROVIDER__COMMAND": '["x"]'}))
    assert root.plain() == {"provider": {"kind": "command", "command": ["x"]}}


def test_a_value_that_is_no_section() -> None:
    """A setting inside a value that is no mapping replaces the value; what is around it stays."""
    root = patched(None, [Patch(("judge",), None, "a"), Patch(("spy",), 1, "b"), Patch(("judge", "kind"), "api", "c")])
    assert root.plain() == {"judge": {"kind": "api"}, "spy": 1}
    assert str(root.where_of("judge")) == "a"
