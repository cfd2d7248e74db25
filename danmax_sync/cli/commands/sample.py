"""``danmax-sync sample``: what samples are called, and tables of that."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danmax_sync.cli.exclusions import NamingCommand, QueryCommand
from danmax_sync.cli.marking import ScansArgument, YesOption
from danmax_sync.cli.options import QueryArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from danmax_sync.query.marksheet import SheetRow

app = typer.Typer(help="What samples are called: set, clear, import, export.", no_args_is_help=True)


@app.command("set", cls=NamingCommand)
def set_name(
    words: ScansArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name.", show_default=False)],
    yes: YesOption = False,
) -> None:
    """Call the sample of scans by a name of yours; `sample:NAME` finds them, whatever their folder is called.

    \b
    Examples:
      danmax-sync sample set 42 'LaB6 660c'
      danmax-sync sample set 50-52 CeO2 --yes
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.catalogue.marks import checked_mark
    from danmax_sync.catalogue.values import MarkKind
    from danmax_sync.cli.marking import agree, briefly, chosen, undo, whom
    from danmax_sync.cli.speech import say

    # As it is kept, so that what is said, and the line that takes it back, are about that.
    name = checked_mark(MarkKind.SAMPLE, name)
    with chosen(words) as (catalogue, scans):
        other = [scan for scan in scans if scan.own_sample not in {None, name}]
        before = briefly([scan.own_sample or "" for scan in other])
        of_them = f", {len(other)} of them" if len(other) < len(scans) else ""
        instead = f"{of_them} instead of your {before}" if other else ""
        if len(scans) > 1 or other:
            agree(f"{whom(scans)} would be called {name}{instead}", yes=yes)
        changed = catalogue.set_sample(scans, name)
    if not changed:
        say(f"{whom(scans)}: called {name} already")
        return
    back = "" if other else undo("sample clear", [scan for scan in scans if scan.own_sample is None])
    names = {scan.own_sample for scan in other}
    if len(names) == 1 and len(other) == len(scans):
        back = undo("sample set", scans, *map(str, names))
    say(f"{whom(scans)}: the sample is {name}{instead}{back}")


@app.command(cls=QueryCommand)
def clear(words: ScansArgument, yes: YesOption = False) -> None:
    """Call the sample of scans as its folder does again.

    \b
    Examples:
      danmax-sync sample clear 42
      danmax-sync sample clear sample:CeO2 --yes
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.catalogue.values import MarkKind
    from danmax_sync.cli.marking import agree, briefly, chosen, undo, whom
    from danmax_sync.cli.speech import count, say
    from danmax_sync.errors import NothingMatchedError

    with chosen(words) as (catalogue, scans):
        named = [scan for scan in scans if scan.own_sample is not None]
        if not named:
            raise NothingMatchedError(
                f"{whom(scans)}: the sample has no name of yours", hint="give one: danmax-sync sample set QUERY NAME"
            )
        before = briefly([scan.own_sample or "" for scan in named])
        if len(named) > 1:
            agree(f"{count(len(named), 'scan')} would no longer be called {before}", yes=yes)
        catalogue.unmark(named, MarkKind.SAMPLE)
    names = {str(scan.own_sample) for scan in named}
    back = undo("sample set", named, *names) if len(names) == 1 else ""
    say(f"{whom(named)}: called {briefly([scan.folder for scan in named])} again, was {before}{back}")


@app.command("import")
def import_table(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what each row means, and change nothing.")] = False,
    known_only: Annotated[
        bool, typer.Option("--known-only", help="Pass over rows whose scans are not in the catalogue.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Take samples, tags and notes from a table: a CSV file whose first row is `scan,sample`.

    A scan is written 42, 40-50, or 20231855/2023031508/42. Further columns may be `tags`, `note`, and `path`,
    `entry` and `start`, which tell scans of one number apart. Either all rows are kept or none.

    \b
    Examples:
      danmax-sync sample import samples.csv --dry-run
      danmax-sync sample import samples.csv --yes
    """  # noqa: D301 - click wants the character itself
    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.marking import agree, briefly
    from danmax_sync.cli.progress import listening
    from danmax_sync.cli.speech import count, say
    from danmax_sync.query.marksheet import keep_sheet, read_sheet, refused

    with open_catalogue() as catalogue:
        with listening(as_json=False) as tell:
            rows = read_sheet(catalogue, file, known_only=known_only, tell=tell)
        _tell(rows)
        wrong = [row for row in rows if row.problem]
        if wrong:
            raise refused(wrong, len(rows))
        # Rows about the same scans share them.
        concerned = {scan.id: scan for scans in {id(row.scans): row.scans for row in rows}.values() for scan in scans}
        named = {(id(row.scans), row.sample): row for row in rows if row.sample}.values()
        names = {scan.id: row.sample for row in named for scan in row.scans}
        other = [
            concerned[id_].own_sample for id_, name in names.items() if concerned[id_].own_sample not in {None, name}
        ]
        instead = f", {len(other)} of them instead of your {briefly([str(name) for name in other])}" if other else ""
        if dry_run:
            say(f"{count(len(concerned), 'scan')}{instead}; nothing was changed")
            return
        if len(concerned) > 1 or other:
            agree(f"{count(len(rows), 'row')} would change {count(len(concerned), 'scan')}{instead}", yes=yes)
        changed = keep_sheet(catalogue, rows)
    told = ", ".join(count(number, str(kind)) for kind, number in changed.items() if number)
    say(f"{count(len(concerned), 'scan')}: {f'{told} new' if told else 'all of it was known'}")


@app.command(cls=QueryCommand)
def export(
    words: QueryArgument = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Into a new file; else it is printed.")
    ] = None,
) -> None:
    """Write the names, tags and notes that are yours as CSV, which `sample import` reads.

    \b
    Examples:
      danmax-sync sample export > samples.csv
      danmax-sync sample export tag:good -o good.csv
    """  # noqa: D301 - click wants the character itself
    import csv
    import sys

    from danmax_sync.cli.context import open_catalogue
    from danmax_sync.cli.speech import count, say
    from danmax_sync.errors import UsageError
    from danmax_sync.query.marksheet import COLUMNS, marked_scans, sheet_of
    from danmax_sync.query.search import understand

    with open_catalogue() as catalogue:
        question = understand(catalogue, " ".join(words or ()))
        rows = list(sheet_of(marked_scans(catalogue, question)))
        lost = catalogue.count_lost_marks()
    try:
        # A file that is there may be all that somebody has of an earlier table.
        target = sys.stdout if output is None else output.open("x", encoding="utf-8", newline="")
    except OSError as problem:
        raise UsageError(f"{output} cannot be written: {problem.strerror}", hint="name a new file") from None
    try:
        writer = csv.DictWriter(target, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    finally:
        if output is not None:
            target.close()
    if output is not None:
        say(f"{output}: {count(len(rows), 'row')}")
    if lost:
        say(f"what you said of {count(lost, 'scan')} that are not in the catalogue now is kept there, and not written")


def _tell(rows: "Sequence[SheetRow]") -> None:
    """Print what each row means."""
    from danmax_sync.cli.display import Column, display
    from danmax_sync.cli.marking import ranges
    from danmax_sync.cli.options import Layout
    from danmax_sync.cli.speech import count

    told: dict[int, str] = {}

    def meant(row: "SheetRow") -> str:
        # Rows about the same scans share them.
        return told.get(id(row.scans)) or told.setdefault(id(row.scans), spelled(row))

    def spelled(row: "SheetRow") -> str:
        numbers = ", ".join(ranges(scan.number for scan in row.scans if scan.number is not None))
        if len(row.scans) == 1:
            return row.scans[0].label
        return f"{count(len(row.scans), 'scan')}: {numbers}".rstrip(": ") if row.scans else "none"

    columns: tuple[Column[SheetRow], ...] = (
        Column("line", lambda row: str(row.line), right=True),
        Column("scan", lambda row: row.reference, cut=True),
        Column("means", meant, cut=True),
        Column("sample", lambda row: row.sample, cut=True),
        Column("tags", lambda row: " ".join(row.tags), cut=True, spare=2),
        Column("note", lambda row: row.note, cut=True, spare=1),
        Column("problem", lambda row: row.problem, wraps=True),
    )
    shown = [column for column in columns if column.title in {"line", "scan", "means"} or any(map(column.text, rows))]
    display(rows, columns=shown, as_json=lambda row: {"line": row.line}, layout=Layout())
