"""A folder as a source."""

import errno
import io
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from danmax_sync.errors import SourceError, UsageError
from danmax_sync.sources.base import Source
from danmax_sync.sources.folder import FolderSource
from danmax_sync.sources.opening import open_source
from danmax_sync.sources.probing import probe
from danmax_sync.sources.remotes import checked_remote
from danmax_sync.sources.ssh import NoTerminal
from tests.sources.contract import FILES, SourceContract, at, seen, tree_at


class TestFolderSource(SourceContract):
    """A local folder does what every source does."""

    def opened(self, folder: Path) -> AbstractContextManager[Source]:
        """Open it."""
        return FolderSource(folder)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder in a visit's shape."""
    return tree_at(tmp_path / "2025110208")


def test_only_a_folder_can_be_one(tree: Path) -> None:
    """A missing one and a file are told apart, with what to do."""
    with pytest.raises(UsageError, match="does not exist") as caught:
        FolderSource(tree / "nowhere")
    assert "remote list" in caught.value.hint
    with pytest.raises(UsageError, match="is not a folder"):
        FolderSource(tree / "notes.txt")


def test_one_folder_has_one_name(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is spelled: relative, with ``..``, with the home's tilde."""
    monkeypatch.chdir(tree / "raw")
    monkeypatch.setenv("HOME", str(tree.parent))
    monkeypatch.setenv("USERPROFILE", str(tree.parent))
    spellings = [tree, Path(".."), tree / "raw" / "..", tree / "raw" / ".." / "raw" / "..", Path("~") / tree.name]
    assert {FolderSource(each).uri for each in spellings} == {tree.as_uri()}
    assert {FolderSource(each).name for each in spellings} == {str(tree)}
    assert FolderSource(Path()).folder == tree / "raw"


def test_a_remote_of_files_is_a_folder_by_its_own_name(tree: Path) -> None:
    """Blanks and all."""
    spaced = tree.rename(tree.with_name("my visit#1"))
    with open_source(checked_remote("usb", spaced.as_uri()), NoTerminal()) as source:
        assert (source.name, source.local) == ("usb", True)
        assert "raw/LaB6/scan-0042.h5" in seen(source)[0]
    with pytest.raises(UsageError, match="does not exist"):
        open_source(checked_remote("usb", tree.as_uri()), NoTerminal())


def test_a_folder_that_may_not_be_listed_is_a_complaint(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is seen; asked for alone, it is an error."""
    real = os.scandir

    def guarded(path: Path):  # type: ignore[no-untyped-def]
        if Path(path).parts[-2:] == ("raw", "LaB6"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", guarded)
    source = FolderSource(tree)
    files, complaints = seen(source)
    assert complaints == {"raw/LaB6": "the folder cannot be listed: Permission denied"}
    assert "raw/process/scan-0043.h5" in files
    with pytest.raises(SourceError, match="LaB6 cannot be listed"):
        source.files_in(at("raw/LaB6"))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not take such names")
def test_names_that_cannot_be_used_are_complaints(tree: Path) -> None:
    """Control characters, backslashes, bytes that are no text: shown harmlessly, and the rest is seen."""
    folder = tree / "raw" / "LaB6"
    for name in (b"a\nb.h5", b"a\\b.h5", b"caf\xe9.h5", b"\x1b[2J.h5"):
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(b"x")  # noqa: PTH118 - of bytes
    files, complaints = seen(FolderSource(tree))
    assert sorted(complaints) == [
        f"raw/LaB6/{name}" for name in ("\\x1b[2J.h5", "a\\\\b.h5", "a\\nb.h5", "caf\\udce9.h5")
    ]
    assert "raw/LaB6/scan-0042.h5" in files
    assert len(FolderSource(tree).files_in(at("raw/LaB6"))) == 3


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "denied"), OSError(errno.EIO, "bad sector")])
def test_a_file_that_cannot_be_read_is_a_source_error(
    tree: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    """No right to it, or a disk that is dying."""

    def fail(*_: object, **__: object) -> None:
        raise error

    source = FolderSource(tree)
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(SourceError, match=rf"scan-0042\.h5 cannot be read: {error.strerror}"):
        source.fetch(at("raw/LaB6/scan-0042.h5"), io.BytesIO(), lambda _: None)


def test_a_probe_says_what_stands_there(tree: Path, tmp_path: Path) -> None:
    """Files and masters among them; a folder without any is asked about."""
    said = probe(FolderSource(tree, name="usb"))
    assert said == f"usb answers: {tree.as_uri()} holds 8 files, 3 of them masters"
    assert len(FILES) == 9
    (tmp_path / "other").mkdir()
    assert "is it the folder of a visit" in probe(FolderSource(tmp_path / "other"))
