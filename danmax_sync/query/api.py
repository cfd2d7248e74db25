"""The catalogue as Python programs and notebooks use it."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, overload

from danmax_sync.catalogue import catalogue
from danmax_sync.catalogue.given import unexpected
from danmax_sync.catalogue.values import CataloguedScan
from danmax_sync.clock import ZONE_SAID, to_the_minute
from danmax_sync.errors import UsageError
from danmax_sync.quantities import count
from danmax_sync.query.search import understand
from danmax_sync.query.tree import quoted

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 50
_TIMES = ("start_time", "end_time")


class ScanList(Sequence[CataloguedScan]):
    """Scans that were found; a table in Jupyter. Each is read from the catalogue when it is first looked at.

    Attributes
    ----------
    query : str
        What was asked for, in English.
    """

    def __init__(self, scans: Sequence[CataloguedScan], query: str) -> None:
        self._scans, self.query = scans, query

    def __len__(self) -> int:
        return len(self._scans)

    @overload
    def __getitem__(self, at: int) -> CataloguedScan: ...
    @overload
    def __getitem__(self, at: slice) -> "ScanList": ...
    def __getitem__(self, at: int | slice) -> "CataloguedScan | ScanList":
        return ScanList(self._scans[at], self.query) if isinstance(at, slice) else self._scans[at]

    def __iter__(self) -> Iterator[CataloguedScan]:
        return iter(self._scans)

    def __repr__(self) -> str:
        return f"<{count(len(self), 'scan')}: {self.query}>"

    def refreshed(self) -> "ScanList":
        """Return the same scans as the catalogue knows them now: here, since they were fetched; with other tags."""
        return self[:]

    def to_pandas(self) -> "pd.DataFrame":
        """Return a data frame, a row a scan, with the keys of ``search -f json`` as columns and times in UTC.

        Raises
        ------
        UsageError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise UsageError("pandas is not installed", hint="pip install pandas") from None
        columns = list(CataloguedScan.JSON_KEYS)
        frame = pd.DataFrame([scan.to_json() for scan in self], columns=columns)
        for name in _TIMES:
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
        return frame

    def _repr_html_(self) -> str:
        head = ("scan", "sample", "title", "start", "keV", "K", "points", "state")
        rows = "".join(f"<tr>{''.join(f'<td>{escape(c)}</td>' for c in _cells(s))}</tr>" for s in self[:_MOST_ROWS])
        more = f"<p>and {len(self) - _MOST_ROWS} more</p>" if len(self) > _MOST_ROWS else ""
        titles = "".join(f"<th>{title}</th>" for title in head)
        found = f"{count(len(self), 'scan')}: {escape(self.query)}; {ZONE_SAID}"
        return f"<p>{found}</p><table><tr>{titles}</tr>{rows}</table>{more}"


class Catalogue(catalogue.Catalogue):
    """Every scan ever indexed, wherever its files are.

    Examples
    --------
    >>> from danmax_sync import Catalogue
    >>> with Catalogue.open() as catalogue:
    ...     hot = catalogue.search("energy:35 temperature:300..", sample="LaB6")
    ...     hot.to_pandas()
    """

    def search(
        self,
        text: str = "",
        *,
        energy: str | None = None,
        temperature: str | None = None,
        sample: str | None = None,
        limit: int | None = None,
    ) -> ScanList:
        """Return the scans a query means, oldest first.

        Parameters
        ----------
        text : str
            In the query language.
        energy, temperature, sample : str, optional
            Short for ``energy:…`` (keV), ``temperature:…`` (K) and ``sample:…``.
        limit : int, optional
            At most so many.

        Raises
        ------
        UsageError
            If it cannot be understood.
        """
        if not isinstance(text, str | int):
            raise unexpected("a query", text, hint="catalogue.search('sample:LaB6 temperature:300..')")
        text = str(text)
        shortcuts = [f"{name}:{value}" for name, value in (("energy", energy), ("temperature", temperature)) if value]
        if sample:
            shortcuts.append(f"sample:{quoted(sample)}")
        # The text is a query of its own: an OR in it ends before the shortcuts.
        whole = " ".join([f"({text})" if text.strip() and shortcuts else text, *shortcuts])
        question = understand(self, whole)
        return ScanList(self.find(question.where, limit=limit), question.english)


def _cells(scan: CataloguedScan) -> list[str]:
    low, high = scan.temperature_min_k, scan.temperature_max_k
    temperature = "" if low is None or high is None else f"{low:.1f}" if high - low < 0.05 else f"{low:.1f}–{high:.1f}"
    cells: list[Any] = [
        scan.number if scan.number is not None else scan.path.name,
        scan.sample,
        scan.title,
        to_the_minute(scan.start_time),
        "" if scan.energy_kev is None else f"{scan.energy_kev:.3f}",
        temperature,
        scan.points,
        scan.state.value,
    ]
    return [str(cell) for cell in cells]
