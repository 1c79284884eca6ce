"""Forms: what the service makes of the parts of an upload."""

import pytest
from nano_banana_edit_mock import MockService
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.engine.referee import ENVELOPE

SNOW = "\N{SNOWMAN}"
FILE = 'name="file"; filename="a.png"'


@pytest.mark.parametrize(
    ("status", "parts"),
    [
        (200, [(FILE, b"abc")]),
        (200, [(FILE, b"")]),
        (200, [(FILE, b"\r\n--frontie\r\n--front" * 3)]),
        (200, [('name="note"', b"\xff"), (FILE, b"abc"), ('name="note"', b"again")]),
        (200, [("name=file; filename=a", b"abc")]),
        (200, [('name="file"; filename=""', b"abc")]),
        (400, []),
        (400, [('name="other"; filename="a.png"', b"abc")]),
        (400, [('name="file"', b"abc")]),
        (400, [(FILE, b"abc"), (FILE, b"abc")]),
        (400, [(FILE, b"abc"), ('name="file"', b"abc")]),
        (400, [('filename="a.png"', b"abc")]),
    ],
)
def test_parts(send, form, status, parts):
    """Exactly one file part of the documented name is accepted, among any others."""
    assert status == send("uploadFile", form(*parts)).status


@pytest.mark.parametrize(
    ("status", "content_type"),
    [
        (200, "multipart/form-data; boundary=frontier"),
        (200, 'MULTIPART/Form-Data; x=y; boundary="frontier"'),
        (400, "multipart/form-data"),
        (400, "multipart/form-data; boundary="),
        (400, "multipart/form-data; boundary=other"),
        (400, f"multipart/form-data; boundary={'x' * 1000}"),
        (400, f"multipart/form-data; boundary={SNOW}"),
        (415, "application/json"),
        (415, "multipart/mixed; boundary=frontier"),
    ],
)
def test_boundaries(send, status, content_type):
    """A form is read with the boundary that its header names."""
    assert status == send("uploadFile", Content_Type=content_type).status


def test_broken_forms(send, form):
    """A form cut off anywhere, or with a part that is none, is refused and never an error of the mock."""
    whole = form((FILE, b"abc")).removesuffix(b"--\r\n")
    assert {400} == {send("uploadFile", whole[:end]).status for end in range(len(whole))}
    for preamble in (b"", b"preamble", b"--front", b" "):  # which is ignored (RFC 2046, section 5.1.1)
        assert 200 == send("uploadFile", preamble + b"\r\n" + form((FILE, b"abc"))).status
        other = send("uploadFile", preamble + form((FILE, b"abc")), Content_Type="multipart/form-data; boundary=other")
        assert other.json()["message"].startswith("The body does not have the boundary that its Content-Type names.")
    cut = form((FILE, b"abc"), ('name="note"', b"")).removesuffix(b"\r\n--frontier--\r\n")
    assert send("uploadFile", cut).json()["message"].startswith("The body is cut off")
    for bad in (b"form-data; x=y", b"attachment; name=file; filename=a", b"", b":::"):
        body = b"--frontier\r\nContent-Disposition: " + bad + b"\r\n\r\nabc\r\n--frontier--\r\n"
        assert 400 == send("uploadFile", body).status


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([(FILE, b"abc"), (FILE, b"abc")], "file is given twice; use one part."),
        ([('name="file"', b"abc")], "file has no file name; it must be a file."),
        (
            [("name=\"file\"; filename*=utf-8''%C3%A9.png", b"abc")],
            "file has filename*, which a form does not have (RFC 7578, section 4.2). Use filename.",
        ),
    ],
)
def test_culprit_of_a_form(send, service, form, parts, message):
    """A file that is there twice or no file is named, as a property of the body."""
    assert message == send("uploadFile", form(*parts)).json()["message"]
    (violation,) = service.calls[-1].violations
    assert ("file", "/file", "content") == (violation.field, violation.pointer, violation.keyword)


def test_no_body_at_all(send, service):
    """A body that must be there and is not breaks what says so."""
    send("createEdit", b"")
    (violation,) = service.calls[-1].violations
    assert ("required", "The body is missing; it is required.") == (
        violation.keyword,
        violation.message,
    )


def test_small_file(send, document, form):
    """A file that is too small is refused like any value, as 413 is for those that are too large."""
    schema = document["paths"]["/api/upload/file"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    schema["properties"]["file"]["minLength"] = 2
    service = MockService(contract=parse(document))
    assert [400, 200] == [send("uploadFile", form((FILE, content)), to=service).status for content in (b"1", b"12")]


def test_names_that_are_no_utf8(send, service, form):
    """Bytes that are no text in a name are replaced, not refused."""
    odd = form(('name="\N{SNOWMAN}"', b""), ('name="file"; filename="\N{SNOWMAN}"', b"abc"))
    assert 200 == send("uploadFile", odd.replace("\N{SNOWMAN}".encode(), b"\xff")).status
    assert "\N{REPLACEMENT CHARACTER}" == service.uploads[0].filename


def test_repeated_boundary_in_the_content(send, service, form):
    """A file that contains its own boundary is refused or cut, as the form then says."""
    send("uploadFile", form((FILE, b"abc\r\n--frontier--\r\ndef")))
    assert b"abc" == service.uploads[0].body


def test_upload_size(send, service, document, form):
    """A file is measured in octets, by the limit of the document."""
    schema = document["paths"]["/api/upload/file"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    schema["properties"]["file"]["maxLength"] = 4
    service = MockService(contract=parse(document))
    assert 200 == send("uploadFile", form((FILE, b"\xff" * 4)), to=service).status
    response = send("uploadFile", form((FILE, b"\xff" * 5)), to=service)
    assert 413 == response.status
    assert "file has 5 bytes; the maximum is 4." == response.json()["message"]
    assert 4 + ENVELOPE == service.max_body
    assert 400 == send("uploadFile", b"x" * service.max_body, to=service).status
    response = send("uploadFile", b"x" * (service.max_body + 1), to=service)
    assert (413, "payload_too_large") == (response.status, response.json()["error_code"])
