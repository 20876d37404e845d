"""Archives: what becomes of honest ones, and what hostile ones cannot do."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import random
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.errors import TargetError
from runner_env.targets.unpack import UnpackLimits, unpack

Entry = tuple[tarfile.TarInfo, bytes]
SMALL = UnpackLimits(total_bytes=20 << 20, entries=1000)


def entry(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644) -> Entry:
    """One entry of a tar file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, target, len(data), mode
    return info, data


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """An empty directory, two levels down, so that what climbs out of it stays in the test's own."""
    path = tmp_path / "deep" / "into"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def tar(tmp_path: Path) -> Callable[..., Path]:
    """Make a tar file of entries."""

    def make(*entries: Entry, mode: str = "w:gz") -> Path:
        path = tmp_path / "a.tar"
        with tarfile.open(path, mode) as archive:
            for info, data in entries:
                archive.addfile(info, io.BytesIO(data))
        return path

    return make


def refusal(archive: Path, into: Path, limits: UnpackLimits = SMALL) -> TargetError:
    """The error that an archive must make."""
    with pytest.raises(TargetError) as caught:
        unpack(archive, into, limits)
    return caught.value


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_in_every_packing(mode: str, tar: Callable[..., Path], into: Path) -> None:
    """Content, not name, says how a tar file is packed; the one folder at its top is the result."""
    archive = tar(entry("r-1/a.txt", b"one"), entry("r-1/run.sh", b"#!", mode=0o4777), mode=mode)
    root = unpack(archive, into, SMALL)
    assert root == into / "r-1"
    assert (root / "a.txt").read_bytes() == b"one"
    assert [stat.S_IMODE((root / name).stat().st_mode) for name in ("a.txt", "run.sh")] == [0o644, 0o755]


def test_zip_with_several_things_at_its_top(tmp_path: Path, into: Path) -> None:
    """Without one folder around everything, the directory itself is the result."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "one")
        archive.writestr("sub/b.txt", "two")
    assert unpack(tmp_path / "a.zip", into, SMALL) == into
    assert (into / "sub/b.txt").read_text() == "two"


def test_git_folders_are_left_out(tar: Callable[..., Path], into: Path) -> None:
    """A `.git` that an archive brings along, in whatever case, is not taken."""
    root = unpack(tar(entry("r/.git/config", b"x"), entry("r/sub/.GIT/hooks/x", b"x"), entry("r/a", b"1")), into, SMALL)
    assert [path.name for path in root.rglob("*")] == ["a"]


def test_links_that_stay_are_kept(tar: Callable[..., Path], into: Path) -> None:
    """A link inside stays a link; a hard link becomes a file of its own."""
    archive = tar(
        entry("r/sub/b", b"two"), entry("r/l", kind=tarfile.SYMTYPE, target="sub/b"),
        entry("r/sub/up", kind=tarfile.SYMTYPE, target="../sub"), entry("r/h", kind=tarfile.LNKTYPE, target="r/sub/b"),
    )  # fmt: skip
    root = unpack(archive, into, SMALL)
    assert ((root / "l").readlink(), (root / "l").read_bytes()) == (Path("sub/b"), b"two")
    assert (root / "sub/up").readlink() == Path("../sub")
    assert ((root / "h").read_bytes(), (root / "h").stat().st_nlink) == (b"two", 1)


@pytest.mark.parametrize(
    "entries",
    [
        [entry("/abs", b"x")],
        [entry("../up", b"x")],
        [entry("r/../../up", b"x")],
        [entry("l", kind=tarfile.SYMTYPE, target="/etc")],
        [entry("l", kind=tarfile.SYMTYPE, target="../outside")],
        [entry("r/l", kind=tarfile.SYMTYPE, target="../outside")],
        [entry("l", kind=tarfile.SYMTYPE, target="."), entry("m", kind=tarfile.SYMTYPE, target="l/../..")],
        [entry("l", kind=tarfile.SYMTYPE, target="../.."), entry("l/pwned", b"x")],
        [entry("h", kind=tarfile.LNKTYPE, target="/etc/passwd")],
        [entry("h", kind=tarfile.LNKTYPE, target="../../x")],
        [entry("h", kind=tarfile.LNKTYPE, target="absent")],
        [entry("l", kind=tarfile.SYMTYPE, target="a"), entry("h", kind=tarfile.LNKTYPE, target="l"), entry("a", b"x")],
        [entry("dev", kind=tarfile.CHRTYPE)],
        [entry("pipe", kind=tarfile.FIFOTYPE)],
        [entry("a", b"1"), entry("a", b"2")],
        [entry("a", b"1"), entry("a/b", b"2")],
        [entry("l", kind=tarfile.SYMTYPE, target="a"), entry("l", b"2")],
    ],
)
def test_hostile_entries(entries: list[Entry], tar: Callable[..., Path], into: Path, tmp_path: Path) -> None:
    """RT083, RT084: nothing lands outside; links that lead out, devices and double names are refused by name."""
    error = refusal(tar(*entries), into)
    assert error.code == "archive_unsafe"
    assert {path.name for path in tmp_path.iterdir()} == {"deep", "a.tar"}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["into"]


def test_zip_links(tmp_path: Path, into: Path) -> None:
    """A zip file can hold links too; the same holds for them."""
    link = zipfile.ZipInfo("l")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert refusal(tmp_path / "a.zip", into).code == "archive_unsafe"


def test_bombs(tmp_path: Path, into: Path, tar: Callable[..., Path]) -> None:
    """RT083: too many bytes, too many times its own size and too many entries each stop early and say so."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as file:
        for _ in range(120):
            file.write(bytes(1 << 20))
    large = refusal(tmp_path / "a.zip", into)
    assert (large.code, "more than 20,971,520 bytes" in large.message) == ("archive_too_large", True)
    assert sum(path.stat().st_size for path in into.iterdir()) <= 20 << 20
    for path in into.iterdir():
        path.unlink()
    dense = refusal(tmp_path / "a.zip", into, UnpackLimits())
    assert "200 times as large" in dense.message
    many = refusal(tar(*(entry(f"e{n}") for n in range(1001))), into)
    assert (many.code, "1,000 entries" in many.message) == ("archive_too_large", True)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_that_would_fill_the_memory(kind: bytes, tmp_path: Path, into: Path) -> None:
    """RT083: a name, or a list of attributes, of gigabytes is refused before it is read."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = kind, 4 << 30
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(header.tobuf(tarfile.USTAR_FORMAT) + bytes(1 << 20))
    assert refusal(tmp_path / "a.tar.gz", into).code == "archive_broken"


@pytest.mark.parametrize("form", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_damaged_bytes(form: str, tmp_path: Path) -> None:
    """Whichever byte is damaged, the archive is taken apart or refused; it is never another kind of trouble."""
    archive, chance = tmp_path / "a", random.Random(form)
    if form == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("r/a", b"hello" * 40)
    else:
        with tarfile.open(archive, form, format=tarfile.PAX_FORMAT) as packed:
            made = tarfile.TarInfo("r/" + "f" * 120)
            made.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}
            packed.addfile(made)
    whole = archive.read_bytes()
    for number in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 5)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        archive.write_bytes(damaged)
        into = tmp_path / str(number)
        into.mkdir()
        with contextlib.suppress(TargetError):
            unpack(archive, into, UnpackLimits())


@pytest.mark.parametrize("content", [b"", b"<html>login</html>", b"PK\x03\x04broken", b"\x1f\x8b\x08broken"])
def test_broken(content: bytes, tmp_path: Path, into: Path) -> None:
    """What is no archive, or only the beginning of one, is a clear error."""
    (tmp_path / "a.zip").write_bytes(content)
    assert refusal(tmp_path / "a.zip", into).code == "archive_broken"


def test_cut_short(tar: Callable[..., Path], into: Path) -> None:
    """A file that ends early is broken, not smaller."""
    archive = tar(entry("a", os.urandom(100_000)), entry("b", os.urandom(100_000)))
    archive.write_bytes(archive.read_bytes()[:150_000])
    assert refusal(archive, into).code == "archive_broken"


def test_limits_come_from_the_environment() -> None:
    """Both limits can be set; nonsense is refused."""
    limits = UnpackLimits.of({"RUNNER_ENV_ARCHIVE_MAX_BYTES": "5", "RUNNER_ENV_ARCHIVE_MAX_ENTRIES": "6"})
    assert (limits.total_bytes, limits.entries) == (5, 6)
    with pytest.raises(TargetError):
        UnpackLimits.of({"RUNNER_ENV_ARCHIVE_MAX_BYTES": "0"})


PARTS = st.sampled_from(["a", "b", "..", ".", "", "l"])


@given(
    st.lists(st.tuples(st.lists(PARTS, min_size=1, max_size=4), st.none() | st.lists(PARTS, max_size=4)), max_size=6)
)
def test_nothing_ever_leads_out(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[list[str], list[str] | None]]
) -> None:
    """Whatever names and links an archive has: what is made lies inside, and every link, followed, ends inside."""
    base = tmp_path_factory.mktemp("unpack")
    into = base / "deep" / "into"
    into.mkdir(parents=True)
    with tarfile.open(base / "a.tar", "w") as archive:
        for name, target in entries:
            info = tarfile.TarInfo("/".join(name) or "x")
            if target is not None:
                info.type, info.linkname = tarfile.SYMTYPE, "/".join(target)
            archive.addfile(info)
    try:
        root = unpack(base / "a.tar", into, SMALL)
    except TargetError:
        root = None
    assert {path.name for path in base.iterdir()} == {"deep", "a.tar"}
    assert [path.name for path in (base / "deep").iterdir()] == ["into"]
    if root is not None:
        assert all(Path(os.path.realpath(path)).is_relative_to(root) for path in root.rglob("*"))
