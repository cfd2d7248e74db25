"""Jobs that do something else than reading, in a module that reader processes can import."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from danmax_sync.errors import SourceError


@dataclass(frozen=True)
class Act:
    """A job that answers, dies, hangs or raises."""

    path: Path
    what: str = "answer"

    def __call__(self) -> str:
        """Answer, die, hang, or raise."""
        match self.what:
            case "die":
                os.abort()
            case "die once":
                if not self.path.exists():
                    self.path.touch()
                    os.abort()
            case "hang":
                time.sleep(60)
            case "refuse":
                raise SourceError(f"{self.path} is bad")
            case "bug":
                raise LookupError("oh")
        return self.path.name
