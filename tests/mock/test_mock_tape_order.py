"""A tape is played in any order: the same photo is the same, however often it was uploaded."""

import json
from functools import partial

import httpx2
import pytest
import yaml
from nano_banana_edit import APIStatusError, NanoBananaEdit
from nano_banana_edit_mock import MockService, Request, mock_transport

from .test_mock_compare import interactions
from .test_mock_tape import EDIT, FILES, HEADERS, PHOTO, TOKEN, recorded


def edits(service, *calls):
    """The ids of edits: of each its photos, and its prompt."""
    with httpx2.Client(transport=mock_transport(service)) as http:
        client = NanoBananaEdit(token=TOKEN, poll_interval=0, http_client=http)
        return [client.submit(photos, prompt).task_id for photos, prompt in calls]


@pytest.mark.parametrize("content", [False, True])
def test_a_photo_is_the_same_in_any_order(tmp_path, content):
    """Edits of one photo are played in another order, or some of them, and with the photo twice."""
    other = ("other.png", PHOTO[1] + b"!")
    calls = [(PHOTO, "snow"), (PHOTO, "rain"), ([PHOTO, other, PHOTO], "fog"), (other, "snow")]
    ids = edits(recorded(tmp_path / "tape", content=content), *calls)
    for order in ([3, 2, 1, 0], [2], [1, 3], [0, 1, 2, 3]):
        assert [ids[each] for each in order] == edits(
            MockService.replay(tmp_path / "tape"), *(calls[each] for each in order)
        )


def test_an_upload_with_one_url(tmp_path):
    """Uploads of one photo are the same also if their answers have only the URL that a client needs."""
    service, names = MockService(token=TOKEN), iter("ab")

    def upstream(request):
        response = mock_transport(service).handle_request(request)
        if "/upload/" in request.url.path:
            response = httpx2.Response(200, json={"url": f"https://f.example/{next(names)}.png"})
        return response

    calls = [(PHOTO, "snow"), (PHOTO, "rain")]
    ids = edits(recorded(tmp_path / "tape", upstream=httpx2.MockTransport(upstream)), *calls)
    assert ids[::-1] == edits(MockService.replay(tmp_path / "tape"), *calls[::-1])


@pytest.mark.filterwarnings("ignore:.*now wrong")  # what the uploads answer has only their URLs
@pytest.mark.parametrize("body", [None, "", "filtered"])
def test_photos_that_are_not_known(tmp_path, body):
    """Uploads whose bodies a cassette does not have are of any photos: their URLs stay as many."""
    urls = ("https://f.example/cat.png", "https://f.example/dog.png")
    own, edit = MockService(), partial(Request, "POST", EDIT, HEADERS)
    posts = [edit(json.dumps({"image_urls": [url], "prompt": "p"}).encode()) for url in urls]
    written = [*interactions(*posts)]
    for url in urls:
        upload = {"method": "POST", "uri": f"{FILES}/api/upload/file", "body": body, "headers": {}}
        answer = {"status": {"code": 200, "message": ""}, "headers": {}, "body": {"string": json.dumps({"url": url})}}
        written.insert(0, {"request": upload, "response": answer})
    (tmp_path / "cassette.yaml").write_text(yaml.dump({"interactions": written, "version": 1}))
    told = [own.handle(post).json()["task_id"] for post in posts]
    replay = MockService.replay(tmp_path / "cassette.yaml")
    assert told[::-1] == [replay.handle(post).json()["task_id"] for post in posts[::-1]]


def test_an_error_makes_no_photos_the_same(tmp_path):
    """A URL in refusals of two photos is no upload, so that they stay two."""
    service, refused = MockService(token=TOKEN), [413, 413]

    def upstream(request):
        response = mock_transport(service).handle_request(request)
        if "/upload/" in request.url.path and refused:
            response = httpx2.Response(refused.pop(), json={"url": "https://docs.example/limits"})
        return response

    proxy = recorded(tmp_path / "tape", upstream=httpx2.MockTransport(upstream))
    calls = [(PHOTO, "snow"), ((PHOTO[0], PHOTO[1] + b"!"), "snow")]
    for call in calls:
        with pytest.raises(APIStatusError):
            edits(proxy, call)
    ids = edits(proxy, *calls)
    replay = MockService.replay(tmp_path / "tape")
    for call in calls:
        with pytest.raises(APIStatusError):
            edits(replay, call)
    assert ids[::-1] == edits(replay, *calls[::-1])
