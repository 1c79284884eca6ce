"""Answers are held to the document."""

import copy
from time import process_time

import pytest
from nano_banana_edit_mock import load
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.engine.answer_referee import AnswerReferee, AnswerVerdict
from nano_banana_edit_mock.engine.records import Response

from .answer_table import ANSWERS, EDIT, FILE, STATUSES, TASK, Answer

REFEREE = AnswerReferee(load())


def judge(row: Answer, contract=None) -> AnswerVerdict:
    """The verdict on a row, by the shipped document or another one."""
    contract = contract or load()
    operation = next(operation for operation in contract.operations if operation.id == row.operation)
    headers = [] if row.content_type is None else [("Content-Type", row.content_type)]
    return AnswerReferee(contract).judge(operation, Response(row.status, headers, row.body))


def changed(responses):
    """The contract with other responses to createEdit."""
    document = copy.deepcopy(dict(load().document))
    document["paths"]["/generate/k/nano-banana-edit"]["post"]["responses"] = responses
    return parse(document)


def wrong(verdict: AnswerVerdict) -> list[str]:
    return [f"{one.keyword} {one.pointer or (one.field or '')}" for one in verdict.violations]


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: row.name)
def test_verdict(row: Answer):
    """Each answer of the table has the violations and the undeclared properties that it deserves."""
    verdict = judge(row)
    assert [*row.wrong] == wrong(verdict)
    assert row.undeclared == verdict.undeclared


@pytest.mark.parametrize("row", STATUSES, ids=lambda row: row.name)
def test_status(row: Answer):
    """A status that the document does not have, nor a range or default for it, is a violation that names the known."""
    strict = changed({"200": {"description": "ok"}, "5XX": {"description": "no"}, "x-more": {}})
    verdict = judge(row, strict)
    if row.status >= 500:
        assert ["content "] == wrong(verdict)  # of a response without content
    else:
        assert [*row.wrong] == wrong(verdict)
        assert f"The status is {row.status}; documented are: 200, 5XX." == verdict.violations[0].message


def test_the_table_is_large_enough():
    """The table has at least sixty wrong answers."""
    assert len([row for row in [*ANSWERS, *STATUSES] if row.wrong]) >= 60


@pytest.mark.parametrize(
    ("media_types", "given", "body", "keywords"),
    [
        ({"application/*": {"schema": {"type": "object"}}}, "application/json", b"[]", ["type "]),
        ({"*/*": {}}, "text/html", b"x", []),
        ({"text/plain": {"schema": {"maxLength": 2}}}, "text/plain; charset=latin-1", b"\xfc\xfc", []),
        ({"text/plain": {"schema": {"maxLength": 2}}}, "text/plain", b"abc", ["maxLength "]),
        ({"text/plain": {"schema": {"maxLength": 2}}}, "text/plain", b"\xfc", ["content "]),
        ({"text/plain": {"schema": {"maxLength": 2}}}, "text/plain; charset=none", b"a", ["content "]),
        ({"image/png": {"schema": {"maxLength": 2}}}, "image/png", b"abc", []),
        (
            {"application/problem+json": {"schema": {"required": ["type"]}}},
            "application/problem+json",
            b"{}",
            ["required /type"],
        ),
        ({"application/json": {"schema": {"oneOf": [{"type": "string"}, {}]}}}, "application/json", b'"x"', ["oneOf "]),
        ({"application/json": {"schema": False}}, "application/json", b"1", ["schema "]),
    ],
)
def test_other_documents(media_types, given, body, keywords):
    """Ranges, texts, files and all keywords of JSON Schema hold in answers."""
    contract = changed({"200": {"description": "ok", "content": media_types}})
    row = Answer(name="", content_type=given, body=body)
    assert keywords == wrong(judge(row, contract))


@pytest.mark.parametrize("status", [204, 304])
def test_no_body(status):
    """Where HTTP has no body, none is expected, and none is allowed."""
    assert [] == wrong(judge(Answer(name="", status=status, body=b"", content_type=None)))
    assert ["content "] == wrong(judge(Answer(name="", status=status, body=EDIT)))


def test_head():
    """The answer to HEAD has no body to look at."""
    operation = next(operation for operation in load().operations if operation.id == "getTask")
    assert REFEREE.judge(operation, Response(200), method="HEAD") == AnswerVerdict()


@pytest.mark.parametrize(
    ("schema", "undeclared"),
    [
        ({"type": "object"}, ()),
        ({"properties": {"a": True}}, ("b",)),
        ({"properties": {"a": True}, "additionalProperties": {"type": "integer"}}, ()),
        ({"properties": {"a": True}, "patternProperties": {"b": {}}}, ()),
        ({"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, ()),
        ({"anyOf": [{"$ref": "#/components/schemas/EditAccepted"}, {"properties": {"a": {}}}]}, ("b",)),
        ({"properties": {"a": {"$ref": "#/components/schemas/Error"}, "b": {"type": "integer"}}}, ()),
        ({"anyOf": [{"$ref": "#/components/schemas/Error"}, {"$ref": "#/components/schemas/Error"}]}, ("a", "b")),
        ({"if": {"properties": {"a": {"const": 1}}}, "then": {"properties": {"b": {}}}}, ()),
    ],
)
def test_declared(schema, undeclared):
    """A property is declared by any schema that an object is held to; where none names any, all are free."""
    contract = changed({"200": {"description": "", "content": {"application/json": {"schema": schema}}}})
    assert undeclared == judge(Answer(name="", body={"a": 1, "b": 2}), contract).undeclared


def test_many_values():
    """What the schemas of an answer name is found once, and not again for each of ten thousand values."""
    began = process_time()
    verdict = judge(Answer(name="", operation="getTask", body=TASK | {"result": [FILE] * 10_000}))
    assert verdict == AnswerVerdict()
    assert process_time() - began < 1
