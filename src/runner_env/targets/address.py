"""What the text of a target means: a path on this machine, a git URL or an archive, with nothing looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from runner_env.errors import TargetError

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""What the name of an archive ends in, in any case."""

PROTOCOLS = ("file", "http", "https", "ssh")
"""What a git URL may begin with. `git://` is not among them: it can neither be trusted nor be kept secret."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TRANSPORT = re.compile(r"[A-Za-z0-9+.-]+::")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/]*)(?P<path>/.*)?", re.DOTALL)
_SCP = re.compile(r"(?P<authority>[^\s/@:]+@(?:\[[^\s/@\]]*\]|[^\s/@:\[\]]+)):(?P<path>.*)", re.DOTALL)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|(?!-)[\w.~-]+)(?::[0-9]{0,5})?")
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|/\.|[/.]$|\.lock(?:/|$)|^@$")
_USERINFO = re.compile(r"(://)[^/\s'\"]*@")
_SHORTHAND = re.compile(r"(?![.-])[A-Za-z0-9_.-]+/(?![.-])[A-Za-z0-9_.-]+")
_DEFAULT_PORTS = {"http": ":80", "https": ":443", "ssh": ":22"}


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """A path on this machine, as it was written: `~` not yet expanded, existence not yet known."""

    path: str


@dataclass(frozen=True, slots=True)
class GitTarget:
    """A git URL and what is wanted of it.

    Attributes:
        url: as it was written, without the ref; may hold credentials and therefore stays out of `repr`.
        ref: branch, tag, full ref name or (abbreviated) commit id; None for the default branch.
    """

    url: str = field(repr=False)
    ref: str | None = None

    @property
    def shown(self) -> str:
        """The URL without credentials: what is handed to git, recorded and shown."""
        return without_credentials(self.url)

    @property
    def credentials(self) -> tuple[str, str | None] | None:
        """User name and password (None if absent) of an `http(s)` URL; None if it holds neither."""
        match = _URL.fullmatch(self.url)
        if not match or match["scheme"].lower() not in {"http", "https"} or "@" not in match["authority"]:
            return None
        user, colon, password = match["authority"].rpartition("@")[0].partition(":")
        return unquote(user), unquote(password) if colon else None

    @property
    def normalised(self) -> str:
        """The URL with everything removed that cannot tell two repositories apart."""
        if match := _URL.fullmatch(self.shown):
            scheme = match["scheme"].lower()
            user, at, host = match["authority"].rpartition("@")
            host = host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ":")).removesuffix(":")
            return f"{scheme}://{user}{at}{host}{(match['path'] or '').rstrip('/')}"
        authority, _, path = self.shown.partition(":")
        user, at, host = authority.rpartition("@")
        return f"{user}{at}{host.lower()}:{path.rstrip('/')}"


@dataclass(frozen=True, slots=True)
class ArchiveTarget:
    """An archive behind an `http(s)` URL.

    Attributes:
        url: as it was written; may hold credentials and therefore stays out of `repr`.
    """

    url: str = field(repr=False)


def parse_shorthand(text: str) -> tuple[str, str | None] | None:
    """`owner/repo` or `owner/repo@ref`, as two parts; None if the text is nothing of the kind.

    Raises:
        TargetError: what follows the `@` cannot be a ref.
    """
    name, mark, ref = text.partition("@")
    if not _SHORTHAND.fullmatch(name):
        return None
    return name.removesuffix(".git"), check_ref(ref) if mark else None


def parse_target(text: str) -> LocalTarget | GitTarget | ArchiveTarget:
    """Tell a path from a URL, and the URL from its ref. Nothing is looked up: whether a path exists is not asked.

    An `http(s)` URL whose path ends as an archive's name does (`.zip`, `.tar.gz`, …) is an archive. A git URL begins
    with `https://`, `http://`, `ssh://` or `file://`, or has the form `user@host:path`. Everything else is a path,
    `owner/repo` too (but see `parse_shorthand`). The ref follows the first `@` after `.git`, if the URL has that
    (`…/r.git@topic/a`); otherwise the first `@` inside a path segment (`…/r@v1.2`), in a `file://` URL inside the last
    segment only, because directories of this machine may have an `@` in their names.

    Raises:
        TargetError: the text is empty, or is a URL with another protocol, a strange host or an impossible ref.
    """
    if not text.strip():
        raise TargetError("target_empty", "The target is empty.", hint="Name a directory or a git URL.")
    if "\0" in text:
        raise TargetError("target_path", "The target contains a NUL character.")
    if _TRANSPORT.match(text):
        raise _refused(text.partition("::")[0] + "::")
    match = _URL.fullmatch(text) or _SCP.fullmatch(text)
    if match is None:
        return LocalTarget(text)
    if _CONTROL.search(text):
        raise _strange("contains a control character")
    scheme = match.groupdict().get("scheme", "")
    if scheme and scheme.lower() not in PROTOCOLS:
        raise _refused(scheme + "://")
    if scheme.lower() in {"http", "https"} and is_archive_name(re.split("[?#]", match["path"] or "")[0]):
        _check_authority(scheme.lower(), match["authority"])
        return ArchiveTarget(text)
    path, ref = split_ref(match["path"] or "", last_segment=scheme.lower() == "file")
    _check_authority(scheme.lower(), match["authority"])
    _check_path(scheme.lower(), path)
    return GitTarget(text[: match.start("path") + len(path)], ref)


def split_ref(path: str, *, last_segment: bool = False) -> tuple[str, str | None]:
    """Split `path@ref`; the rule is that of `parse_target`.

    Raises:
        TargetError: there is an `@`, and what follows it cannot be a ref.
    """
    bare, mark, ref = path.partition(".git@")
    if mark:
        return bare + ".git", check_ref(ref)
    if path.rstrip("/").endswith(".git"):
        return path, None
    at = re.compile(r"(?<=[^/])@").search(path, path.rfind("/") + 1 if last_segment else 0)
    return (path[: at.start()], check_ref(path[at.end() :])) if at else (path, None)


def is_archive_name(name: str) -> bool:
    """Whether a file of this name is an archive that can be taken apart."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def check_ref(ref: str) -> str:
    """Return `ref` if git would accept it as the name of a branch or tag (gitcheckref-format(1)) or as a commit id."""
    if not ref or _BAD_REF.search(ref):
        raise TargetError(
            "target_ref",
            f"{ref!r} cannot be a ref.",
            hint="After @ write a branch, a tag or a commit id; expressions such as HEAD~1 are not accepted.",
        )
    return ref


def without_credentials(url: str) -> str:
    """`url` without what may be secret: the user part of a URL, of an ssh URL only its password; query and fragment."""
    match = _URL.fullmatch(url)
    if match is None:
        return url
    user, at, host = match["authority"].rpartition("@")
    kept = user.partition(":")[0] + at if match["scheme"].lower() == "ssh" else ""
    return f"{match['scheme']}://{kept}{host}{re.split('[?#]', match['path'] or '')[0]}"


def masked(text: str, secret: str = "") -> str:
    """`text`, as git printed it, without credentials in URLs, without `secret`, without terminal control codes."""
    if len(secret) >= 4:  # A shorter one would be found everywhere, and its *** would give it away.
        text = text.replace(secret, "***")
    text = _USERINFO.sub(r"\1***@", text)
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _check_authority(scheme: str, authority: str) -> None:
    user, _, host = authority.rpartition("@")
    if scheme == "file":
        if authority:
            raise _strange("names a host", hint="Write file:// and an absolute path: file:///srv/repo.git.")
        return
    if user.startswith("-") or not _HOST.fullmatch(host):
        raise _strange("has no usable host name")
    if _CONTROL.search(unquote(user)):
        raise _strange("has a control character in its user name or password")
    if scheme == "ssh" and ":" in user:
        raise _strange("holds a password, which ssh never uses", hint="Leave it out and use a key.")


def _check_path(scheme: str, path: str) -> None:
    if not path.strip("/") or path.startswith("-"):
        raise _strange("names no repository")
    if scheme in {"http", "https"} and re.search("[?#]", path):
        raise _strange("has a query or fragment", hint="Write the URL that git clone takes, and @ref after it.")


def _refused(protocol: str) -> TargetError:
    return TargetError(
        "target_protocol",
        f"Git targets over {protocol!r} are refused.",
        hint=f"Use one of {', '.join(f'{known}://' for known in PROTOCOLS)} or user@host:path.",
    )


def _strange(what: str, *, hint: str | None = None) -> TargetError:
    # The URL itself is not repeated: where it cannot be understood, its credentials cannot be found either.
    return TargetError("target_url", f"The git URL {what}.", hint=hint or "Write it as in https://host/owner/repo.git.")
