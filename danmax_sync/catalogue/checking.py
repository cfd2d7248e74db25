"""Is the catalogue what it should be?"""

from sqlalchemy import Engine

from danmax_sync.catalogue.database import reading, shown
from danmax_sync.catalogue.migrate import CatalogueState, state_of
from danmax_sync.errors import CatalogueError

_REMEDIES = {
    CatalogueState.ABSENT: "make it: danmax-sync db upgrade, or just danmax-sync index DIR",
    CatalogueState.OLD: "danmax-sync db upgrade",
    CatalogueState.NEWER: "upgrade danmax-sync: pip install --upgrade danmax-sync",
    CatalogueState.FOREIGN: "if it was one, put its *.backup back, or move it away and index again",
}


def check_catalogue(engine: Engine) -> str:
    """Return a sentence that says the catalogue is well.

    Raises
    ------
    CatalogueError
        With the command to type, when it is not.
    """
    where, state = shown(engine), state_of(engine)
    if state is not CatalogueState.CURRENT:
        raise CatalogueError(f"{where}: {state.value}", hint=_REMEDIES[state])
    if engine.dialect.name == "sqlite":
        with reading(engine) as connection:
            answer = str(connection.exec_driver_sql("PRAGMA integrity_check").scalar())
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if answer != "ok" or broken:
            raise CatalogueError(
                f"{where} is damaged: {answer}, {len(broken)} broken references",
                hint="put back a copy (*.backup beside it), or keep what you typed with danmax-sync sample export, "
                "move it away and index again: no scan data are in it",
            )
    return f"{where} is well"
