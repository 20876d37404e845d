"""Which proxy leads to a URL, by the usual variables; none leads to this machine itself."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


def proxy_for(url: str, env: Mapping[str, str]) -> str | None:
    """The proxy's URL, or None.

    Read are `<SCHEME>_PROXY`, `ALL_PROXY` and `NO_PROXY` (`*`, host names with their subdomains, addresses,
    networks; a port is ignored), lower case before upper case.

    Args:
        url: where a request goes.
        env: the variables.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if not host or _loopback(host) or _excepted(host, _value(env, "no_proxy")):
        return None
    return _value(env, f"{parts.scheme}_proxy") or _value(env, "all_proxy") or None


def _value(env: Mapping[str, str], name: str) -> str:
    return env.get(name) or env.get(name.upper()) or ""


def _loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)


def _excepted(host: str, no_proxy: str) -> bool:
    return any(_covers(entry.strip().lower(), host) for entry in no_proxy.split(",") if entry.strip())


def _covers(entry: str, host: str) -> bool:
    address = _address(host)
    if entry == "*":
        return True
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            return False
    name = entry.rsplit(":", 1)[0].lstrip("*").lstrip(".")
    return host == name or host.endswith("." + name)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
