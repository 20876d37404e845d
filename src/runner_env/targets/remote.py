"""The far end of a git URL: which commit a ref names there now, and that commit brought here alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.errors import TargetError
from runner_env.targets.repository import object_format, scratch_git_dir

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.targets.address import GitTarget
    from runner_env.targets.git import Git

SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""A full commit id."""

SHORT_SHA = re.compile(r"[0-9a-f]{4,63}")
"""What may be the beginning of one."""

_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules")
_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_ONLY_ADVERTISED = re.compile(r"not our ref|unadvertised object|does not support shallow|dumb http")
_DENIED = re.compile(r"could not read (?:username|password)|authentication failed|permission denied|error: 40[13]")
_UNREACHABLE = re.compile(
    r"could not resolve host|connection refused|network is unreachable|timed out|(?:unable|failed) to connect"
)


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote repository.

    Attributes:
        target: its URL and the wanted ref.
        git: `Git.remote`, with the time that is left for all calls.
    """

    target: GitTarget
    git: Git

    def resolve(self) -> str:
        """The full commit id of the wanted ref, as the remote has it now; a full id is taken as it is.

        Raises:
            TargetError: `ref_not_found`, `clone_failed`, `git_timeout`.
        """
        ref = self.target.ref
        if ref and SHA.fullmatch(ref.lower()):
            return ref.lower()
        wanted = _full_names(ref)
        with scratch_git_dir() as scratch:
            git = self.git.at(scratch)
            listed = self._must(git, scratch, "ls-remote", "--quiet", "--", self.target.shown, *wanted)
            lines = (line.partition("\t") for line in listed.decode(errors="surrogateescape").splitlines())
            known = {name: oid for oid, _, name in lines}
            for name in wanted:
                if SHA.fullmatch(known.get(name, "")):
                    return known[name]
            if ref and SHORT_SHA.fullmatch(ref.lower()):
                return self._resolve_short(ref.lower(), git, scratch)
        raise self._unknown_ref()

    def bring(self, commit: str, git_dir: Path) -> None:
        """Fetch one commit, without its history, into an empty git directory.

        Raises:
            TargetError: `ref_not_found`, `clone_failed`, `git_timeout`.
        """
        git = self.git.at(git_dir)
        fetched = git.run(*_FETCH, "--depth=1", "--", self.target.shown, commit, cwd=git_dir)
        if fetched.code == 0:
            return
        if not _ONLY_ADVERTISED.search(fetched.stderr):
            raise self.failed(fetched.stderr)
        # The server hands out branches and tags only: take all of them, then this one commit out of them.
        config = {**object_format(commit), "uploadpack.allowAnySHA1InWant": "true"}
        with scratch_git_dir(config=config) as scratch:
            self._fetch_everything(self.git.at(scratch), scratch)
            again = git.run(*_FETCH, "--depth=1", "--", scratch.as_uri(), commit, cwd=git_dir)
        if again.code != 0:
            raise self._unknown_ref()

    def failed(self, stderr: str) -> TargetError:
        """The error for what git said."""
        url = self.target.shown
        return TargetError("clone_failed", f"{url} could not be cloned: {stderr}", hint=_hint(url, stderr))

    def _resolve_short(self, ref: str, git: Git, scratch: Path) -> str:
        # Servers resolve full ids only: the history is needed, without files where the server can leave them out.
        self._fetch_everything(git, scratch, "--filter=tree:0")
        found = git.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", cwd=scratch)
        if found.code != 0:
            raise self._unknown_ref()
        return found.stdout.decode("ascii").strip()

    def _fetch_everything(self, git: Git, scratch: Path, *options: str) -> None:
        self._must(git, scratch, *_FETCH, *options, "--", self.target.shown, *_EVERYTHING)

    def _must(self, git: Git, cwd: Path, *args: str) -> bytes:
        result = git.run(*args, cwd=cwd)
        if result.code != 0:
            raise self.failed(result.stderr)
        return result.stdout

    def _unknown_ref(self) -> TargetError:
        wanted = f"no branch, tag or commit {self.target.ref!r}" if self.target.ref else "no commits"
        return TargetError(
            "ref_not_found",
            f"{self.target.shown} has {wanted}.",
            hint="git ls-remote with this URL lists its branches and tags.",
        )


def _full_names(ref: str | None) -> tuple[str, ...]:
    """Where a ref may be found, best first; an annotated tag is listed with `^{}` for the commit that it names."""
    if ref is None or ref == "HEAD":
        return ("HEAD",)
    if ref.startswith("refs/"):
        return (f"{ref}^{{}}", ref)
    return (f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}")


def _hint(url: str, stderr: str) -> str:
    said = stderr.lower()
    if _DENIED.search(said):
        return "Give git access to it (a credential helper or an ssh key); nobody can be asked here."
    if _UNREACHABLE.search(said):
        return "Check the host name and the network."
    if re.search(r"/(tree|blob)/", url):
        return "This is the address of a web page; write the URL that git clone takes, and @branch after it."
    if "fsck" in said:
        return "The repository holds objects that git calls unsafe; it is not taken."
    return "See whether git ls-remote with this URL works."
