"""Does a source answer, and does it look like a visit?"""

from itertools import islice

from danmax_sync.quantities import count
from danmax_sync.sources.base import Source
from danmax_sync.visits import FileKind, kind_of

_LOOKED_AT = 500


def probe(source: Source) -> str:
    """Return a sentence about what stands at a source, after looking at its first files."""
    complaints: list[str] = []
    infos = list(islice(source.walk(lambda path, why: complaints.append(f"{path}: {why}")), _LOOKED_AT))
    masters = sum(kind_of(info.path.name) is FileKind.MASTER for info in infos)
    more = " at least" if len(infos) == _LOOKED_AT else ""
    sentence = f"{source.name} answers: {source.uri} holds{more} {count(len(infos), 'file')}, {masters} of them masters"
    if not masters:
        sentence += "\n  → no scan-####.h5 was seen: is it the folder of a visit, with raw/ in it?"
    about = getattr(source, "about", None)
    return "\n".join([sentence, *(about() if about is not None else ()), *complaints[:5]])
