"""What a text says of scans: numbers, ranges, file names. Texts are hostile: all of this is linear and bounded."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from danmax_sync.visits import DETECTOR_NAME, MASTER_NAME, PROPOSAL, VISIT

MOST_MENTIONS = 200
MOST_SCANS = 10_000
"""In one range; a longer one is a slip of the pen."""
_WORD = re.compile(r"[^\s\"'<>(){}\[\],;|]+")
_REFERENCE = re.compile(r"(?:(\d{8})/)?(\d{10})/(\d{1,9})(?:-(\d{1,9}))?")
_UNIT = (
    r"(?:K|°|º|C\b|deg|k?eV|%|s\b|sec|min|h\b|mm|µm|um|bar|mbar|x\b|"
    r"(?:times|samples?|points?|steps?|hours?|days?|positions?|frames?|temperatures?|capillar(?:y|ies)|patterns?)\b)"
)
# `300 K` behind `scan 42, ` is a temperature, `0.5` a number of something else.
_NUMBER = rf"#?(\d{{1,9}})(?!\d|[.:]\d|\s?{_UNIT})"
_FIRST = re.compile(
    rf"(?:(?<![^\W_])scans?(?:[ ]?(?:no|nr|numbers?)\b)?[ .:_#\xa0-]{{0,3}}|(?<![\w&])#){_NUMBER}", re.IGNORECASE
)
_NEXT = re.compile(rf"\s{{0,2}}(?:(-|–|—|\.\.|to\b)|,|;|&|\+|/|and\b|,\s?and\b)\s{{0,2}}{_NUMBER}", re.IGNORECASE)
_BEFORE_HASH = re.compile(
    r"(?:^|[^\w\s]|\b(?:scans?|and|or|to|from|see|in|of|with|for|than|vs|like|is|was))\s*\Z", re.IGNORECASE
)
"""`#3` may also be the third sample: it is a scan where no other word owns it."""
_OTHER_FILE = re.compile(r"[\w.+-]{1,200}\.h5")


@dataclass(frozen=True, slots=True)
class Mention:
    """Scans that a text speaks of.

    Attributes
    ----------
    first, last : int or None
        Their numbers, both included; None where only a file is named.
    proposal, visit : str or None
        Where the text tells them.
    path : str
        The end of the master's path, as far as a file was named with its folders.
    how : str
        ``number`` or ``file``.
    """

    first: int | None
    last: int | None
    proposal: str | None = None
    visit: str | None = None
    path: str = ""
    how: str = "number"


def mentions(text: str) -> list[Mention]:
    """Return the scans a text speaks of, `MOST_MENTIONS` at most."""
    found: dict[Mention, None] = {}
    rest: list[str] = []
    at = 0
    for word in _WORD.finditer(text):
        mention = _of_word(word[0].rstrip(".:!?"))
        if mention is not None and len(found) < MOST_MENTIONS:
            found[mention] = None
            # What is understood as a file is not read again as a number.
            rest.append(text[at : word.start()])
            at = word.end()
    rest.append(text[at:])
    for mention in _numbers(" | ".join(rest)):
        if len(found) >= MOST_MENTIONS:
            break
        found[mention] = None
    return list(found)


def _of_word(word: str) -> Mention | None:
    reference = _REFERENCE.fullmatch(word)
    if reference:
        proposal, visit, first, last = reference.groups()
        return _range(int(first), int(last or first), proposal, visit)
    if not word.endswith(".h5") or len(word) > 4096:
        return None
    *folders, name = word.split("/")
    match = MASTER_NAME.fullmatch(name) or DETECTOR_NAME.fullmatch(name)
    if match is None and not _OTHER_FILE.fullmatch(name):
        return None
    visit_at = next((at for at, folder in enumerate(folders) if VISIT.fullmatch(folder)), None)
    visit = folders[visit_at] if visit_at is not None else None
    proposal = folders[visit_at - 1] if visit_at and PROPOSAL.fullmatch(folders[visit_at - 1]) else None
    # Below `raw`, else as much as is written; of a web address nothing but the name is sure.
    inside = folders[folders.index("raw") :] if "raw" in folders else [] if "://" in word else folders
    number = int(match[1]) if match else None
    master = f"scan-{match[1]}.h5" if match else name
    return Mention(number, number, proposal, visit, "/".join([*filter(_is_folder, inside), master]), "file")


def _is_folder(name: str) -> bool:
    return name not in {"", ".", ".."}


def _numbers(text: str) -> Iterator[Mention]:
    at = 0
    while (match := _FIRST.search(text, at)) is not None:
        first, at = int(match[1]), match.end()
        if match[0].startswith("#") and not _BEFORE_HASH.search(text[max(0, match.start() - 20) : match.start()]):
            continue
        last = first
        while (more := _NEXT.match(text, at)) is not None:
            number, at = int(more[2]), more.end()
            if more[1] and number > first:
                last = number
                continue
            yield from _some(_range(first, last, None, None))
            first = last = number
        yield from _some(_range(first, last, None, None))


def _range(first: int, last: int, proposal: str | None, visit: str | None) -> Mention | None:
    return Mention(first, last, proposal, visit) if first <= last < first + MOST_SCANS else None


def _some(mention: Mention | None) -> Iterator[Mention]:
    if mention is not None:
        yield mention
