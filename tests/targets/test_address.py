"""`runner_env.targets.address`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.errors import TargetError
from runner_env.targets import GitTarget, LocalTarget, parse_target
from runner_env.targets.address import masked, without_credentials

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "url", "ref"),
    [
        ("https://host/o/r", "https://host/o/r", None),
        ("http://host:8080/o/r.git", "http://host:8080/o/r.git", None),
        ("HTTPS://Host/o/r", "HTTPS://Host/o/r", None),
        ("https://host/o/r@v1.2", "https://host/o/r", "v1.2"),
        ("https://host/o/r@feature/x", "https://host/o/r", "feature/x"),
        ("https://host/o/r.git@branch/with/slash", "https://host/o/r.git", "branch/with/slash"),
        ("https://host/o/r.git@pkg@1.0.0", "https://host/o/r.git", "pkg@1.0.0"),
        ("https://host/@scope/r@v1", "https://host/@scope/r", "v1"),
        ("https://host/@scope/r", "https://host/@scope/r", None),
        ("https://host/a@b/r.git", "https://host/a@b/r.git", None),
        ("https://user:p%40ss@host/o/r@v1", "https://user:p%40ss@host/o/r", "v1"),
        ("https://user:p@ss@host/o/r", "https://user:p@ss@host/o/r", None),
        ("ssh://git@host:2222/o/r.git", "ssh://git@host:2222/o/r.git", None),
        ("ssh://git@host/o/r@v1", "ssh://git@host/o/r", "v1"),
        ("ssh://git@[::1]:22/o/r", "ssh://git@[::1]:22/o/r", None),
        ("git@host:o/r.git", "git@host:o/r.git", None),
        (f"git@host:o/r.git@{SHA}", "git@host:o/r.git", SHA),
        ("git@host:o/r@v1", "git@host:o/r", "v1"),
        ("org-12@host:o/r", "org-12@host:o/r", None),
        ("git@[::1]:o/r.git", "git@[::1]:o/r.git", None),
        ("file:///srv/r.git", "file:///srv/r.git", None),
        ("file:///srv/r.git@v1", "file:///srv/r.git", "v1"),
        ("file:///srv/job@2/r", "file:///srv/job@2/r", None),
        ("file:///srv/job@2/r@v1", "file:///srv/job@2/r", "v1"),
        ("https://host/o/r@refs/pull/7/head", "https://host/o/r", "refs/pull/7/head"),
    ],
)
def test_urls_and_refs(text: str, url: str, ref: str | None) -> None:
    """B130: every form of git URL is recognised, and its ref is told from users, ports and directories."""
    assert parse_target(text) == GitTarget(url, ref)


@pytest.mark.parametrize(
    "text",
    [".", "..", "/srv/repo", "owner/repo", "a_b/c", "-n", "a\nb", "it's", "caf\udce9", "x" * 255, "~/r", "r.git"],
)
def test_paths(text: str) -> None:
    """B130, RT084: what is no URL is a path, `owner/repo` and strange names too."""
    assert parse_target(text) == LocalTarget(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "target_empty"),
        (" \n", "target_empty"),
        ("a\0b", "target_path"),
        ("ext::sh -c 'touch pwned'", "target_protocol"),
        ("file::/srv/r", "target_protocol"),
        ("git://host/o/r", "target_protocol"),
        ("ftp://host/o/r", "target_protocol"),
        ("git+ssh://host/o/r", "target_protocol"),
        ("https://-oProxyCommand=x/o/r", "target_url"),
        ("ssh://-oProxyCommand=x/o/r", "target_url"),
        ("ssh://-oProxyCommand=x@host/o/r", "target_url"),
        ("ssh://git:secret@host/o/r", "target_url"),
        ("git@-oProxyCommand=x:o/r", "target_url"),
        ("-u@host:o/r", "target_url"),
        ("git@host:-o", "target_url"),
        ("git@host:", "target_url"),
        ("https://host", "target_url"),
        ("https://host/", "target_url"),
        ("https:///o/r", "target_url"),
        ("https://ho st/o/r", "target_url"),
        ("https://host/o/r?x=1", "target_url"),
        ("https://host/o/r#x", "target_url"),
        ("https://host/o\nhost=evil", "target_url"),
        ("https://u%0ahost=evil:p@host/o/r", "target_url"),
        ("file://host/o/r", "target_url"),
        ("https://host/o/r@", "target_ref"),
        ("https://host/o/r@--upload-pack=touch", "target_ref"),
        ("https://host/o/r@HEAD~1", "target_ref"),
        ("https://host/o/r.git@a..b", "target_ref"),
        ("https://host/o/r.git@a b", "target_ref"),
        ("https://host/o/r.git@@{u}", "target_ref"),
        ("https://host/o/r.git@+x:y", "target_ref"),
    ],
)
def test_refused(text: str, code: str) -> None:
    """Nothing that git could take for an option, a program or another protocol gets as far as git."""
    with pytest.raises(TargetError) as caught:
        parse_target(text)
    assert caught.value.code == code


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"[a-z:/@.\-~\[\] ]{0,40}", fullmatch=True))
def test_any_text_is_a_target_or_a_target_error(text: str) -> None:
    """Whatever is written, the answer is a path with the very same text, a URL that begins it, or a TargetError."""
    try:
        parsed = parse_target(text)
    except TargetError:
        return
    if isinstance(parsed, LocalTarget):
        assert parsed.path == text
    else:
        assert text == (parsed.url if parsed.ref is None else f"{parsed.url}@{parsed.ref}")
        assert not parsed.url.startswith("-")
        assert not (parsed.ref or "").startswith("-")


_WORD = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,8}", fullmatch=True)
_START = st.sampled_from(["https://host/", "http://u:p@host:81/", "ssh://git@host/", "git@host:", "file:///srv/a@b/"])


@settings(max_examples=200, deadline=None)
@given(_START, st.lists(_WORD, min_size=1, max_size=4), st.none() | st.lists(_WORD, min_size=1, max_size=3))
def test_round_trip(start: str, path: list[str], ref: list[str] | None) -> None:
    """A URL ending in `.git` and a ref come back as they were put together."""
    url, wanted = f"{start}{'/'.join(path)}.git", "/".join(ref) if ref else None
    assert parse_target(f"{url}@{wanted}" if wanted else url) == GitTarget(url, wanted)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://HOST/o/r", "https://host:443/o/r/"),
        ("HTTP://host:80/o/r", "http://host/o/r"),
        ("https://u:p@host/o/r", "https://host/o/r"),
        ("git@HOST:o/r", "git@host:o/r/"),
        ("ssh://git@host:22/o/r", "ssh://git@host/o/r"),
    ],
)
def test_same_repository(one: str, other: str) -> None:
    """Spellings that cannot tell repositories apart share one clone."""
    assert GitTarget(one).normalised == GitTarget(other).normalised


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://host/foo/bar", "https://host/foo/bar_baz"),
        ("https://host/a_b/c", "https://host/a/b_c"),
        ("https://host/o/r", "https://host/O/r"),
        ("https://host/o/r", "https://host:8443/o/r"),
        ("https://host/o/r", "ssh://host/o/r"),
        ("ssh://a@host/r", "ssh://b@host/r"),
    ],
)
def test_different_repositories(one: str, other: str) -> None:
    """What may be two repositories never shares a clone."""
    assert GitTarget(one).normalised != GitTarget(other).normalised


def test_credentials_are_found_and_never_shown() -> None:
    """User and password are decoded for git, and appear neither in `repr` nor in what is shown."""
    target = parse_target("https://me:s%40cret@host/o/r@v1")
    assert isinstance(target, GitTarget)
    assert target.credentials == ("me", "s@cret")
    assert target.shown == "https://host/o/r"
    assert "cret" not in repr(target)


def test_without_credentials() -> None:
    """An ssh user is part of the address; everything else before the `@` may be a secret."""
    assert without_credentials("ssh://git:pw@host/r") == "ssh://git@host/r"
    assert without_credentials("https://token@host/r?key=1") == "https://host/r"
    assert without_credentials("odd://a:b@host/r") == "odd://host/r"
    assert without_credentials("git@host:r") == "git@host:r"
    assert without_credentials("/srv/r") == "/srv/r"


def test_masked() -> None:
    """What a remote says cannot move the cursor, and repeats no credentials."""
    said = masked("fatal: 'https://u:hunter22@host/r' \x1b[31mhunter22\u202e", "hunter22")
    assert said == "fatal: 'https://***@host/r' \ufffd[31m***\ufffd"
