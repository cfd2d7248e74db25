"""Exit codes, events, the query language and settings, from the tables and enumerations of the code."""

from collections.abc import Mapping

from danmax_sync import errors, settings
from danmax_sync.errors import DanmaxSyncError, ExitCode
from danmax_sync.events import EVENTS
from danmax_sync.quantities import DEFAULT_PREFERENCES, MEANINGS, Dimension, units_of
from danmax_sync.query.fields import BASE_FIELDS, DATE_FIELDS, NUMBER_FIELDS, PROSE_FIELDS
from danmax_sync.query.syntax import as_markdown
from reference.text import code, prose, table

FIELDS = {
    "energy": "of the photons; equality follows the digits typed",
    "wavelength": "of the photons",
    "temperature": "of the sample, at any of the scan's points",
    "exposure": "of one frame",
    "points": "how many the scan has",
    "scan": "its number",
    "sample": "what you call the sample, else what its folder is called",
    "title": "the command, as it was typed at the beamline",
    "macro": "the command's first word",
    "path": "of the master, from the visit's folder",
    "proposal": "eight digits",
    "visit": "ten digits",
    "state": "`complete`, `partial`, `running` or `unreadable`",
    "entry": "of the master, where it holds several scans",
    "date": "when it started: a day, a month, a year, a range of them",
    "since": "it started on that day or later",
    "until": "it started on that day or before",
    "before": "it started before that day",
    "last": "it started so long ago at most: `2d`",
    "start_time": "the same as `date`",
    "end_time": "when it ended",
    "detector": "the name of one that was recorded",
    "link": "what became of one of its files: `ok`, `missing`, `outside`, `wrong shape`, `unreadable`",
    "integrated": "`*`: patterns are there; a name: patterns of that detector",
    "root": "where it is: the name of a remote, a folder, or `here`",
    "tag": "a word you gave it",
    "note": "a word of your notes",
    "log": "a word of the logbook's entries about it",
}
"""What each field of every scan holds."""
SETTINGS = {
    "get.to": "where a visit goes when `--to` is not given and it was never fetched before; `{proposal}`, `{visit}` "
    "and `{remote}` stand for what they say",
    "get.limit_rate": "the highest rate, in bytes a second, when `--limit-rate` is not given: `50M`",
    "integrate.recipe": "a recipe's file, when `--recipe` is not given",
    "energy.channels": "names of channels that hold the energy in keV at each point; they come before the beamline's: "
    + ", ".join(map(code, DEFAULT_PREFERENCES.energy_channels)),
    "energy.parameters": "names of snapshot parameters that hold the energy in keV; they come before the beamline's: "
    + ", ".join(map(code, DEFAULT_PREFERENCES.energy_parameters)),
    "temperature.devices": "names that hold the sample's temperature in K, at each point or in the snapshot; they come "
    "before the beamline's: " + ", ".join(map(code, DEFAULT_PREFERENCES.temperatures)),
    "globus.client_id": "the UUID of your client at Globus, for remotes of `globus://`",
}
"""What each setting does."""
VARIABLES = {
    "DANMAX_SYNC_HOME": "the folder of settings, catalogue, tokens and reports, instead of the platform's",
    "DANMAX_SYNC_CATALOGUE": "another catalogue: a path, or the URL of a PostgreSQL database",
    "DANMAX_SYNC_SSH_CONFIG": "another ssh_config",
    "DANMAX_SYNC_SSH": "who speaks SSH: `openssh` or `paramiko`",
    "DANMAX_SYNC_GLOBUS_CLIENT_ID": "the UUID of a client at Globus, before the settings' one",
    "DANMAX_SYNC_GLOBUS_CLIENT_SECRET": "its secret, where it logs in by itself",
    "DANMAX_SYNC_KERNEL_CACHE": "where the integration's machine code is kept",
    "NO_COLOR": "any value: no colours",
}
"""What each variable of the environment does."""


def known_settings() -> list[str]:
    """Return every setting there is, as ``section.name``."""
    return [f"{section}.{name}" for section, names in settings.KNOWN_SETTINGS.items() for name in names]


def render_exit_codes() -> str:
    """Return the codes, and the errors of Python that stand for them."""
    known = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, DanmaxSyncError)]
    rows = []
    for exit_code in ExitCode:
        raised = [each.__name__ for each in known if each.exit_code is exit_code and each is not DanmaxSyncError]
        rows.append((code(str(exit_code.value)), exit_code.meaning, ", ".join(map(code, raised))))
    return table(("exit code", "meaning", "from Python"), rows)


def render_events() -> str:
    """Return every event of ``--json``."""
    parts = []
    for name in dict.fromkeys(kind.name for kind in EVENTS):
        parts.append(f"## {name}\n")
        for kind in (each for each in EVENTS if each.name == name):
            told_by = ", ".join(code(command) for command in kind.told_by)
            parts += [f"{kind.meaning} From {told_by}:\n", table(("field", ""), [*kind_rows(kind.fields)])]
    return "\n".join(parts)


def kind_rows(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return a row for each field."""
    return [(code(name), meaning) for name, meaning in fields.items()]


def render_query() -> str:
    """Return the language, the fields of every scan, units, and what the beamline records."""
    fields = [(code(name), _kind(name), FIELDS[name]) for name in BASE_FIELDS]
    units = [
        (each.name.lower(), each.value, ", ".join(map(code, units_of(each)))) for each in Dimension if units_of(each)
    ]
    names = [
        (code(each.pattern), prose(each.description), each.dimension.value)
        for each in sorted(MEANINGS, key=lambda one: one.pattern.lower())
    ]
    return "\n".join(
        [
            as_markdown(),
            "## Fields of every scan\n",
            table(("field", "kind", "holds"), fields),
            "## Units\n",
            "A number without a unit is in the catalogue's. Capitals do not matter.\n",
            table(("quantity", "in the catalogue", "can be typed as"), units),
            "## Names of the beamline\n",
            "`danmax-sync fields` lists what your scans recorded. These are explained:\n",
            table(("name", "is", "unit"), names),
        ]
    )


def _kind(name: str) -> str:
    if name in NUMBER_FIELDS:
        unit = NUMBER_FIELDS[name].dimension.value
        return f"number, {unit}" if unit else "number"
    if name in DATE_FIELDS:
        return "date"
    return "word" if name in PROSE_FIELDS else "text"


def render_settings() -> str:
    """Return the settings and the variables of the environment."""
    rows = [(code(name), SETTINGS[name]) for name in known_settings()]
    variables = [(code(name), meaning) for name, meaning in VARIABLES.items()]
    return "\n".join(
        [
            "## Settings\n",
            "`section.name`: in the file, `name = …` stands below `[section]`.\n",
            table(("setting", "is"), rows),
            "## Variables of the environment\n",
            table(("variable", "names"), variables),
        ]
    )
