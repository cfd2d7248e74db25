"""Look at a page as a person would: in a real browser without a screen."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.needs import require_browser


@dataclass(frozen=True)
class Seen:
    """What a browser made of a page.

    Attributes
    ----------
    dom : str
        The page as it stands after loading.
    console : tuple of str
        What it had to say: errors, and what the page's policy kept it from.
    requested : tuple of str
        Addresses on the network that it asked for.
    pixels : ndarray, (height, width, 3)
        What is on the screen.
    """

    dom: str
    console: tuple[str, ...]
    requested: tuple[str, ...]
    pixels: NDArray[np.uint8]


def look_at(page: Path, scratch: Path, *, dark: bool = False, size: tuple[int, int] = (1000, 1400)) -> Seen:
    """Load a page, wait until it is drawn, and return what is there."""
    picture, log = scratch / "screen.png", scratch / "network.json"
    command = [
        *_browser(scratch),
        "--hide-scrollbars",
        f"--window-size={size[0]},{size[1]}",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        "--enable-logging=stderr",
        f"--log-net-log={log}",
        f"--screenshot={picture}",
        "--dump-dom",
        page.absolute().as_uri(),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("RGB"))
    network = json.loads(log.read_text(encoding="utf-8"))
    asked = {event.get("params", {}).get("url", "") for event in network["events"]}
    return Seen(
        ran.stdout,
        tuple(line for line in ran.stderr.splitlines() if re.search(r"\bCONSOLE\b", line)),
        tuple(sorted(url for url in asked if re.match(r"(https?|wss?|ftp):", url))),
        pixels,
    )


def sheets_of(page: Path, scratch: Path) -> int:
    """Print a page and return how many sheets of paper it takes."""
    paper = scratch / "paper.pdf"
    command = [*_browser(scratch), f"--print-to-pdf={paper}", page.absolute().as_uri()]
    subprocess.run(command, capture_output=True, check=True, timeout=120)
    return len(re.findall(rb"/Type /Page\b", paper.read_bytes()))


def _browser(scratch: Path) -> list[str]:
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
    return [require_browser(), *options, f"--user-data-dir={scratch / 'profile'}"]
