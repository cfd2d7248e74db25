"""The page itself, from top to bottom."""

import platform
from collections.abc import Sequence
from datetime import datetime

from danmax_sync import __version__
from danmax_sync.clock import ZONE_SAID, clock
from danmax_sync.integration.waterfall import Curve
from danmax_sync.report.charts import Trace, single, traces, waterfall
from danmax_sync.report.contents import Contents, Pictured, Told
from danmax_sync.report.markup import Content, Markup, table, tag, text
from danmax_sync.report.policy import security_policy
from danmax_sync.report.sorting import SCRIPT
from danmax_sync.report.style import CSS
from danmax_sync.report.words import (
    amount,
    day_of,
    heading_of,
    maker_of,
    moment,
    numbers,
    settings_of,
    shortened,
    size,
    span,
    state_of,
    where,
)

GENERATOR = "danmax-sync report"
_MOST_CURVES = 60
_MOST_DETAILS = 400
_FEW_COLUMNS = 360
"""Of each of many small charts."""
_OPEN = 12
"""So few scans are told at length without a click."""


def page(contents: Contents, *, title: str, made: datetime) -> str:
    """Return a report as one file of HTML: nothing is fetched, and a policy forbids all but our style and script."""
    told = contents.scans
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=security_policy()),
        tag("meta", name="generator", content=f"{GENERATOR} {__version__}"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        # Its hash is in the policy, so it stands as it is.
        tag("style", Markup(CSS)),
    )
    body = tag(
        "body",
        tag("h1", title),
        tag("p", amount(len(told), "scan"), ": ", contents.english, class_="faint"),
        _facts(told),
        _ways(told),
        _missing(told),
        _pictures(told),
        _traces(told),
        tag("h2", "Scans", id="scans"),
        _table(told),
        _details(told),
        _provenance(contents, made),
        tag("script", Markup(SCRIPT)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _facts(told: Sequence[Told]) -> Markup:
    scans = [each.scan for each in told]
    energies = [scan.energy_kev for scan in scans if scan.energy_kev is not None]
    kelvins = [k for scan in scans for k in (scan.temperature_min_k, scan.temperature_max_k) if k is not None]
    starts = sorted(scan.start_time for scan in scans if scan.start_time)
    complete = sum(scan.state.value == "complete" for scan in scans)
    integrated = sum(each.pictured is not None for each in told)
    stored = sum(file.size for each in told for file in {f.path: f for f in each.detector_files}.values())
    samples = list(dict.fromkeys(scan.sample for scan in scans if scan.sample))
    facts: list[tuple[str, str]] = [
        (f"{complete} of {len(scans)}", "complete"),
        (f"{integrated} of {len(scans)}", "integrated here"),
        (", ".join(samples) if len(samples) <= 3 else str(len(samples)), "sample" if len(samples) == 1 else "samples"),
        (span(energies, 3), "keV"),
        (span(kelvins, 1), "K"),
        (str(sum(scan.points for scan in scans)), "points"),
        (size(stored), "of detector files"),
        (moment(starts[0]) if starts else "", "first start"),
        (moment(starts[-1]) if len(starts) > 1 else "", "last start"),
    ]
    return tag(
        "div", [tag("div", tag("b", value), tag("span", name)) for value, name in facts if value], class_="facts"
    )


def _ways(told: Sequence[Told]) -> Markup | None:
    """Lead to the parts of a long page."""
    if len(told) <= _OPEN:
        return None
    parts = (("patterns", "Patterns"), ("scans", "Table of scans"), ("details", "Each scan"), ("origin", "Origin"))
    return tag("p", [[tag("a", name, href=f"#{anchor}"), " \u00a0 "] for anchor, name in parts])


def _missing(told: Sequence[Told]) -> list[Content] | None:
    """Say first what is not as it should be."""
    rows: list[list[Content]] = [
        [_reference(each, at), fault.where, fault.what, state_of(fault.state), fault.why]
        for at, each in enumerate(told)
        for fault in each.faults
    ]
    if not rows:
        return None
    shown = rows[:_MOST_DETAILS]
    return [
        tag("h2", "Not as it should be"),
        table(("scan", "where", "what", "state", "why"), shown, "n..tw", can_sort=True),
        tag("p", f"and {len(rows) - len(shown)} more", class_="faint") if len(rows) > len(shown) else None,
    ]


def _table(told: Sequence[Told]) -> Markup:
    head = ("scan", "sample", "command", "start", "keV", "K", "points", "state", "files", "where", "patterns")
    rows: list[list[Content]] = []
    for at, each in enumerate(told):
        scan, pictured = each.scan, each.pictured
        rows.append(
            [
                _reference(each, at),
                scan.sample,
                shortened(scan.title),
                _broken(moment(scan.start_time)),
                "" if scan.energy_kev is None else f"{scan.energy_kev:.3f}",
                span([k for k in (scan.temperature_min_k, scan.temperature_max_k) if k is not None], 1),
                scan.points,
                state_of(scan.state.value),
                ", ".join(f"{link.detector}\u00a0{link.state.value}" for link in scan.links),
                ", ".join(dict.fromkeys(where(place) for place in scan.locations if place.state != "missing")),
                "" if pictured is None else f"{pictured.patterns} × {pictured.bins}",
            ]
        )
    return table(head, rows, "n.w.nnnt..l", can_sort=True)


def _broken(moment: str) -> Content:
    """Return a moment whose line may end before the time of day, and nowhere else."""
    return [[tag("span", part, class_="t"), " "] for part in moment.split()]


def _pictures(told: Sequence[Told]) -> list[Content]:
    """Draw a waterfall a sample: against temperature where that tells scans apart."""
    groups: dict[tuple[str, str, str], list[Pictured]] = {}
    for each in told:
        if each.pictured is not None:
            kev = each.pictured.curve.energy_kev
            # Over 2θ the lines of a sample are elsewhere at another energy.
            at = f"{kev:.2f} keV" if each.pictured.unit != "q" and kev is not None else ""
            groups.setdefault((each.scan.sample, each.pictured.unit, at), []).append(each.pictured)
    if not groups:
        return [
            tag("h2", "Patterns", id="patterns"),
            tag("p", "None of these scans has been integrated here.", class_="faint"),
        ]
    drawn: list[Content] = [tag("h2", "Patterns", id="patterns")]
    for (sample, unit, apart), pictured in groups.items():
        curves = [each.curve for each in pictured]
        step = -(-len(curves) // _MOST_CURVES)
        if len(curves) == 1:
            means = f"{curves[0].label}, the mean of {amount(pictured[0].patterns, 'pattern')}"
        else:
            means = f"the mean of each of {len(curves)} scans" + ("" if step == 1 else f", one of {step} is drawn")
        caption = ", ".join(each for each in (sample, apart, means) if each)
        drawn.append(_figure(curves[::step], unit, caption))
    return drawn


def _figure(curves: Sequence[Curve], unit: str, caption: str) -> Markup:
    chart = waterfall(curves, unit) if len(curves) > 1 else single(curves[0], unit)
    return tag("figure", chart, tag("figcaption", caption))


def _traces(told: Sequence[Told]) -> list[Content]:
    measured: dict[tuple[str, str], list[Trace]] = {
        ("temperature (K)", "warm"): [each.temperature for each in told if each.temperature is not None],
        ("energy (keV)", "cool"): [each.energy for each in told if each.energy is not None],
    }
    moments = [float(n) for found in measured.values() for each in found for n in (each.seconds[0], each.seconds[-1])]
    drawn: list[Content] = [
        tag("figure", traces(found, name, class_, period=(min(moments), max(moments))))
        for (name, class_), found in measured.items()
        if found
    ]
    return [tag("h2", "Temperature and energy"), *drawn] if drawn else []


def _details(told: Sequence[Told]) -> list[Content]:
    drawn: list[Content] = [tag("h2", "Each scan", id="details")]
    for each in told[:_MOST_DETAILS]:
        inside = _detail(each)
        if len(told) <= _OPEN:
            drawn.append(tag("section", tag("h3", heading_of(each.scan), id=_anchor(each)), inside))
        else:
            drawn.append(tag("details", tag("summary", heading_of(each.scan)), tag("div", inside, id=_anchor(each))))
    if len(told) > _MOST_DETAILS:
        drawn.append(tag("p", f"and {len(told) - _MOST_DETAILS} more, which the table lists", class_="faint"))
    return drawn


def _detail(each: Told) -> list[Content]:
    scan = each.scan
    facts = [
        f"{scan.path} : {scan.entry}",
        amount(scan.points, "point"),
        f"{moment(scan.start_time)} to {moment(scan.end_time) or 'no end recorded'}" if scan.start_time else "",
        f"energy from {scan.energy_origin}" if scan.energy_origin else "energy not recorded",
        f"temperature from {scan.temperature_origin}" if scan.temperature_origin else "temperature not recorded",
        "" if scan.exposure_s is None else f"exposure {scan.exposure_s:g} s",
    ]
    drawn: list[Content] = [tag("p", " · ".join(fact for fact in facts if fact), class_="faint")]
    files = {file.path: file for file in each.detector_files}
    rows: list[list[Content]] = []
    for place in scan.locations:
        prefix = "".join(f"{part}/" for part in place.prefix.parts)
        for link in place.links:
            file = files.get(f"{prefix}{link.target}")
            held = (
                "" if file is None else ", ".join(x for x in (file.problem, _frames(file.frames), size(file.size)) if x)
            )
            named = str(link.target) if link.target is not None else link.filename
            rows.append([where(place), link.detector, state_of(link.state.value), named, held, link.problem])
    if rows:
        drawn.append(table(("where", "detector", "link", "file", "holds", ""), rows, "..tw.."))
    if each.pictured is not None:
        pictured = each.pictured
        frames = pictured.frames
        if len(frames) > 1:
            few = f"{len(frames)} of " if len(frames) < pictured.patterns else ""
            drawn.append(_figure(frames, pictured.unit, f"{few}its {pictured.patterns} patterns"))
        else:
            chart = single(pictured.curve, pictured.unit, height=160, columns=_FEW_COLUMNS)
            caption = f"the mean of {amount(pictured.patterns, 'pattern')}"
            drawn.append(tag("figure", chart, tag("figcaption", caption)))
    return drawn


def _frames(count: int | None) -> str:
    return "" if count is None else amount(count, "frame")


def _provenance(contents: Contents, made: datetime) -> list[Content]:
    groups: dict[tuple[str, ...], list[Told]] = {}
    for each in contents.scans:
        if each.pictured is not None:
            making = each.pictured.making
            recipe = settings_of(making.settings)
            key = (making.program, making.version, making.poni_name, making.poni, making.mask, recipe)
            groups.setdefault(key, []).append(each)
    drawn: list[Content] = [tag("h2", "Where this comes from", id="origin")]
    for (program, version, poni_name, poni, mask, recipe), members in groups.items():
        dates = sorted({day_of(e.pictured.making.date) for e in members if e.pictured and e.pictured.making.date})
        drawn += [
            tag("h3", f"Patterns of {numbers(each.scan for each in members)}"),
            table(
                ("", ""),
                [
                    (name, value)
                    for name, value in (
                        ("made by", maker_of(program, version)),
                        ("on", " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else ""),
                        ("geometry", poni_name or ("in the file, without a name" if poni else "not said")),
                        ("mask", mask or "not said"),
                        ("settings", recipe),
                    )
                    if value
                ],
                "tw",
            ),
            tag("pre", poni.strip()) if poni else None,
        ]
    command = f"danmax-sync report {contents.query}".strip()
    drawn.append(
        tag(
            "footer",
            tag("p", tag("code", command)),
            tag("p", f"danmax-sync {__version__}, Python {platform.python_version()}, {_when(made)}. ",
                "Heights of curves are √intensity; bins without pixels are gaps."),
        )
    )  # fmt: skip
    return drawn


def _when(made: datetime) -> str:
    return f"made {clock(made, '%Y-%m-%d %H:%M %Z')}; {ZONE_SAID}"


def _anchor(each: Told) -> str:
    return f"scan-{each.scan.id}"


def _reference(each: Told, at: int) -> Markup:
    """Name the scan at a place of the page, and lead to what is said of it at length, where that is."""
    name = str(each.scan.number) if each.scan.number is not None else each.scan.path.name
    return tag("a", name, href=f"#{_anchor(each)}") if at < _MOST_DETAILS else text(name)
