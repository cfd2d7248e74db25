"""Patterns agree with the catalogue about sample and temperature, whenever these were chosen."""

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.integration import renewing
from danmax_sync.integration.run import patterns_of
from danmax_sync.query.search import search
from danmax_sync.settings import settings_file
from tests.integration.scenes import Home

_DEVICE = '[temperature]\ndevices = ["ea_ppm3_1"]\n'


def _mean_k(home: Home, number: int) -> float:
    (row,) = home.run_line(["search", str(number), "-f", "json"]).json
    return float(row["temperature_k"])


def _choose_device() -> None:
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text(_DEVICE)


def test_pictures_and_texts_follow_the_catalogue(home: Home, tmp_path: Path) -> None:
    """A device that is chosen and a name that is given later: plot and export say what search says, at once."""
    home.index()
    home.integrate("42")
    before = _mean_k(home, 42)
    _choose_device()
    home.index()
    home.run_line(["sample", "set", "42", "My/Name", "--yes"])
    now = _mean_k(home, 42)
    assert abs(now - before) > 10
    assert "My/Name" in home.run_line(["plot", "42"]).out
    assert f"{now:.1f}"[:3] in home.run_line(["plot", "42"]).out
    assert f"{before:.1f} K" not in home.run_line(["plot", "42"]).out
    out = tmp_path / "texts"
    home.run_line(["export", "42", "-o", str(out), "--average"])
    (text,) = out.rglob("*.xye")
    assert text.parent.name == "My_Name"
    head = text.read_text().splitlines()[:6]
    assert "sample My/Name" in head[0]
    (told,) = [float(line.split()[2]) for line in head if line.startswith("# temperature")]
    assert told == pytest.approx(now, abs=0.01)
    home.run_line(["report", "42", "-o", str(tmp_path / "page.html")])
    assert f"{before:.1f} K" not in (tmp_path / "page.html").read_text()


def test_each_pattern_has_its_own_frames_temperature(home: Home) -> None:
    """Also of patterns that are of some frames, or of the mean of several."""
    for number, low in ((42, 600.0), (43, 700.0), (44, 800.0)):
        with h5py.File(home.master(number), "r+") as master:
            master["entry/instrument/ea_ppm3_1/data"] = low + np.arange(4.0)
    home.index()
    for number, choice in ((42, []), (43, ["--frames", "::2"]), (44, ["--average", "2"])):
        home.integrate(str(number), *choice)
    _choose_device()
    home.index()
    with Catalogue.open() as catalogue:
        found = [patterns.temperature_k for _, patterns in patterns_of(search(catalogue, "42-44"))]
    wanted = ([600.0, 601, 602, 603], [700.0, 702], [800.5, 802.5])
    assert [list(values) for values in found if values is not None] == [list(each) for each in wanted]


def test_a_temperature_that_nobody_can_assign_is_left_out(integrated: Home) -> None:
    """Patterns of which the file does not say of which frames they are keep no temperature of another device."""
    with h5py.File(integrated.output(48), "r+") as file:
        del file["entry/reduction/input/recipe"], file["entry/sample/temperature"].attrs["device"]
        for name in ("I", "I_errors"):
            rows = file[f"entry/data/{name}"][:3]
            del file[f"entry/data/{name}"]
            file[f"entry/data/{name}"] = rows
        del file["entry/sample/temperature"]
        file["entry/sample/temperature"] = np.full(3, 11.0)
    with Catalogue.open() as catalogue:
        ((_, patterns),) = patterns_of(search(catalogue, "48"))
    assert patterns.temperature_k is None


@pytest.mark.parametrize("settings", [[], ["--cake", "8", "--sectors", "2"]])
def test_integrate_brings_files_up_to_date(home: Home, settings: list[str]) -> None:
    """Sample and temperature are written anew, in each group that tells them; not a pattern is touched."""
    home.index()
    home.integrate("42", *settings)
    with h5py.File(home.output(42)) as file:
        patterns = {name: _digest(file[name]) for name in _datasets(file) if "/data/" in name or "/reduction/" in name}
    _choose_device()
    home.index()
    home.run_line(["sample", "set", "42", "My/Name", "--yes"])
    ran = home.integrate_json("42", *settings)
    (told,) = [event for event in ran.events if event["event"] == "scan"]
    assert told["renewed"] == ["sample", "temperature"]
    assert ran.summary["frames"] == 0
    with h5py.File(home.output(42)) as file:
        assert {name: _digest(file[name]) for name in patterns} == patterns
        groups = [name for name in ("entry", "entry/azint1d", "entry/azint2d") if f"{name}/sample" in file]
        assert len(groups) == (3 if settings else 1)
        for group in groups:
            assert file[f"{group}/sample/name"][()] == b"My/Name"
            assert float(np.mean(file[f"{group}/sample/temperature"])) == pytest.approx(_mean_k(home, 42))
    assert "written anew" not in home.integrate("42", *settings).err
    assert [path.name for path in home.output(42).parent.iterdir()] == [home.output(42).name]


def test_a_renewal_that_is_stopped_leaves_the_file_as_it_was(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before the rename, the old file stands whole; run again, it is brought up to date."""
    home.index()
    home.integrate("42")
    before = home.files()
    home.run_line(["sample", "set", "42", "Other", "--yes"])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(renewing, "describe_again", full)
        home.integrate("42", exit_code=2)
    assert home.files() == before
    assert "1 file of patterns: sample written anew" in home.integrate("42").err


def test_index_says_what_it_read_anew(home: Home) -> None:
    """Masters that have not changed are read anew with another device; that is told, and what to do about patterns."""
    home.index()
    quiet = home.run_line(["index", str(home.folder)])
    assert "anew" not in quiet.err
    _choose_device()
    ran = home.run_line(["index", str(home.folder)])
    assert "3 scans read anew" in ran.err
    assert "danmax-sync integrate" in ran.err
    settings_file().unlink()
    summary = home.run_line(["index", str(home.folder), "--json"]).summary
    assert (summary["reread"], summary["changed"], summary["unchanged"]) == (3, 0, 3)


def _datasets(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visititems(lambda name, each: found.append(name) if isinstance(each, h5py.Dataset) else None)
    return found


def _digest(data: h5py.Dataset) -> str:
    return hashlib.sha256(np.asarray(data[()]).tobytes()).hexdigest()
