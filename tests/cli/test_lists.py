"""Lists: columns, order, how many, and every format."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Seen
from tests.conftest import RunLine

pytestmark = pytest.mark.usefixtures("indexed")
LISTS = ["search", "fields", "diff 42 44", "problems", "remote list", "search --saved"]


def ids(run_line: RunLine, line: str) -> list[int]:
    """Return the scans of a search, in its order."""
    return [int(each) for each in run_line(f"search -f ids {line}").out.split()]


def sheet(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    """Return the rows of a sheet."""
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def test_plus_adds_columns_and_a_bare_name_begins_anew(run_line: RunLine) -> None:
    """Any name of a column or of what was recorded; the option may be given again."""
    head = run_line("search 42").out.splitlines()[0].split("\t")
    added = run_line("search 42 -c +ea_ppm3_1,duration").out.splitlines()[0].split("\t")
    assert added == [*head, "ea_ppm3_1", "duration"]
    chosen = run_line("search 42 -c scan,title -c +ea_ppm3_1").out.splitlines()
    assert chosen[0].split("\t") == ["scan", "title", "ea_ppm3_1"]
    assert chosen[1].split("\t")[0] == "42"
    assert 400 < float(chosen[1].split("\t")[2]) < 600


def test_a_column_may_be_several_by_wildcard(run_line: RunLine) -> None:
    """As in a query."""
    head = run_line("search 42 -c 'hex_*'").out.splitlines()[0].split("\t")
    assert head == ["hex_u", "hex_v", "hex_w", "hex_x", "hex_y", "hex_z"]


def test_a_name_with_a_space_is_a_column(run_line: RunLine) -> None:
    """The beamline has such names."""
    assert run_line(["search", "42", "-c", "Spinner moving"]).out.startswith("Spinner moving\n")


def test_a_scanned_motor_shows_its_reach(run_line: RunLine) -> None:
    """Not where it stood before the scan; JSON has both ends, a sheet spells them as a query would."""
    (scan,) = run_line("search 44 -c +pd_sam_x -f json").json
    assert scan["fields"] == {"pd_sam_x": {"min": pytest.approx(-0.4), "max": pytest.approx(0.4)}}
    assert run_line("search 44 -c pd_sam_x").out.splitlines()[1] == "-0.4–0.4"
    assert run_line("search 44 -c pd_sam_x -f csv").out.splitlines()[1] == "-0.4..0.4"


def test_json_keeps_its_keys_whatever_the_columns(run_line: RunLine) -> None:
    """They are a contract; what is not among them stands under ``fields``."""
    (plain,) = run_line("search 42 -f json").json
    (chosen,) = run_line("search 42 -f json -c scan,wavelength,fast_shutter").json
    assert list(chosen) == [*plain, "fields"]
    assert chosen["fields"]["wavelength"] == pytest.approx(12.3984 / chosen["energy_kev"], rel=1e-4)
    assert chosen["fields"]["fast_shutter"] == "open"
    assert "fields" not in plain


@pytest.mark.parametrize(("form", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_a_sheet_has_added_columns_behind_its_own_or_only_the_chosen(
    form: str, delimiter: str, run_line: RunLine
) -> None:
    """Numbers are whole in it, not rounded for a table."""
    own = list(sheet(run_line(f"search 42 -f {form}").out, delimiter)[0])
    (added,) = sheet(run_line(f"search 42 -c +ea_ppm3_1 -f {form}").out, delimiter)
    assert list(added) == [*own, "ea_ppm3_1"]
    (chosen,) = sheet(run_line(f"search 42 -c scan,keV,ea_ppm3_1 -f {form}").out, delimiter)
    assert list(chosen) == ["scan", "energy_kev", "ea_ppm3_1"]
    assert float(chosen["energy_kev"]) == run_line("search 42 -f json").json[0]["energy_kev"]


def test_an_unknown_column_is_an_error_with_a_suggestion(run_line: RunLine) -> None:
    """In every list, and for sorting too."""
    assert "ea_ppm3_1" in run_line("search -c +ea_ppm3_2", exit_code=2).err
    assert "did you mean origin" in run_line("fields -c orign", exit_code=2).err
    assert "there is no column" in run_line("diff 42 44 --sort nothing", exit_code=2).err


def test_sorted_by_columns_and_by_what_was_recorded(run_line: RunLine) -> None:
    """A dash turns the order round; equal ones stay in the order of the next column, then of time."""
    scans = run_line("search -f json").json
    by_energy = sorted(scans, key=lambda scan: (-scan["energy_kev"], scan["start_time"]))
    assert ids(run_line, "--sort -energy,start") == [scan["scan"] for scan in by_energy]
    assert ids(run_line, "--sort -scan") == sorted((scan["scan"] for scan in scans), reverse=True)
    rows = run_line("search -f json -c +ea_xrf_z --sort ea_xrf_z").json
    values = [row["fields"]["ea_xrf_z"] for row in rows]
    assert values == sorted(values)
    assert values != [row["fields"]["ea_xrf_z"] for row in run_line("search -f json -c +ea_xrf_z").json]


@pytest.mark.parametrize("order", ["temperature", "-temperature"])
def test_what_has_no_value_stands_last_either_way(order: str, run_line: RunLine) -> None:
    """Scans without a temperature are not the coldest."""
    scans = run_line(f"search -f json --sort {order}").json
    temperatures = [scan["temperature_k"] for scan in scans]
    known = [each for each in temperatures if each is not None]
    assert 0 < len(known) < len(temperatures)
    assert temperatures[len(known) :] == [None] * (len(temperatures) - len(known))
    assert known == sorted(known, reverse=order.startswith("-"))


def test_the_limit_comes_after_the_order(run_line: RunLine) -> None:
    """The hottest two, not the two oldest in order of heat."""
    assert ids(run_line, "-n 2 --sort -temperature") == ids(run_line, "--sort -temperature")[:2]


def test_counted_without_a_list(run_line: RunLine) -> None:
    """The number found, whatever the limit, and nothing else."""
    ran = run_line("search --count -n 2")
    assert (ran.out, ran.err) == ("12\n", "")


def test_paths_and_ids_can_end_with_nul(indexed: Path, run_line: RunLine) -> None:
    """For ``xargs -0``; other formats refuse."""
    assert run_line("search LaB6 -0 -f ids").out == "42\x0043\x0044\x00"
    paths = run_line("search LaB6 -0 -f paths").out.split("\0")
    assert paths == [*(str(indexed / f"raw/LaB6/scan-00{number}.h5") for number in (42, 43, 44)), ""]
    run_line("search -0", exit_code=2)
    run_line("search -0 -f json", exit_code=2)


@pytest.mark.parametrize("line", LISTS)
def test_every_list_has_every_format(line: str, indexed: Path, run_line: RunLine) -> None:
    """JSON, JSON lines and sheets tell the same; limits and orders hold for all."""
    run_line(["remote", "add", "one", indexed.as_uri()])
    run_line(["remote", "add", "two", indexed.as_uri()])
    run_line("search LaB6 --save lab")
    (indexed.parent / "broken").mkdir(exist_ok=True)
    everything: Sequence[dict[str, Any]] = run_line(f"{line} -f json").json
    assert len(run_line(f"{line} -f jsonl").out.splitlines()) == len(everything)
    rows = sheet(run_line(f"{line} -f csv").out)
    assert [list(row) for row in rows] == [list(each) for each in everything]
    assert len(sheet(run_line(f"{line} -f tsv").out, "\t")) == len(everything)
    assert len(run_line(f"{line} -f ids").out.splitlines()) == len(everything)
    ran = run_line(f"{line} -f paths")
    assert ran.out or "there are no paths" in ran.err or not everything
    if everything:
        assert len(run_line(f"{line} -n 1 -f json").json) == 1
        assert len(run_line(f"{line} -n 1").out.splitlines()) == 2


def test_nothing_is_said_beside_a_pipe(run_line: RunLine) -> None:
    """The words for people are for a terminal."""
    assert run_line("search sample:LaB6").err == ""


def test_a_person_reads_how_the_query_was_understood(seen: Seen) -> None:
    """In English, with the count, what the list left out, and who could not be asked."""
    told = seen("search sample:LaB6 temperature:290..300 -n 1")
    assert "2 scans, the first 1 of them shown: sample LaB6 and temperature 290 to 300 K" in told
    assert "scans have no temperature" in told


@pytest.mark.parametrize("width", [80, 200])
def test_a_table_fits_the_terminal(width: int, seen: Seen) -> None:
    """Also with a column more; what had to go is named, and numbers that were asked for stay whole."""
    told = seen("search -c +ea_ppm3_1,ea_xrf_z", width=width)
    assert [line for line in told.splitlines() if len(line) > width] == []
    assert ("not shown at this width: start, K, points; -c chooses" in told) == (width == 80)
    assert "ea_ppm3_1" in told
    assert "ea_xrf_z" in told


def test_columns_there_is_no_room_for_are_left_out_not_crushed(seen: Seen) -> None:
    """What is shown can be read, and what is missing is named."""
    told = seen("search 42 -c '+hex_*,ea_*'", width=80)
    head, row, without, *_ = told.splitlines()
    assert "…" not in head
    assert head.split()[0] == "scan"
    assert row.split()[0] == "42"
    assert without.startswith("not shown at this width: ")
    assert re.search(r" and \d+ more; -c chooses$", without)


def test_a_query_can_be_kept_used_and_forgotten(run_line: RunLine) -> None:
    """``--save`` also runs it; ``@name`` stands for it, and can be excluded."""
    assert run_line("search LaB6 --save lab -f ids").out.split() == ["42", "43", "44"]
    assert run_line("search --saved -f json").json == [{"name": "lab", "query": "LaB6"}]
    assert ids(run_line, "@lab") == [42, 43, 44]
    assert 42 not in ids(run_line, "-@lab")
    run_line("search --forget lab")
    assert run_line("search --saved").out == "name\tquery\n"
    run_line("search --forget lab", exit_code=2)
    run_line("search @lab", exit_code=2)


def test_a_list_for_a_spreadsheet_holds_no_formula(indexed: Path, run_line: RunLine) -> None:
    """Texts that it would compute stand behind an apostrophe, which import takes away; JSON has them as they are."""
    run_line(["sample", "set", "42", "=HYPERLINK(1)"])
    run_line(["note", "add", "42", "-x"])
    for form, mark in (("csv", ","), ("tsv", "\t")):
        listed = run_line(["search", "42", "-f", form, "-c", "scan,sample,note"]).out.splitlines()
        assert listed == [mark.join(["scan", "sample", "note"]), mark.join(["42", "'=HYPERLINK(1)", "'-x"])]
    table = indexed.parent / "listed.csv"
    table.write_text(run_line("search 42 -f csv -c scan,sample,note").out)
    assert "all of it was known" in run_line(["sample", "import", str(table)]).err
    (row,) = run_line("search 42 -f json -c +note").json
    assert (row["sample"], row["fields"]["note"]) == ("=HYPERLINK(1)", ["-x"])


def test_a_time_as_it_is_shown_finds_its_scan(run_line: RunLine, seen: Seen) -> None:
    """People see and type the beamline's clock, and read so; programs get UTC with its sign."""
    (scan,) = run_line("search 45 -f json").json
    assert scan["start_time"].endswith("Z")
    shown = run_line("search 45 -c start").out.splitlines()[1]
    asked = ["search", f"since:{shown.replace(' ', 'T')}", "-f", "ids", "--sort", "start"]
    assert run_line(asked).out.split()[0] == "45"
    assert re.search(rf"start +{shown}:\d\d CET\n", run_line("show 45").out)
    assert "the beamline's (Europe/Stockholm)" in seen("search 45", width=100)
    assert "Stockholm" not in seen("search 45", width=60)


@pytest.mark.parametrize(
    ("command", "formats"),
    [
        ("show", "[table|json]"),
        ("fields", "[table|json|jsonl|csv|tsv|ids]"),
        ("search", "|jsonl|csv|tsv|paths|ids"),
    ],
)
def test_help_names_the_formats_there_are(command: str, formats: str, run_line: RunLine) -> None:
    """And no other."""
    assert formats in "".join(run_line(f"{command} --help").out.split())
