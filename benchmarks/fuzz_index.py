"""Send mutated masters through the indexer: ``python -m benchmarks.fuzz_index --masters 20000 --seed 0``.

Masters in the true layout are cut short, flipped, scrambled, given wrong types, huge claims, cyclic and hostile links,
odd names and long titles; good ones stand among them. After each folder it is checked that the run came back, that
every good master is there with its values, and that every other is a scan or a row in ``problems``. What the fast way
reads of a mutated file is compared with what the library alone reads. The same seed does the same.
"""

import argparse
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.errors import SourceError
from danmax_sync.indexing import pool
from danmax_sync.indexing.index import index_folder
from danmax_sync.scanfile import master
from danmax_sync.visits import TreePath, place

GOOD_EVERY = 20
FOLDER = 500
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e]")


def write_good(path: Path, number: int, *, libver: str = "earliest") -> None:
    """Write a master whose values follow from its number."""
    with h5py.File(path, "w", libver=libver, locking=False) as file:
        entry = file.create_group("entry")
        entry["title"] = f"timescan {number} 0.1 0.1"
        minute, second = divmod(number % 3600, 60)
        entry["start_time"] = f"2025-11-02T{number // 3600 % 24:02d}:{minute:02d}:{second:02d}+01:00"
        instrument = entry.create_group("instrument")
        snapshot = instrument.create_group("start_positioners")
        for n in range(12):
            snapshot[f"motor_{n}"] = number + n / 16
            snapshot[f"motor_{n}"].attrs["units"] = "mm"
        snapshot["counter"], snapshot["state"], snapshot["big"] = number, "open", np.array(number, ">f4")
        snapshot["hdcm_energy"] = 35.0
        for n in range(3):
            instrument.create_group(f"channel_{n}")["data"] = np.arange(8) + float(number)
        instrument.create_group("packed").create_dataset("data", data=np.arange(8.0), chunks=(4,), compression="gzip")
        instrument["pilatus"] = h5py.ExternalLink(f"{path.stem}_pilatus.h5", "/entry/instrument/pilatus")


def _bytes(change: Callable[[bytearray, random.Random], bytearray]) -> Callable[[Path, random.Random], None]:
    def mutate(path: Path, rng: random.Random) -> None:
        path.write_bytes(change(bytearray(path.read_bytes()), rng))

    return mutate


def _cut(content: bytearray, rng: random.Random) -> bytearray:
    return content[: rng.randrange(len(content))]


def _flip(content: bytearray, rng: random.Random) -> bytearray:
    for _ in range(rng.choice((1, 2, 8, 64))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return content


def _scramble(content: bytearray, rng: random.Random) -> bytearray:
    start = rng.randrange(len(content))
    length = min(rng.choice((4, 64, 1024)), len(content) - start)
    content[start : start + length] = rng.randbytes(length)
    return content


def _blank(content: bytearray, rng: random.Random) -> bytearray:
    start = rng.randrange(len(content))
    length = min(rng.choice((8, 256, 4096)), len(content) - start)
    content[start : start + length] = bytes([rng.choice((0, 255))]) * length
    return content


def _swap(content: bytearray, rng: random.Random) -> bytearray:
    length = rng.choice((16, 256))
    a, b = (rng.randrange(max(1, len(content) - length)) for _ in range(2))
    first, second = content[a : a + length], content[b : b + length]
    content[a : a + length], content[b : b + length] = second, first
    return content


def _hdf5(change: Callable[[h5py.File, random.Random], None]) -> Callable[[Path, random.Random], None]:
    def mutate(path: Path, rng: random.Random) -> None:
        with h5py.File(path, "a", locking=False) as file:
            change(file, rng)

    return mutate


def _wrong_type(file: h5py.File, rng: random.Random) -> None:
    name = rng.choice(("title", "start_time", "instrument/start_positioners", "instrument/channel_0", "instrument"))
    del file["entry"][name]
    value = rng.choice((3.5, "text", np.zeros((2, 3)), np.array(["a", "b"], dtype="S4"), np.bytes_(b"\xff\xfe\x00")))
    file["entry"][name] = value


def _huge(file: h5py.File, rng: random.Random) -> None:
    shape = (rng.choice((10**9, 2**40, 2**62)),)
    file["entry/instrument"].create_group("huge").create_dataset("data", shape, "f8", chunks=(1024,))
    file["entry/instrument/start_positioners"].create_dataset("wide", (2**33,), "u1", chunks=(2**20,))


def _cycle(file: h5py.File, rng: random.Random) -> None:
    instrument = file["entry/instrument"]
    instrument["loop"] = rng.choice((file["entry"], file["/"], instrument))
    instrument["start_positioners/loop"] = file["entry"]
    instrument["soft"] = h5py.SoftLink("/entry/instrument/soft")
    file["entry2"] = h5py.SoftLink("/entry2")


def _hostile_link(file: h5py.File, rng: random.Random) -> None:
    names = ("/etc/passwd", "../../../../etc/passwd", "%s%n", "", "\x1b[2J", "C:\\x", "a" * 4000, "x.h5\n", "\udcff")
    for n, name in enumerate(rng.sample(names, 4)):
        try:
            file["entry/instrument"][f"detector_{n}"] = h5py.ExternalLink(name, rng.choice(("/", "/x", "..", "\x1b")))
        except (ValueError, UnicodeEncodeError):
            continue


def _names(file: h5py.File, rng: random.Random) -> None:
    snapshot = file["entry/instrument/start_positioners"].id
    for name in (b"\x1b[31mred", b"\xff\xfe", b"a\nb", "ⅷ".encode(), b" ", b"x" * 3000):
        h5py.h5d.create(snapshot, name, h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create(h5py.h5s.SCALAR))
    for n in range(rng.choice((10, 2000))):
        file["entry/instrument/start_positioners"][f"more_{n}"] = n


def _long_title(file: h5py.File, rng: random.Random) -> None:
    del file["entry/title"]
    file["entry/title"] = rng.choice("aé\x1b") * (10 << 20)


MUTATIONS: dict[str, Callable[[Path, random.Random], None]] = {
    "cut short": _bytes(_cut),
    "bits flipped": _bytes(_flip),
    "bytes scrambled": _bytes(_scramble),
    "range blanked": _bytes(_blank),
    "blocks swapped": _bytes(_swap),
    "wrong type": _hdf5(_wrong_type),
    "huge claim": _hdf5(_huge),
    "cyclic links": _hdf5(_cycle),
    "hostile links": _hdf5(_hostile_link),
    "odd names": _hdf5(_names),
    "long title": _hdf5(_long_title),
}
_WEIGHTS = (20, 30, 20, 10, 10, 4, 2, 2, 2, 1, 0.2)


def fuzz_folder(folder: Path, count: int, seed: int, outcomes: Counter[str]) -> list[str]:
    """Write, index and check one folder; return what is wrong, empty when all is well."""
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    raw = folder / "raw" / "LaB6"
    raw.mkdir(parents=True)
    good: set[int] = set()
    how: dict[int, str] = {}
    for number in range(count):
        path = raw / f"scan-{number:04d}.h5"
        write_good(path, number, libver=rng.choice(("earliest", "earliest", "latest")))
        if number % GOOD_EVERY == 0:
            good.add(number)
            continue
        (how[number],) = rng.choices(list(MUTATIONS), _WEIGHTS)
        MUTATIONS[how[number]](path, rng)
    with Catalogue.open(str(folder / "catalogue.db")) as catalogue:
        index_folder(catalogue, folder, workers=2)
        return [*_check(catalogue, good, how, outcomes), *_compare(raw, how, rng)]


def _check(catalogue: Catalogue, good: set[int], how: dict[int, str], outcomes: Counter[str]) -> list[str]:
    wrong = []
    scans = {scan.path.name: scan for scan in catalogue.scans()}
    problems = {Path(problem.path).name: problem.message for problem in catalogue.problems()}
    for number in good:
        name = f"scan-{number:04d}.h5"
        found = scans.get(name)
        if found is None or (found.title, found.points, found.energy_kev) != (f"timescan {number} 0.1 0.1", 8, 35.0):
            wrong.append(f"{name} is good, and is not in the catalogue as it is")
            continue
        values = {value.name: value.value for value in catalogue.values(found.id)}
        if values["motor_3"] != number + 3 / 16 or values["state"] != "open" or values["big"] != number:
            wrong.append(f"{name} is good, and its values are wrong")
    for number, mutation in how.items():
        name = f"scan-{number:04d}.h5"
        found = scans.get(name)
        if found is None:
            wrong.append(f"{name} ({mutation}) left no trace")
        elif found.state.value == "unreadable":
            outcomes[f"{mutation}: unreadable"] += 1
            if name not in problems:
                wrong.append(f"{name} ({mutation}) is unreadable without a problem")
        else:
            outcomes[f"{mutation}: {'read with a problem' if name in problems else 'read'}"] += 1
        if "crashes" in problems.get(name, "") or "longer than" in problems.get(name, ""):
            outcomes[f"of these {problems[name].split(' ', 1)[1][:40]}"] += 1
        shown = "" if found is None else found.title + str([link.filename for link in found.links])
        if _UNSHOWABLE.search(shown + problems.get(name, "")):
            wrong.append(f"{name} ({mutation}) brought control characters into the catalogue")
    return wrong


def _compare(raw: Path, how: dict[int, str], rng: random.Random) -> list[str]:
    """Compare the fast way with the library alone, in this process: only files that were read before.

    Where the library finds fault with a header behind what matters, it gives nothing and the fast way the value.
    """
    wrong = []
    flipped = [number for number, mutation in how.items() if mutation in {"bits flipped", "bytes scrambled"}]
    for number in rng.sample(flipped, min(40, len(flipped))):
        path = raw / f"scan-{number:04d}.h5"
        where = place(TreePath(("raw", "LaB6", path.name)))
        try:
            slow = master.read_content(path.read_bytes(), "x", where, twins=False)
            fast = master.read_content(path.read_bytes(), "x", where)
        except SourceError:
            continue
        for one, other in zip(slow, fast, strict=True):
            found = {value.name: repr(value.value) for value in other.snapshot}
            found |= {f"{column.name}[]": repr(column) for column in other.columns}
            expected = {value.name: repr(value.value) for value in one.snapshot if value.value is not None}
            expected |= {f"{column.name}[]": repr(column) for column in one.columns}
            for name, text in expected.items():
                if found.get(name) != text:
                    wrong.append(f"{path.name} ({how[number]}): {name} is {text}, the fast way says {found.get(name)}")
    return wrong


def main() -> int:
    """Run and print what came of each mutation."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--masters", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--seconds-per-file", type=float, default=20.0)
    chosen = options.parse_args()
    pool.MOST_SECONDS = chosen.seconds_per_file
    outcomes: Counter[str] = Counter()
    started = time.monotonic()
    for turn, start in enumerate(range(0, chosen.masters, FOLDER)):
        count = min(FOLDER, chosen.masters - start)
        scratch = tempfile.mkdtemp()
        wrong = fuzz_folder(Path(scratch), count, chosen.seed * 1_000_003 + turn, outcomes)
        if wrong:  # the files stay, to be looked at
            print(f"seed {chosen.seed}, turn {turn}, files in {scratch}:", *wrong[:10], sep="\n  ")
            return 1
        shutil.rmtree(scratch)
        print(f"{start + count} of {chosen.masters}", file=sys.stderr, flush=True)
    for outcome, times in sorted(outcomes.items()):
        print(f"{outcome:<60} {times:>7}")
    print(f"{chosen.masters} masters in {time.monotonic() - started:.0f} s, nothing wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main())
