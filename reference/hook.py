"""Put the generated parts into the pages of the site, as mkdocs builds it.

A page asks for one with a line such as ``<!-- generated: commands -->``.
"""

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reference.commands import render_commands
from reference.python_api import render_python
from reference.tables import render_events, render_exit_codes, render_query, render_settings

PARTS = {
    "commands": render_commands,
    "events": render_events,
    "exit codes": render_exit_codes,
    "python": render_python,
    "query": render_query,
    "settings": render_settings,
}
_ASKED = re.compile(r"<!-- generated: ([a-z ]+) -->\n(?:.*?<!-- end -->)?", re.DOTALL)


def filled(markdown: str) -> str:
    """Return a page with its generated parts; what stands for them where the site is not built gives way."""
    return _ASKED.sub(lambda asked: PARTS[asked[1]](), markdown)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill a page; mkdocs calls this."""
    return filled(markdown)
