"""The beamline's clock: times that people see are those they type. Programs get UTC with its sign, as it is kept."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

BEAMLINE_ZONE = ZoneInfo("Europe/Stockholm")
"""Of times without a zone, in masters and in queries; and of all that are shown."""
ZONE_SAID = "times are the beamline's (Europe/Stockholm)"
"""Said where times are shown without their zone."""


def clock(moment: datetime | str | float | None, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Spell a moment as the beamline's clock showed it.

    Parameters
    ----------
    moment : datetime, str, float or None
        Aware, or ISO-8601 with its zone as the catalogue keeps it, or UNIX seconds; None is nothing.
    form : str
        As of ``strftime``.
    """
    if moment is None or moment == "":
        return ""
    try:
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        elif not isinstance(moment, datetime):
            moment = datetime.fromtimestamp(moment, UTC)
        # A year has four digits on every system.
        here = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(BEAMLINE_ZONE)
        return here.strftime(form.replace("%Y", f"{here.year:04d}"))
    except (ValueError, OverflowError, OSError):
        # A time that nobody can be in, as files may hold: as it is.
        return str(moment)


def to_the_minute(moment: datetime | str | float | None) -> str:
    """Spell a moment as lists do, in a form that queries understand too."""
    return clock(moment, "%Y-%m-%d %H:%M")
