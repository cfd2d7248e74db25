"""What every source does, whatever stands behind it; and the folder all of them show."""

import errno
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from danmax_sync.errors import SourceError
from danmax_sync.sources.base import FileInfo, Source, SourceChangedError
from danmax_sync.visits import TreePath

OLD_S = 1_700_000_000
FILES = {
    "raw/LaB6/scan-0042.h5": b"master",
    "raw/LaB6/scan-0042_pilatus.h5": bytes(range(256)) * 4097,
    "raw/LaB6/empty.h5": b"",
    "raw/Si 640d.v1/ö/scan-10001.h5": b"five digits",
    "raw/process/scan-0043.h5": b"a sample called process",
    "process/LaB6.poni": b"Distance: 0.5\n",
    "process/azint/LaB6/scan-0042_pilatus_integrated.h5": b"patterns",
    "notes.txt": b"notes",
    ".hidden/scan-0001.h5": b"nobody's",
}


def tree_at(folder: Path) -> Path:
    """Write the folder that is shown; its times are whole seconds, as SFTP knows them."""
    for path, content in FILES.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        os.utime(target, (OLD_S, OLD_S))
    return folder


def at(path: str) -> TreePath:
    """Spell a path shorter."""
    return TreePath.parse(path)


def seen(source: Source, below: str = "") -> tuple[dict[str, FileInfo], dict[str, str]]:
    """Walk; return files and complaints by path."""
    complaints: dict[str, str] = {}
    where = at(below) if below else TreePath(())
    infos = list(source.walk(complaints.__setitem__, where))
    assert len({info.path for info in infos}) == len(infos)
    return {str(info.path): info for info in infos}, complaints


class ChangingSink(io.BytesIO):
    """Changes the file behind it at its first byte."""

    def __init__(self, path: Path, change: str) -> None:
        super().__init__()
        self._path, self._change = path, change

    def write(self, data: object) -> int:
        """Change the file, once."""
        change, self._change = self._change, ""
        content = self._path.read_bytes() if change else b""
        if change == "grows":
            self._path.write_bytes(content + b"more")
        elif change == "shrinks":
            self._path.write_bytes(content[:10])
        elif change == "is replaced":
            self._path.write_bytes(content[::-1])
        elif change == "vanishes":
            self._path.unlink()
        return super().write(data)  # type: ignore[arg-type]


class FullSink(io.BytesIO):
    """A disk without room."""

    def write(self, data: object) -> int:
        """Refuse."""
        raise OSError(errno.ENOSPC, "No space left on device")


class SourceContract(ABC):
    """Inherited by the tests of each source, which say how one is opened on a folder."""

    @abstractmethod
    def opened(self, folder: Path) -> AbstractContextManager[Source]:
        """Open the source on a local folder."""

    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        """Return the folder that is shown."""
        return tree_at(tmp_path / "2025110208")

    @pytest.fixture
    def source(self, tree: Path) -> Iterator[Source]:
        """Open the source on it."""
        with self.opened(tree) as source:
            yield source

    def test_a_walk_sees_every_file_once_with_size_and_time(self, source: Source) -> None:
        """Hidden folders are passed over; a sample called process is not."""
        files, complaints = seen(source)
        assert complaints == {}
        assert sorted(files) == sorted(path for path in FILES if not path.startswith(".hidden/"))
        for path, info in files.items():
            assert info == FileInfo(at(path), len(FILES[path]), OLD_S * 1_000_000_000)

    def test_a_walk_begins_where_it_is_told(self, source: Source) -> None:
        """Paths still start at the root."""
        assert sorted(seen(source, "raw/Si 640d.v1")[0]) == ["raw/Si 640d.v1/ö/scan-10001.h5"]

    def test_a_folder_that_is_not_there_is_a_complaint(self, source: Source) -> None:
        """The walk goes on, over nothing."""
        files, complaints = seen(source, "raw/nowhere")
        assert files == {}
        assert list(complaints) == ["raw/nowhere"]

    def test_a_walk_has_an_order(self, source: Source) -> None:
        """By name, folder by folder, so that two runs can be compared."""
        paths = [info.path.parts for info in source.walk(lambda *_: None)]
        assert paths == sorted(paths)

    def test_one_folder_is_listed_in_one_go(self, source: Source) -> None:
        """Regular files only, without those in folders below; the folder of results, too, when it is asked for."""
        names = {info.path.name: info.size for info in source.files_in(at("raw/LaB6"))}
        assert names == {"scan-0042.h5": 6, "scan-0042_pilatus.h5": 256 * 4097, "empty.h5": 0}
        assert [str(info.path) for info in source.files_in(at("process"))] == ["process/LaB6.poni"]
        assert source.files_in(at("raw")) == []

    @pytest.mark.parametrize("path", ["raw/nowhere", "raw/LaB6/scan-0042.h5", "notes.txt/x"])
    def test_what_is_no_folder_holds_nothing(self, source: Source, path: str) -> None:
        """Neither what is missing nor a file."""
        assert source.files_in(at(path)) == []

    def test_a_file_is_looked_at(self, source: Source) -> None:
        """Size and time, as in the walk."""
        path = at("raw/Si 640d.v1/ö/scan-10001.h5")
        assert source.stat(path) == FileInfo(path, 11, OLD_S * 1_000_000_000)

    @pytest.mark.parametrize("path", ["raw/LaB6/scan-0043.h5", "raw/LaB6", "notes.txt/x"])
    def test_what_is_no_file_is_none(self, source: Source, path: str) -> None:
        """Missing, a folder, something below a file."""
        assert source.stat(at(path)) is None

    @pytest.mark.parametrize("path", [path for path in FILES if path.startswith("raw/")])
    def test_a_file_is_fetched_byte_for_byte(self, source: Source, path: str) -> None:
        """Empty ones too; progress adds up, and the version that was read is returned."""
        sink, steps = io.BytesIO(), list[int]()
        info = source.fetch(at(path), sink, steps.append)
        assert sink.getvalue() == FILES[path]
        assert sum(steps) == len(FILES[path]) == info.size
        assert info == source.stat(at(path))

    def test_a_missing_file_cannot_be_fetched(self, source: Source) -> None:
        """Nor a folder; the sink stays empty."""
        for path in ("raw/LaB6/scan-0043.h5", "raw/LaB6"):
            sink = io.BytesIO()
            with pytest.raises(SourceError, match=path):
                source.fetch(at(path), sink, lambda _: None)
            assert sink.getvalue() == b""

    @pytest.mark.parametrize("change", ["grows", "shrinks", "is replaced", "vanishes"])
    def test_a_file_that_is_written_to_meanwhile_is_refused(self, source: Source, tree: Path, change: str) -> None:
        """One version of it is read, or none."""
        path = "raw/LaB6/scan-0042_pilatus.h5"
        with pytest.raises(SourceChangedError) as caught:
            source.fetch(at(path), ChangingSink(tree / path, change), lambda _: None)
        assert "scan-0042_pilatus.h5" in caught.value.message
        assert "run again" in caught.value.hint

    def test_a_full_disk_is_not_the_sources_fault(self, source: Source) -> None:
        """What the sink complains of comes through as it is, and the source is of use after it."""
        with pytest.raises(OSError, match="No space left") as caught:
            source.fetch(at("raw/LaB6/scan-0042_pilatus.h5"), FullSink(), lambda _: None)
        assert caught.value.errno == errno.ENOSPC
        assert source.stat(at("notes.txt")) is not None

    @pytest.mark.skipif(os.name == "nt", reason="Windows asks for a right to make symbolic links")
    def test_links_to_files_are_files_and_links_to_folders_are_not_entered(self, source: Source, tree: Path) -> None:
        """They may lead in circles, or nowhere."""
        folder = tree / "raw" / "LaB6"
        (folder / "scan-0050.h5").symlink_to("scan-0042.h5")
        (folder / "circle").symlink_to("..")
        (folder / "scan-0051.h5").symlink_to("nowhere.h5")
        files, _ = seen(source, "raw/LaB6")
        assert sorted(files) == [
            f"raw/LaB6/{name}" for name in ("empty.h5", "scan-0042.h5", "scan-0042_pilatus.h5", "scan-0050.h5")
        ]
        assert files["raw/LaB6/scan-0050.h5"].size == 6
        assert sorted(info.path.name for info in source.files_in(at("raw/LaB6"))) == [
            path.rpartition("/")[2] for path in sorted(files)
        ]
        sink = io.BytesIO()
        source.fetch(at("raw/LaB6/scan-0050.h5"), sink, lambda _: None)
        assert sink.getvalue() == b"master"

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
    @pytest.mark.timeout(20)
    def test_a_pipe_is_no_file(self, source: Source, tree: Path) -> None:
        """Opening it would wait forever."""
        os.mkfifo(tree / "raw" / "LaB6" / "scan-0052.h5")
        assert "raw/LaB6/scan-0052.h5" not in seen(source)[0]
        assert source.stat(at("raw/LaB6/scan-0052.h5")) is None
        assert len(source.files_in(at("raw/LaB6"))) == 3

    def test_a_source_tells_where_it_is(self, source: Source) -> None:
        """Its name for people, its URI for the catalogue, its root's own path."""
        assert source.name
        assert "://" in source.uri
        assert source.base.startswith("/") or os.name == "nt"

    def test_closing_twice_is_no_trouble(self, tree: Path) -> None:
        """As a ``with`` block inside a ``finally`` does."""
        with self.opened(tree) as source:
            source.close()
            source.close()
