"""The query language, once: README, help and the parser's tests are made from this table."""

from dataclasses import dataclass

from danmax_sync.query.tree import (
    All,
    And,
    Exactly,
    Has,
    Is,
    Latest,
    Near,
    Not,
    Or,
    Query,
    Scans,
    Within,
    Word,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: what is written, what it finds, and the trees that the examples are."""

    examples: tuple[str, ...]
    finds: str
    trees: tuple[Query, ...]


RULES: tuple[Rule, ...] = (
    Rule(
        ("42", "40-50", "42 44 50-60"),
        "scans by number, any of them",
        (Scans(42, 42), Scans(40, 50), Or((Scans(42, 42), Scans(44, 44), Scans(50, 60)))),
    ),
    Rule(
        ("20231855/2023031508/42", "2023031508/40-50", "latest"),
        "scans of one visit; the scan that started last among those the rest finds",
        (Scans(42, 42, "20231855", "2023031508"), Scans(40, 50, None, "2023031508"), Latest()),
    ),
    Rule(("LaB6",), "a word in title, sample or path", (Word("LaB6"),)),
    Rule(
        ("sample:LaB6", "macro:ascan*", "sample:Si,CeO2"),
        "a text, with `*` and `?`; any of several",
        (Is("sample", ("LaB6",)), Is("macro", ("ascan*",)), Is("sample", ("Si", "CeO2"))),
    ),
    Rule(
        ("temperature:300..400", "energy:..20", "points:>=100"),
        "a range, ends included; a scan matches when any of its points does. `>` and `<` leave the end out",
        (Within("temperature", "300", "400"), Within("energy", None, "20"), Within("points", "100", None)),
    ),
    Rule(
        ("all(temperature:300..400)",),
        "every point of the scan lies in it",
        (All(Within("temperature", "300", "400")),),
    ),
    Rule(
        ("energy:35",),
        "34.5 to 35.5: equality follows the digits you type, `energy:35.00` is 34.995 to 35.005",
        (Is("energy", ("35",)),),
    ),
    Rule(
        ("energy:35±0.1", "temperature:25C+-5", "points==101"),
        "so much to either side; exactly",
        (Near("energy", "35", "0.1"), Near("temperature", "25C", "5"), Exactly("points", "101")),
    ),
    Rule(
        ("energy:35keV", "energy:0.354A", "temperature:25C", "exposure:30ms"),
        "units",
        (
            Is("energy", ("35keV",)),
            Is("energy", ("0.354A",)),
            Is("temperature", ("25C",)),
            Is("exposure", ("30ms",)),
        ),
    ),
    Rule(
        ("since:2026-03", "until:2026-03-05", "date:2026-03-01..2026-03-05", "last:2d"),
        "when it started, by the beamline's clock; both days belong to a range. `min`, `h`, `d`, `w`, `y` ago",
        (
            Is("since", ("2026-03",)),
            Is("until", ("2026-03-05",)),
            Within("date", "2026-03-01", "2026-03-05"),
            Is("last", ("2d",)),
        ),
    ),
    Rule(
        ("ea_ppm3_1:400..600", "hex_*:0..1", "fast_shutter:open"),
        "any motor, channel or snapshot parameter; the end of a name is enough where only one has it",
        (Within("ea_ppm3_1", "400", "600"), Within("hex_*", "0", "1"), Is("fast_shutter", ("open",))),
    ),
    Rule(
        ("detector:falconx", "link:missing", "root:here", "integrated:*"),
        "its detectors; what became of its files (`ok`, `missing`, `outside`, `wrong shape`, `unreadable`); "
        "where it is; patterns are there",
        (
            Is("detector", ("falconx",)),
            Is("link", ("missing",)),
            Is("root", ("here",)),
            Has("integrated"),
        ),
    ),
    Rule(
        ("tag:good", "note:broken", "log:quench"),
        "what you said of it; a word in your notes, or in the logbook's entries about it",
        (Is("tag", ("good",)), Is("note", ("broken",)), Is("log", ("quench",))),
    ),
    Rule(("lakeshore_tempD:*",), "has it, be it NaN; a range or a value never finds NaN", (Has("lakeshore_tempD"),)),
    Rule(
        ("-state:partial", "-LaB6", "sample:Si OR sample:CeO2", "energy:35 (Si OR CeO2)"),
        "not, or, brackets; `NOT` and `AND` are understood, too",
        (
            Not(Is("state", ("partial",))),
            Not(Word("LaB6")),
            Or((Is("sample", ("Si",)), Is("sample", ("CeO2",)))),
            And((Is("energy", ("35",)), Or((Word("Si"), Word("CeO2"))))),
        ),
    ),
)


def as_markdown() -> str:
    """Return the table as README shows it."""
    lines = ["| write | to find |", "|---|---|"]
    for rule in RULES:
        written = " ".join(f"`{example}`" for example in rule.examples)
        lines.append(f"| {written} | {rule.finds} |")
    return "\n".join(lines) + "\n"


def as_help() -> str:
    """Return the table as plain text for a terminal."""
    width = 34
    lines = []
    for rule in RULES:
        first, *rest = rule.examples
        lines.append(f"  {first:<{width}} {rule.finds.replace('`', '')}")
        lines += [f"  {example}" for example in rest]
    return "\n".join(lines)
