"""What a service may answer, and what is said about it."""

import json
import socket
from collections.abc import Callable

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, LoginError, SourceError, UsageError
from danmax_sync.logbook import web
from danmax_sync.logbook.address import logbook_address
from danmax_sync.logbook.elogy import Elogy
from danmax_sync.logbook.sync import sync_logbook
from danmax_sync.testing.elogy import ElogyAnswer, ElogyService
from tests.logbook.conftest import Sync


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))


@pytest.mark.parametrize(
    ("text", "base", "number"),
    [
        ("https://elogy.example/logbooks/12/", "https://elogy.example", 12),
        ("http://elogy.example:8000/logbooks/12", "http://elogy.example:8000", 12),
        ("http://elogy.example/api/logbooks/12/entries/?n=5", "http://elogy.example", 12),
        ("http://elogy.example/logbooks/12/entries/345#top", "http://elogy.example", 12),
        ("http://host/danmax/elogy/logbooks/12/", "http://host/danmax/elogy", 12),
        ("http://[::1]:80/logbooks/1/", "http://[::1]:80", 1),
    ],
)
def test_an_address_is_what_the_browser_shows(text: str, base: str, number: int) -> None:
    """Or the one for programs; an entry's means its logbook."""
    address = logbook_address(text)
    assert (address.base, address.number) == (base, number)
    assert logbook_address(address.url) == address


@pytest.mark.parametrize(
    "text",
    [
        "elogy.example/logbooks/12/",
        "file:///etc/logbooks/12/",
        "ftp://host/logbooks/12/",
        "http://host/",
        "http://host/logbooks/x/",
        "http://me:secret@host/logbooks/12/",
        "http:///logbooks/12/",
        "http://[::1/logbooks/12/",
        "http://host:port/logbooks/12/",
        "http://host/a b/logbooks/12/",
    ],
)
def test_other_addresses_are_refused(text: str) -> None:
    """With an example of what is expected."""
    with pytest.raises(UsageError) as caught:
        logbook_address(text)
    assert "https://HOST/logbooks/NUMBER/" in caught.value.hint


def test_a_thread_comes_with_all_its_answers(elogy: ElogyService) -> None:
    """In the order of depth; times in UTC; authors by name."""
    first = elogy.write("LaB6", "<p>scan 42</p>", authors=["Ada", "Bob"])
    answer = elogy.write(None, "<p>good</p>", follows=first)
    deep = elogy.write("", "plain <b>", follows=answer, content_type="text/plain")
    gone = elogy.write("", "hidden", follows=first)
    elogy.archive(gone)
    found = Elogy(logbook_address(elogy.address)).thread(first)
    assert [(each.number, each.follows, each.title, each.text, each.authors) for each in found] == [
        (first, None, "LaB6", "scan 42", "Ada, Bob"),
        (answer, first, "", "good", "Ada Lovelace"),
        (deep, answer, "", "plain <b>", "Ada Lovelace"),
    ]
    assert all(each.created_at is not None and each.created_at.tzinfo is not None for each in found)


LOST, OTHER = ConnectionLostError, SourceError
AWAY = "http://198.51.100.1/login"


@pytest.mark.parametrize(
    ("answers", "error", "said"),
    [
        ([ElogyAnswer(404)], OTHER, "there is no logbook 12 at http://127.0.0.1:"),
        ([ElogyAnswer(401)], LoginError, "401 Unauthorized: it wants a login"),
        ([ElogyAnswer(403)], LoginError, "wants a login"),
        ([ElogyAnswer(302, location=AWAY)], OTHER, "it leads to '198.51.100.1'"),
        ([ElogyAnswer(302, location="file:///etc/passwd")], OTHER, "302"),
        ([ElogyAnswer(429)], LOST, "429"),
        ([ElogyAnswer(503)] * 3, LOST, "503 Service Unavailable"),
        ([ElogyAnswer(400)], OTHER, "400 Bad Request"),
        ([ElogyAnswer(200, "<html>", kind="text/html")], OTHER, "it sends text/html where JSON is expected"),
        ([ElogyAnswer(200, "[]")], OTHER, "no JSON object"),
        ([ElogyAnswer(200, "[" * 100_000)], OTHER, "where JSON is expected"),
        ([ElogyAnswer(200, '{"entries": 5}')], OTHER, "a list of entries is missing"),
    ],
)
def test_a_bad_answer_is_one_sentence_and_one_action(
    elogy: ElogyService, sync: Sync, answers: list[ElogyAnswer], error: type[DanmaxSyncError], said: str
) -> None:
    """Whatever comes instead of a list: nothing of it is a bug, and nothing is kept."""
    elogy.faults += answers
    with pytest.raises(error) as caught:
        sync()
    assert type(caught.value) is error
    assert said in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_a_service_that_stumbles_is_asked_again(elogy: ElogyService, sync: Sync) -> None:
    """Twice, with a pause."""
    elogy.write("one", "scan 1")
    elogy.faults += [ElogyAnswer(503), ElogyAnswer(502)]
    assert sync().new == 1


def test_an_answer_that_is_too_long_is_not_read(
    elogy: ElogyService, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much a server sends."""
    monkeypatch.setattr(web, "LARGEST_ANSWER", 1000)
    elogy.faults.append(ElogyAnswer(200, json.dumps({"entries": ["x" * 2000]})))
    with pytest.raises(SourceError, match="larger than"):
        sync()


def test_nobody_there(catalogue: Catalogue) -> None:
    """The host is named, and what to do: it is a service of an internal network."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectionLostError) as caught:
        sync_logbook(catalogue, logbook_address(f"http://127.0.0.1:{port}/logbooks/12/"))
    assert f"127.0.0.1:{port} does not answer: Connection refused" in caught.value.message
    assert "VPN" in caught.value.hint
    assert catalogue.logbooks() == []


@pytest.mark.parametrize("said", ["not HTTP at all\n\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"])
def test_a_line_that_breaks(said: str, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of an answer, or before it."""
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(3):
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                line.recv(4096)
                line.sendall(said.encode())

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with pytest.raises(ConnectionLostError):
            sync_logbook(catalogue, logbook_address(f"http://127.0.0.1:{listener.getsockname()[1]}/logbooks/12/"))
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _whole(entry: object) -> str:
    return json.dumps({"entry": entry})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda entry: entry | {"title": "\x1b[31m" + "x" * 10_000, "authors": [{"name": "\x1b]0;x\x07" * 100}] * 50},
        lambda entry: entry | {"title": ["no"], "content": {"no": 1}, "authors": "me", "created_at": 5},
        lambda entry: entry | {"created_at": "Mon, 99 Foo 20000 08:00:00 -0000", "content": None, "title": None},
        lambda entry: entry | {"created_at": "Mon, 01 Jan 0001 00:00:00 +2359", "content_type": None},
        lambda entry: entry | {"followups": [entry, {"id": -1}, {"id": True}, {"id": 1 << 80}, None, [], "x"]},
        lambda entry: entry | {"followups": {"id": 1}},
    ],
)
def test_an_entry_may_hold_anything(
    elogy: ElogyService, sync: Sync, catalogue: Catalogue, spoil: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    """What can be understood of it is kept, as text of bounded length; nothing raises."""
    number = elogy.write("one", "<p>scan 1</p>")
    listed = elogy.answer(f"/api/logbooks/{elogy.number}/entries/", {})
    entry = json.loads(elogy.answer(f"/api/entries/{number}/", {}).body)["entry"]
    elogy.faults += [listed, ElogyAnswer(200, _whole(spoil(entry)))]
    assert sync().entries == 1
    (found,) = Elogy(logbook_address(elogy.address)).thread(number)
    assert found.title == "one"


@pytest.mark.parametrize("entry", [None, {}, {"id": 7}])
def test_another_entry_than_the_one_asked_for_is_not_believed(elogy: ElogyService, sync: Sync, entry: object) -> None:
    """Its answer would be kept under a wrong number."""
    elogy.write("one", "x")
    elogy.faults += [elogy.answer(f"/api/logbooks/{elogy.number}/entries/", {}), ElogyAnswer(200, _whole(entry))]
    with pytest.raises(SourceError, match="entry 101 is missing"):
        sync()
