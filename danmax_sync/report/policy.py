"""What a browser may do with a page."""

import base64
import hashlib

from danmax_sync.report.sorting import SCRIPT
from danmax_sync.report.style import CSS


def security_policy() -> str:
    """Return the page's policy: apply this style, run this script, and nothing else whatever is in it."""
    rules = ("default-src 'none'", f"style-src {_only(CSS)}", f"script-src {_only(SCRIPT)}")
    return "; ".join((*rules, "base-uri 'none'", "form-action 'none'"))


def _only(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
