"""Which proxy leads where."""

from __future__ import annotations

import pytest

from runner_env.llm.proxies import proxy_for

ENV = {"HTTPS_PROXY": "http://proxy:1", "http_proxy": "http://proxy:2", "NO_PROXY": "corp.example, 10.0.0.0/8,.inner"}


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api.example/v1", "http://proxy:1"),
        ("http://api.example/v1", "http://proxy:2"),
        ("https://corp.example/v1", None),
        ("https://a.corp.example:8443/v1", None),
        ("https://notcorp.example/v1", "http://proxy:1"),
        ("https://x.inner/v1", None),
        ("https://10.1.2.3/v1", None),
        ("https://11.1.2.3/v1", "http://proxy:1"),
        ("http://127.0.0.1:80/v1", None),
        ("http://127.9.9.9/v1", None),
        ("http://[::1]:80/v1", None),
        ("http://localhost:11434/v1", None),
        ("no url", None),
    ],
)
def test_the_usual_variables_hold_and_loopback_is_never_proxied(url: str, proxy: str | None) -> None:
    """Scheme, exceptions by name, subdomain and network; this machine itself is always reached directly."""
    assert proxy_for(url, ENV) == proxy


def test_everything_can_be_excepted() -> None:
    """`NO_PROXY=*` turns proxies off."""
    assert proxy_for("https://api.example", {"ALL_PROXY": "http://p", "NO_PROXY": "*"}) is None
    assert proxy_for("https://api.example", {"ALL_PROXY": "http://p"}) == "http://p"
