"""Tapes: what is kept, what never is, and how it is played again."""

from __future__ import annotations

import json
import resource
import signal

import httpx2
import pytest
from nano_banana_edit import NanoBananaEdit, NotFound
from nano_banana_edit_mock import MockService, Request, load, mock_transport
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.engine.tape import Tape
from nano_banana_edit_mock.tools.proxy import Proxy
from nano_banana_edit_mock.tools.recorder import Recorder

TOKEN = "sekret/token="
PROMPT = "put my grandmother into the picture"
API, FILES = "https://api.sinancode.com/v1", "https://files-api.sinancode.com"
EDIT, TASK = f"{API}/generate/k/nano-banana-edit", f"{API}/tasks/t"
HEADERS = [("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json")]
PHOTO = ("grandmother.png", b"\x89PNG\r\n\x1a\n" + b"grandmother's face")


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def recorded(folder, service=None, *, content=False, upstream=None, clock=None):
    """A proxy that writes a tape, in front of the mock or another transport."""
    service = service or MockService(token=TOKEN, polls=2)
    recorder = Recorder(folder, load(), content=content)
    proxy = Proxy(load(), API, FILES, recorder=recorder, transport=upstream or mock_transport(service))
    return MockService(upstream=proxy, clock=clock or Clock())


def edit(service, prompt=PROMPT):
    """One edit to its end, with its bytes."""
    # Not through the router, which would answer the proxy as well.
    with httpx2.Client(transport=mock_transport(service)) as http:
        client = NanoBananaEdit(token=TOKEN, poll_interval=0, http_client=http)
        found = client.edit(PHOTO, prompt, output_format="png")
        return found.task_id, found.images[0].bytes()


def files(folder):
    """What is on a tape, by name."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("content", [False, True])
def test_an_edit_is_played_again(tmp_path, content):
    """The same requests get the same answers, and with content the same bytes."""
    told, image = edit(recorded(tmp_path / "tape", content=content))
    service = MockService.replay(tmp_path / "tape")
    again, played = edit(service)
    assert told == again
    assert played.startswith(b"\x89PNG")
    assert (played == image) == content
    assert [] == [entry for entry in service.calls if entry.violations or entry.answer_violations]
    assert 1 == len(service.edits)
    service.reset()
    assert told == edit(service)[0]


def test_a_file_that_was_changed_is_not_played(tmp_path):
    """Other bytes than those recorded are never a result, also if they changed after the tape was read."""
    _, image = edit(recorded(tmp_path / "tape", content=True))
    service = MockService.replay(tmp_path / "tape")
    for file in (tmp_path / "tape" / "files").iterdir():
        file.write_bytes(image + b"x")
    assert edit(service)[1][-1:] != b"x"


def test_a_tape_is_readable(tmp_path):
    """An exchange is a file of its own, in the order of the requests; nothing else is there."""
    edit(recorded(tmp_path / "tape"))
    names = ["0001-uploadFile.json", "0002-createEdit.json", *(f"000{n}-getTask.json" for n in (3, 4, 5))]
    assert {"tape.json", *names, "0006-getFile.json"} == {*files(tmp_path / "tape")}
    exchange = json.loads(files(tmp_path / "tape")["0002-createEdit.json"])
    assert "createEdit" == exchange["operation"]
    assert ["task_id"] == [*exchange["answer"]["json"]]


def test_what_is_not_on_the_tape(tmp_path):
    """A request that is not on the tape fails with the nearest exchange, and where it differs."""
    edit(recorded(tmp_path / "tape", content=True))
    service = MockService.replay(tmp_path / "tape")
    with pytest.raises(NotFound) as refused:
        edit(service, "put my mother into the picture")
    differs = f'/body/prompt is "put my mother into the picture", there "{PROMPT}".'
    assert str(refused.value).endswith(f"createEdit is not on the tape. The nearest is exchange 2; {differs}")
    other = service.handle(Request("GET", f"{API}/tasks/x", HEADERS[:1]))
    assert "getTask is not on the tape. The nearest is exchange 3; /path/id is" in other.json()["message"]
    assert 404 == service.handle(Request("GET", "https://nano-banana-edit.test/files/x.png")).status


@pytest.mark.parametrize(
    ("content", "changes", "differs"),
    [
        (True, {"prompt": "x" * 99}, f'/body/prompt is "{"x" * 59}…", there "{PROMPT}".'),
        (False, {"prompt": "x"}, "/body/prompt is sha256:2d711642…, there sha256:ba816d36…."),
        (True, {"image_urls": ["a", "b"]}, "/body/image_urls is an array of 2, there an array of 1."),
        (True, {"image_urls": ["a"]}, '/body/image_urls/0 is "a", there "https://a.example/b".'),
        (True, {"image_urls": {}}, "/body/image_urls is an object, there an array of 1."),
        (True, {"n": 1}, "/body/n is 1, there missing."),
    ],
)
def test_the_nearest_exchange(tmp_path, content, changes, differs):
    """The message names the difference: a place, and both values, of which a digest is as short as the other."""
    service = recorded(tmp_path / "tape", content=content)
    body = {"prompt": PROMPT, "image_urls": ["https://a.example/b"]}
    for prompt in (PROMPT, "other"):
        service.handle(
            Request(
                "POST",
                EDIT,
                HEADERS,
                json.dumps({**body, "prompt": prompt} | ({"n": True} if prompt == "other" else {})).encode(),
            )
        )
    refused = MockService.replay(tmp_path / "tape").handle(
        Request("POST", EDIT, HEADERS, json.dumps(body | changes).encode())
    )
    assert f"createEdit is not on the tape. The nearest is exchange 1; {differs}" == refused.json()["message"]
    refused = MockService.replay(tmp_path / "tape").handle(Request("GET", TASK, HEADERS[:1]))
    assert "getTask is not on the tape. None of its 2 exchanges is of this operation." == refused.json()["message"]


def test_polls_at_once_or_in_their_time(tmp_path):
    """Polls are played one after another, or as many seconds after the first one as they were."""
    clock = Clock()
    own = MockService(token=TOKEN, seconds=10, clock=clock)
    service = recorded(tmp_path / "tape", own, clock=clock)
    post = Request(
        "POST", EDIT, HEADERS, json.dumps({"prompt": PROMPT, "image_urls": ["https://a.example/b"]}).encode()
    )
    task_id = service.handle(post).json()["task_id"]
    poll = Request("GET", f"{API}/tasks/{task_id}", HEADERS[:1])
    for _ in range(4):
        service.handle(poll)
        clock.seconds += 5
    ids = [task_id, service.handle(post).json()["task_id"]]
    at_once = MockService.replay(tmp_path / "tape")
    told = [at_once.handle(poll).json()["status"] for _ in range(6)]
    assert ["pending", "processing", "completed", "completed", "completed", "completed"] == told
    timed = MockService.replay(tmp_path / "tape", timing=True, clock=Clock())
    told = []
    for _ in range(8):
        told.append(timed.handle(poll).json()["status"])
        timed.advance(2.5)
    assert ["pending"] * 2 + ["processing"] * 2 + ["completed"] * 4 == told
    assert ids == [timed.handle(post).json()["task_id"] for _ in ids]  # only polls have a time


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 502, "html": "<p>Bad Gateway</p>"},
        {"status_code": 204},
        {"status_code": 200, "content": b"\xe9", "headers": {"Content-Type": "text/plain; charset=latin-1"}},
    ],
)
def test_odd_answers_are_played_again(tmp_path, answer):
    """An answer without a body, or with another one than JSON, is played as it was."""
    upstream = httpx2.MockTransport(lambda request: httpx2.Response(**answer))
    service = recorded(tmp_path / "tape", upstream=upstream, content=True)
    poll = Request("GET", TASK, HEADERS[:1])
    told = service.handle(poll)
    again = MockService.replay(tmp_path / "tape").handle(poll)
    assert (told.status, told.body, told.header("Content-Type")) == (
        again.status,
        again.body,
        again.header("Content-Type"),
    )


def test_nothing_is_half_written(tmp_path, caplog):
    """A file that cannot be put in its place leaves no part of it."""
    service = recorded(tmp_path / "tape")
    (tmp_path / "tape" / "0001-getTask.json" / "x").mkdir(parents=True)
    service.handle(Request("GET", TASK, HEADERS[:1]))
    assert ["The tape ends before exchange 1"] == [record.getMessage().partition(":")[0] for record in caplog.records]
    assert ["0001-getTask.json"] == [file.name for file in (tmp_path / "tape").iterdir()]


def test_a_start_that_fails_leaves_nothing(tmp_path):
    """A recorder writes nothing before the first exchange, so that a corrected command may use the folder."""
    Recorder(str(tmp_path / "tape"), load())
    assert [] == [*(tmp_path / "tape").iterdir()]
    edit(recorded(tmp_path / "tape"))
    assert (tmp_path / "tape" / "tape.json").exists()


def test_two_recorders_in_one_folder(tmp_path, caplog):
    """The second of two recorders writes nothing, and says so."""
    first, second = (recorded(tmp_path / "tape", content=True) for _ in range(2))
    edit(first)
    before = files(tmp_path / "tape")
    second.handle(Request("GET", TASK, HEADERS[:1]))
    assert before == files(tmp_path / "tape")
    assert ["The tape ends before exchange 1"] == [record.getMessage().partition(":")[0] for record in caplog.records]


def test_a_full_disk(tmp_path, caplog):
    """A disk that is full ends the tape with one line; what is on it can be played."""
    service = recorded(tmp_path / "tape")
    poll = Request("GET", TASK, HEADERS[:1])
    service.handle(poll)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        assert [404, 404] == [service.handle(poll).status for _ in range(2)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("The tape ends before exchange 2: ")
    assert {"tape.json", "0001-getTask.json"} == {*files(tmp_path / "tape")}
    assert 404 == MockService.replay(tmp_path / "tape").handle(poll).status


def test_slow_answers(tmp_path):
    """Polls are played in the order in which they were sent, also if the answer to one came late."""
    edit(recorded(tmp_path / "tape"))
    polls = sorted((tmp_path / "tape").glob("*getTask*"))
    for place, file in zip((3.0, -1.0, 1.0), polls, strict=True):  # sent after the others, before all, and between
        file.write_text(json.dumps(json.loads(file.read_text()) | {"at": place}))
    task = json.loads(polls[0].read_text())["path"]["id"]
    service = MockService.replay(tmp_path / "tape")
    poll = Request("GET", f"{API}/tasks/{task}", HEADERS[:1])
    assert ["processing", "completed", "pending"] == [service.handle(poll).json()["status"] for _ in polls]


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    """A tape never mixes with what is there."""
    (tmp_path / "mine").write_text("x")
    with pytest.raises(ValueError, match="is not empty"):
        Recorder(tmp_path, load())
    assert ["mine"] == [file.name for file in tmp_path.iterdir()]


def test_a_folder_that_cannot_be_written(tmp_path):
    """A tape where a file stands is refused at the start."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match="cannot be written"):
        Recorder(tmp_path / "file" / "tape", load())


def test_a_tape_ends_when_the_folder_goes(tmp_path, caplog):
    """A folder that can no longer be written ends the tape with one line; requests pass on."""
    import shutil

    service = recorded(tmp_path / "tape")
    shutil.rmtree(tmp_path / "tape")
    for _ in range(2):
        assert 404 == service.handle(Request("GET", TASK, HEADERS[:1])).status
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("The tape ends before exchange 1: ")


def changed(change):
    """The shipped contract, changed."""
    import copy

    document = copy.deepcopy(dict(load().document))
    change(document)
    return parse(document)


def test_a_tape_is_held_to_the_document_of_today(tmp_path):
    """What the document allows now and did not, or reversed, is a list; an unchanged document has none."""
    edit(recorded(tmp_path / "tape"))
    tape = Tape.load(tmp_path / "tape")
    assert [] == [*tape.differences(load())]

    def stricter(document):
        document["info"]["title"] = "Other"
        document["components"]["schemas"]["EditAccepted"]["properties"]["task_id"]["maxLength"] = 3
        del document["paths"]["/api/upload/file"]

    title, upload, edited = tape.differences(changed(stricter))
    assert "The tape is of the document 'Nano Banana Edit'; this one is 'Other'." == title
    assert "Exchange 1, uploadFile: the document has no such operation." == upload
    assert edited.startswith("Exchange 2, createEdit: now wrong: task_id has 36 characters")


@pytest.mark.parametrize("content", [False, True])
def test_a_new_tape_has_no_differences(tmp_path, content):
    """An answer that is no text is judged alike when it is recorded and when the tape is read."""
    answer = httpx2.Response(200, content=b"\xff", headers={"Content-Type": "application/json"})
    service = recorded(tmp_path / "tape", content=content, upstream=httpx2.MockTransport(lambda _: answer))
    service.handle(Request("GET", TASK, HEADERS[:1]))
    assert [] == [*Tape.load(tmp_path / "tape").differences(load())]


def test_a_difference_is_a_warning(tmp_path):
    """A tape whose answers the document of today sees in another way is played with a warning each."""
    edit(recorded(tmp_path / "tape"))
    file = tmp_path / "tape" / "0002-createEdit.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"violations": ["once"]}))
    with pytest.warns(UserWarning, match=r"tape: Exchange 2, createEdit: now allowed: once$"):
        MockService.replay(tmp_path / "tape")


def test_a_service_that_was_wrong_may_become_right(tmp_path):
    """A violation that was recorded, and is none any more, is a difference as well."""
    wrong = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"id": "t", "status": 3, "eta": 1}))
    service = recorded(tmp_path / "tape", upstream=wrong)
    service.handle(Request("GET", TASK, HEADERS[:1]))
    tape = Tape.load(tmp_path / "tape")
    assert [] == [*tape.differences(load())]

    def looser(document):
        task = document["components"]["schemas"]["Task"]["properties"]
        task["status"]["type"], task["eta"] = "integer", {}

    assert [
        "Exchange 1, getTask: now allowed: status is 3; it must be a string.",
        "Exchange 1, getTask: now allowed: eta is not in the document.",
    ] == [*tape.differences(changed(looser))]
