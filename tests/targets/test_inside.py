"""Paths that must not leave a directory."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runner_env.errors import TargetError, TargetNotFound
from runner_env.targets import inside
from runner_env.targets.inside import InsideWalk, kind_of, open_inside, resolve_inside, shown

pytestmark = pytest.mark.usefixtures("way")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory not to leave, and a sibling with a file of the same name."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "m").write_text("outside")
    (tmp_path / "root" / "a" / "b").mkdir(parents=True)
    (tmp_path / "root" / "a" / "m").write_text("inside")
    return tmp_path / "root"


@pytest.fixture(params=["openat2", "walk"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of opening must behave alike."""
    if request.param == "walk":
        monkeypatch.setattr(inside, "_openat2", lambda *_: None)
    return str(request.param)


def read(root: Path, path: str) -> str:
    """What the file holds."""
    fd = open_inside(root, path)
    with os.fdopen(fd) as file:
        return file.read()


def code_of(root: Path, path: str) -> str:
    """With which code the path is refused."""
    with pytest.raises(TargetError) as caught:
        open_inside(root, path)
    return caught.value.code


@pytest.mark.parametrize("path", ["a/m", "./a//m", "a/b/../m", "a/../a/m"])
def test_plain_paths_are_opened(root: Path, path: str) -> None:
    """A path that stays inside is opened, whatever its spelling."""
    assert read(root, path) == "inside"


def test_absolute_path_under_the_root_is_opened(root: Path) -> None:
    """An absolute path that lies under the root is fine."""
    assert read(root, str(root / "a" / "m")) == "inside"


def test_absolute_path_through_an_alias_of_the_root_is_opened(root: Path) -> None:
    """Real paths are compared: a link elsewhere that leads to the root is no detour."""
    alias = root.parent / "alias"
    alias.symlink_to(root)
    assert read(alias, str(root / "a" / "m")) == "inside"
    assert read(root, str(alias / "a" / "m")) == "inside"


@pytest.mark.parametrize("path", ["/proc/self/environ", "/etc/passwd", "../outside/m", "a/../../outside/m"])
def test_paths_that_lead_out_are_refused(root: Path, path: str) -> None:
    """RT018, B022: an absolute path elsewhere, or `..` beyond the root, is an error."""
    assert code_of(root, path) == "path_outside"


def test_sibling_with_the_same_prefix_is_outside(root: Path) -> None:
    """`/x/root-other` is not under `/x/root`."""
    sibling = root.parent / "root-other"
    sibling.mkdir()
    (sibling / "m").write_text("outside")
    assert code_of(root, str(sibling / "m")) == "path_outside"


@pytest.mark.parametrize("target", ["m", "./m", "../a/m", "b/../m"])
def test_links_that_stay_inside_are_followed(root: Path, target: str) -> None:
    """A relative link that stays inside is fine."""
    (root / "a" / "link").symlink_to(target)
    assert read(root, "a/link") == "inside"


def test_absolute_link_that_stays_inside_is_followed(root: Path) -> None:
    """`ln -s "$PWD/a/m"` is honest, though openat2 alone would refuse it."""
    (root / "link").symlink_to(root / "a" / "m")
    (root / "folder").symlink_to(root / "a")
    assert read(root, "link") == "inside"
    assert read(root, "folder/m") == "inside"


@pytest.mark.parametrize("target", ["../outside/m", "/etc/passwd", "a/../../outside/m"])
def test_link_that_leaves_is_named(root: Path, target: str) -> None:
    """The error names the link that leaves and where it leads."""
    (root / "link").symlink_to(target)
    with pytest.raises(TargetError) as caught:
        open_inside(root, "link")
    assert caught.value.code == "path_outside"
    assert "`link` is a link to" in caught.value.message
    assert target in caught.value.message


def test_link_in_the_middle_that_leaves_is_named(root: Path) -> None:
    """RT016: it is the link that is named, not the file behind it."""
    (root / "a" / "out").symlink_to(root.parent / "outside")
    with pytest.raises(TargetError, match="`a/out` is a link to") as caught:
        open_inside(root, "a/out/m")
    assert caught.value.code == "path_outside"


def test_link_chain_that_comes_back_is_still_refused(root: Path) -> None:
    """A way that leaves and returns has left: who owns the outside could change it."""
    (root.parent / "outside" / "back").symlink_to(root)
    (root / "out").symlink_to("../outside")
    assert code_of(root, "out/back/a/m") == "path_outside"


def test_link_loop_is_an_error(root: Path) -> None:
    """A link in circles ends in an error, not in a hang."""
    (root / "x").symlink_to("y")
    (root / "y").symlink_to("x")
    assert code_of(root, "x") == "path_invalid"


def test_fifo_is_refused_at_once(root: Path) -> None:
    """RT020: a FIFO does not hang, although nobody writes to it."""
    os.mkfifo(root / "fifo")
    (root / "to_fifo").symlink_to("fifo")
    begun = time.monotonic()
    assert code_of(root, "fifo") == "path_not_regular"
    assert code_of(root, "to_fifo") == "path_not_regular"
    assert time.monotonic() - begun < 1


def test_directory_and_socket_are_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RT020: neither a directory nor a socket is a file to read."""
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
        assert code_of(root, "sock") == "path_not_regular"
    assert code_of(root, "a") == "path_not_regular"
    assert code_of(root, ".") == "path_not_regular"
    assert code_of(root, "") == "path_not_regular"
    assert code_of(root, str(root)) == "path_not_regular"


def test_device_is_refused() -> None:
    """RT020: a device is not a file to read."""
    assert code_of(Path("/dev"), "zero") == "path_not_regular"


def test_missing_file_is_not_found(root: Path) -> None:
    """What is not there is a TargetNotFound, which is a FileNotFoundError too."""
    for path in ("nothing", "nothing/m", "a/nothing"):
        with pytest.raises(TargetNotFound) as caught:
            open_inside(root, path)
        assert caught.value.code == "path_missing"


def test_file_used_as_folder_is_an_error(root: Path) -> None:
    """A file in the middle of a path is an error that says so."""
    assert code_of(root, "a/m/x") == "path_not_directory"


@pytest.mark.parametrize("path", ["a\0b", "x" * 300, "\ud800/m"])
def test_impossible_names_are_an_error(root: Path, path: str) -> None:
    """A NUL, a name that is too long, or one no file can have, is a TargetError like the others."""
    assert code_of(root, path) == "path_invalid"


@pytest.mark.parametrize("name", ["-n", "a\nb", "it's", "caf\udce9", "x" * 255])
def test_strange_names_are_opened(root: Path, name: str) -> None:
    """RT084: a dash, a line break, a quote, bytes that are not UTF-8, 255 bytes."""
    (root / name).write_text("strange")
    assert read(root, name) == "strange"


def test_descriptor_is_not_inherited(root: Path) -> None:
    """A stage started meanwhile does not get the descriptor."""
    fd = open_inside(root, "a/m")
    assert not os.get_inheritable(fd)
    os.close(fd)


def test_no_descriptor_is_leaked(root: Path) -> None:
    """Errors on the way close what was opened."""
    (root / "out").symlink_to("../outside")
    os.mkfifo(root / "fifo")
    before = list(Path("/proc/self/fd").iterdir())
    for path in ("out/m", "fifo", "a/b/nothing", "a/b/../../..", "a\0"):
        code_of(root, path)
    assert len(list(Path("/proc/self/fd").iterdir())) == len(before)


SWAPPER = """
import os, sys, itertools
name, targets = sys.argv[1], sys.argv[2:]
for n in itertools.count():
    os.symlink(targets[n % len(targets)], name + ".new")
    os.rename(name + ".new", name)
    if n == 0:
        print("swapping", flush=True)
"""


@pytest.mark.parametrize("place", ["last", "middle"])
def test_no_read_escapes_while_links_are_swapped(root: Path, place: str) -> None:
    """RT022: of 2,000 reads while another process swaps the link, none returns the outside content."""
    outside = root.parent / "outside"
    link, path = (root / "l", "l/m") if place == "middle" else (root / "l", "l")
    targets = [outside, root / "a", Path("a")] if place == "middle" else [outside / "m", Path("a/m"), root / "a" / "m"]
    command = [sys.executable, "-I", "-S", "-c", SWAPPER, str(link), *map(str, targets)]
    seen = {"inside": 0, "refused": 0}
    with subprocess.Popen(command, stdout=subprocess.PIPE) as swapper:
        assert swapper.stdout is not None
        swapper.stdout.readline()
        try:
            for _ in range(2000):
                try:
                    seen[read(root, path)] += 1
                except TargetError:
                    seen["refused"] += 1
        finally:
            swapper.kill()
    assert seen["inside"] + seen["refused"] == 2000
    assert min(seen.values()) > 0


def test_folder_swapped_for_a_link_never_escapes(root: Path) -> None:
    """RT022: the same when a real directory takes turns with a link that leaves."""
    outside, folder, spare = root.parent / "outside", root / "f", root / "spare"
    folder.mkdir()
    (folder / "m").write_text("inside")
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            folder.rename(spare)
            folder.symlink_to(outside)
            folder.unlink()
            spare.rename(folder)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(1000):
            try:
                assert read(root, "f/m") == "inside"
            except TargetError:
                continue
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("relative", ["a/b", "./a/b/", "a/l", "abs"])
def test_resolve_gives_the_real_directory(root: Path, relative: str) -> None:
    """B021: a workdir inside is resolved, links and all."""
    (root / "a" / "l").symlink_to("b")
    (root / "abs").symlink_to(root / "a" / "b")
    assert resolve_inside(root, relative) == root / "a" / "b"


@pytest.mark.parametrize("relative", ["", ".", "a/.."])
def test_resolve_of_nothing_is_the_root(root: Path, relative: str) -> None:
    """The root itself is a workdir."""
    assert resolve_inside(root, relative) == root


def test_resolve_names_the_link_that_leaves(root: Path) -> None:
    """RT016: a workdir that is a link to the outside is refused, and the link named."""
    (root / "out").symlink_to(root.parent / "outside")
    with pytest.raises(TargetError, match="`out` is a link to") as caught:
        resolve_inside(root, "out")
    assert caught.value.code == "path_outside"


@pytest.mark.parametrize(
    ("relative", "code"), [("..", "path_outside"), ("a/m", "path_not_directory"), ("no", "path_missing")]
)
def test_resolve_refuses_what_is_no_directory_inside(root: Path, relative: str, code: str) -> None:
    """A workdir must exist, be a directory, and be inside."""
    with pytest.raises(TargetError) as caught:
        resolve_inside(root, relative)
    assert caught.value.code == code


def test_resolve_in_a_missing_root_is_an_error(tmp_path: Path) -> None:
    """A repository that went away is a TargetNotFound."""
    with pytest.raises(TargetNotFound):
        resolve_inside(tmp_path / "gone", ".")


def test_walk_always_begins_at_the_root(root: Path) -> None:
    """A second walk with the same value does not begin where the first one ended."""
    with InsideWalk(root) as walk:
        assert walk.to("a/b/x") == "x"
        assert walk.to("a/m") == "m"
        assert walk.name_of("m") == "a/m"
        assert walk.here == root / "a"


def test_messages_show_hostile_names_escaped() -> None:
    """RT084: a name cannot forge a second line of a message, nor break its encoding."""
    assert shown("a\nb\udce9") == "a\\nb\\udce9"
    assert len(shown("x" * 1000)) == 300
    shown("caf\udce9\ud800").encode()


def test_kinds_are_named(root: Path) -> None:
    """A message says what was there instead of a file."""
    assert kind_of(root.stat().st_mode) == "a directory"
    assert kind_of(0) == "of unknown kind"
