"""Edits of the shipped document, the version bump that follows, what a change says, and the reason.

An edit is a function, or two: the first one makes the old version. Names in the reasons are those of oasdiff's checks.
"""

from .edits import both, change, cut, inline, move, put

REQUEST = "/components/schemas/EditRequest"
ACCEPTED, TASK = "/components/schemas/EditAccepted", "/components/schemas/Task"
MESSAGE = "/components/schemas/Error/properties/message"
SCHEMES = "/components/securitySchemes"
TASKS = "/paths/~1tasks~1{id}"
CREATE, GET, UPLOAD = "/paths/~1generate~1k~1nano-banana-edit/post", f"{TASKS}/get", "/paths/~1api~1upload~1file"
FILE = f"{UPLOAD}/post/requestBody/content/multipart~1form-data/schema/properties/file"
BODY, ANSWER, ANSWERS = f"{CREATE}/requestBody", f"{CREATE}/responses/200", f"{GET}/responses"
FORMAT = "#/components/schemas/OutputFormat"
ERROR = {"$ref": "#/components/responses/Error"}


def secure(*ways):
    """Let getTask demand one of some ways to authorize."""
    return put(f"{GET}/security", [{name: [] for name in way} for way in ways])


def answer(schema=None, **more):
    """Return a response with a JSON body."""
    return {"description": "", "content": {"application/json": {} if schema is None else {"schema": schema}}, **more}


def header(**header):
    """Give the response to createEdit a header."""
    return put(f"{ANSWER}/headers", {"X-Id": header})


def template(document):
    """Rename the parameter of a path."""
    move(TASKS, "/paths/~1tasks~1{task}")(document)
    put("/paths/~1tasks~1{task}/get/parameters/0/name", "task")(document)


def scheme(document):
    """Rename the scheme of the token."""
    move(f"{SCHEMES}/bearer", f"{SCHEMES}/token")(document)
    for at in (CREATE, GET, f"{UPLOAD}/post"):
        put(f"{at}/security", [{"token": []}])(document)


SAME_ERROR = answer({"$ref": "#/components/schemas/Error"})
OTHER_ERROR = answer({"type": "object", "properties": {"detail": {"type": "string"}}})
NEW_PATH = {"get": {"operationId": "look", "responses": {"200": {"description": ""}}}}
STRING, NUMBER = {"type": "string"}, {"type": "integer"}
LATIN = "application~1json; charset=latin1"

OPERATIONS = [
    (cut(TASKS), "major", "breaks   getTask is gone", "api-path-removed-without-deprecation"),
    (put("/paths/~1new", NEW_PATH), "minor", "adds     look is new", "endpoint-added"),
    (move(GET, f"{TASKS}/put"), "major", "breaks   getTask is no longer at GET https", "api-removed: another method"),
    (move(TASKS, "/paths/~1task~1{id}"), "major", "adds     getTask is at GET .*/task/{} now", "another path"),
    (template, "patch", None, "the name of a path parameter does not travel"),
    (put(f"{GET}/operationId", "poll"), "patch", None, "api-operation-id-changed: the name does not travel"),
    (put(f"{GET}/tags", ["other"]), "patch", None, "api-tag-added: tags do not travel"),
    (put(f"{GET}/deprecated", True), "patch", None, "endpoint-deprecated: it still works"),
    (put(f"{GET}/description", "Other."), "patch", None, "a description"),
    (put("/components/schemas/Unused", {}), "patch", None, "nothing refers to it"),
    (put("/info/title", "Other"), "patch", None, "a title"),
    (put("/info/version", "7.0.0"), "none", None, "the version itself"),
    (
        change("/servers", lambda old: [*old, {"url": "https://eu.test/v1"}]),
        "minor",
        "adds .* at GET https://eu",
        "more",
    ),
    (put("/servers/0/url", "https://api.sinancode.com:443/v%31"), "patch", None, "the same URL, written otherwise"),
    (move(TASKS, "/paths/~1t%61sks~1{id}"), "patch", None, "the same path, written otherwise"),
    (put("/webhooks", {"done": {}}), "minor", "adds     webhooks.done is new", "webhook-added"),
    ((put("/webhooks", {"done": {}}), put("/info/title", "Other")), "patch", None, "the same webhook"),
    ((put("/webhooks", {"done": {}}), cut("/webhooks")), "major", "breaks   webhooks.done is gone", "webhook-removed"),
    (
        (put(f"{CREATE}/callbacks", {"done": {}}), put(f"{CREATE}/callbacks", {"done": {"x": {}}})),
        "major",
        "breaks   createEdit.callbacks.done is another one",
        "a callback that changed is not understood",
    ),
    (put("/servers/0/url", "https://eu.test/v1"), "major", "breaks .* no longer at GET https://api", "another server"),
    (
        put("/servers/0/url", "https://API.sinancode.com/v1/"),
        "patch",
        None,
        "hosts have no case, and a / is not doubled",
    ),
    (put(f"{UPLOAD}/servers/0/url", "http://files-api.sinancode.com"), "major", "uploadFile is no longer at", "no TLS"),
    (
        both(put("/servers/0/url", "https://api.sinancode.com"), move(TASKS, "/paths/~1v1~1tasks~1{id}")),
        "major",
        "^(?!.*getTask).*$",
        "getTask keeps its URL, createEdit does not",
    ),
]
TOKENS = [
    (
        (put("/security", [{"bearer": []}]), put(f"{GET}/security", [])),
        "minor",
        "loosens  getTask.security accepts a request without a token, too",
        "an operation's own security counts, even if it is empty",
    ),
    (secure(["bearer"], ["second"]), "minor", "loosens  getTask.security accepts second, too", "api-security-added"),
    (
        (secure(["bearer"], ["second"]), secure(["second"])),
        "major",
        "tightens getTask.security no longer accepts bearer",
        "api-security-removed",
    ),
    (put("/security", [{"bearer": []}]), "patch", None, "each operation says it itself"),
    (both(put("/security", [{"bearer": []}]), cut(f"{GET}/security")), "patch", None, "said for all operations"),
    ((put(f"{GET}/security", []), cut(f"{GET}/security")), "patch", None, "neither demands a token"),
    (put(f"{GET}/security", []), "minor", "loosens  getTask.security accepts a request without a token", "no token"),
    (
        secure(["bearer"], []),
        "minor",
        "loosens  getTask.security accepts a request without a token",
        "an optional token",
    ),
    ((secure([]), secure(["bearer"])), "major", "tightens .* no longer accepts a request without", "it is needed now"),
    (
        (put(f"{GET}/security", []), secure(["bearer"])),
        "major",
        "tightens .* no longer accepts a request without",
        "it is needed now",
    ),
    (
        (secure(["bearer"], []), secure(["bearer"])),
        "major",
        "tightens .* no longer accepts a request without",
        "it is needed now",
    ),
    ((put(f"{GET}/security", []), secure([])), "patch", None, "two ways to demand nothing"),
    ((secure([]), secure([], ["bearer"])), "patch", None, "a token was accepted where none is needed"),
    (secure(["bearer", "second"]), "major", "no longer accepts bearer", "two tokens at once"),
    (put(f"{GET}/security", [{"bearer": ["edit"]}]), "major", "no longer accepts bearer", "api-security-scope-added"),
    (
        (put(f"{GET}/security", [{"bearer": ["edit"]}]), secure(["bearer"])),
        "minor",
        "loosens  getTask.security accepts bearer, too",
        "api-security-scope-removed",
    ),
    (scheme, "patch", None, "the name of a scheme does not travel"),
    (put(f"{SCHEMES}/bearer/description", "Other."), "patch", None, "a description"),
]
BODIES = [
    (cut(BODY), "major", "breaks   createEdit.requestBody is no longer documented", "request-body-removed"),
    (
        (cut(BODY), put(BODY, {"content": answer({})["content"]})),
        "minor",
        "adds .*requestBody is new$",
        "-added-optional",
    ),
    (
        (cut(BODY), put(BODY, {"required": True, "content": answer(STRING)["content"]})),
        "major",
        "breaks   createEdit.requestBody is new, required",
        "request-body-added-required",
    ),
    (
        put(f"{BODY}/required", False),
        "minor",
        "loosens  createEdit.requestBody is no longer required",
        "became-optional",
    ),
    (
        (cut(f"{BODY}/required"), put(f"{BODY}/required", True)),
        "major",
        "tightens createEdit.requestBody is required now",
        "request-body-became-required",
    ),
    (
        move(f"{BODY}/content/application~1json", f"{BODY}/content/multipart~1form-data"),
        "major",
        "breaks   createEdit has another media type: multipart/form-data, not application/json",
        "request-body-media-type-removed",
    ),
    (inline(f"{BODY}/content/application~1json/schema"), "patch", None, "the schema is written in its place"),
    (put(f"{REQUEST}/properties/output_format", {"$ref": FORMAT}), "patch", None, "all of one schema is that schema"),
    (
        both(move(BODY, "/components/requestBodies"), put(BODY, {"$ref": "#/components/requestBodies"})),
        "patch",
        None,
        "the body is put under a name",
    ),
    (
        both(
            move(REQUEST, "/components/schemas/Wish"),
            put(f"{BODY}/content/application~1json/schema/$ref", "#/components/schemas/Wish"),
        ),
        "patch",
        None,
        "the name of a schema does not travel",
    ),
    (
        change(f"{FORMAT[1:]}/enum", lambda old: ["webp", *old]),
        "minor",
        'loosens  EditRequest.output_format.enum has "webp", too',
        "enum-value-added, behind a reference",
    ),
    (
        put(f"{REQUEST}/properties/image_size/default", "auto"),
        "major",
        'breaks   EditRequest.image_size.default is "auto", not "1:1"',
        "default-value-changed: the same request makes another image",
    ),
    (
        put(f"{FILE}/maxLength", 9),
        "major",
        "tightens FileUpload.file.maxLength is 9",
        "max-length-decreased, in a form",
    ),
    (
        cut(f"{FILE}/format"),
        "major",
        'breaks   FileUpload.file.format is gone: it was "binary"',
        "a text is not a file",
    ),
]
RESPONSES = [
    (
        cut(f"{CREATE}/responses/200"),
        "major",
        "breaks   createEdit 200 is no longer documented",
        "success-status-removed",
    ),
    (put(f"{CREATE}/responses/202", answer(STRING)), "minor", "adds     createEdit 202 is new", "success-status-added"),
    (put(f"{ANSWERS}/404", ERROR), "minor", "adds     getTask 404 is new", "non-success-status-added"),
    (put(f"{ANSWERS}/404", {"description": ""}), "minor", "adds     getTask 404 is new", "it says nothing of the body"),
    (
        put(f"{ANSWERS}/404", OTHER_ERROR),
        "major",
        "breaks .* 404 application/json.message is no longer",
        "was the default",
    ),
    ((put(f"{ANSWERS}/404", SAME_ERROR), cut(f"{ANSWERS}/404")), "patch", None, "the default has the same body"),
    (
        (put(f"{ANSWERS}/404", OTHER_ERROR), cut(f"{ANSWERS}/404")),
        "major",
        "404 application/json.detail",
        "another body",
    ),
    ((put(f"{ANSWERS}/404", SAME_ERROR), move(f"{ANSWERS}/404", f"{ANSWERS}/4XX")), "minor", "4XX is new", "its range"),
    (cut(f"{ANSWERS}/default"), "major", "breaks   getTask default is no longer documented", "default removed"),
    (
        (both(cut(f"{ANSWERS}/default"), put(f"{ANSWERS}/4XX", ERROR)), move(f"{ANSWERS}/4XX", f"{ANSWERS}/404")),
        "minor",
        "adds     getTask 404 is new",
        "one status of the range is left",
    ),
    (
        both(put(f"{ANSWERS}/4XX", ERROR), put(f"{ANSWERS}/5XX", ERROR), cut(f"{ANSWERS}/default")),
        "minor",
        "5XX is",
        "",
    ),
    (both(put(f"{ANSWERS}/4XX", ERROR), cut(f"{ANSWERS}/default")), "major", "breaks   getTask default is", "no 5XX"),
    ((put(f"{ANSWERS}/x-note", "text"), cut(f"{ANSWERS}/x-note")), "patch", None, "extensions"),
    (put(f"{ANSWERS}/default", SAME_ERROR), "patch", None, "the response is written in its place"),
    (
        both(put("/components/responses/Again", ERROR), put(f"{ANSWERS}/default/$ref", "#/components/responses/Again")),
        "patch",
        None,
        "a reference to a reference",
    ),
    (
        (
            both(put("/components/responses/A", ERROR), put(f"{ANSWERS}/default/$ref", "#/components/responses/A")),
            cut(MESSAGE),
        ),
        "major",
        "breaks   getTask default application/json.message is no longer documented",
        "optional-property-removed, behind two references",
    ),
    (
        move(f"{ANSWER}/content/application~1json", f"{ANSWER}/content/text~1json"),
        "major",
        "breaks   createEdit 200 application/json is no longer documented",
        "media-type-removed",
    ),
    (put(f"{ANSWER}/content/text~1csv", {}), "minor", "adds     createEdit 200 text/csv is new", "media-type-added"),
    (
        move(f"{ANSWER}/content/application~1json", f"{ANSWER}/content/Application~1JSON; charset=utf-8"),
        "patch",
        None,
        "media types have no case, and JSON no other charset",
    ),
    (
        move(f"{ANSWER}/content/application~1json", f"{ANSWER}/content/application~1*"),
        "major",
        "breaks   createEdit 200 application/json is no longer documented",
        "media-type-name-generalized",
    ),
    (
        (
            move(f"{ANSWER}/content/application~1json", f"{ANSWER}/content/application~1*"),
            move(f"{ANSWER}/content/application~1*", f"{ANSWER}/content/application~1json"),
        ),
        "minor",
        "adds     createEdit 200 application/json is new",
        "media-type-name-specialized",
    ),
    (
        cut(f"{ANSWER}/content/application~1json/schema"),
        "major",
        "breaks .*json.type has array, .*, too",
        "any value now",
    ),
    (
        (cut(f"{ANSWER}/content/application~1json/schema"), put(f"{ANSWER}/content/application~1json/schema", STRING)),
        "minor",
        "adds     createEdit 200 application/json.type has no array",
        "it had any value",
    ),
    (inline(f"{ANSWER}/content/application~1json/schema"), "patch", None, "the schema is written in its place"),
    (
        cut(f"{TASK}/properties/id"),
        "major",
        "^breaks   getTask 200 application/json.id is no longer documented$",
        "still required",
    ),
    (put(f"{ANSWER}/links", {}), "patch", None, "links do not travel"),
    (put(f"{TASK}/required", ["id"]), "major", "breaks .*json.status is no longer required", "became-optional"),
    (put(f"{TASK}/properties/cost", {}), "minor", "adds .*json.cost is new, not required", "new-optional-property"),
    (cut(f"{TASK}/properties/result"), "major", "breaks .*json.result is no longer documented", "optional-removed"),
    (
        put(f"{TASK}/properties/status/type", "integer"),
        "major",
        "breaks .*json.status.type has integer",
        "type-changed",
    ),
    (
        change(f"{TASK}/properties/result/items/anyOf", lambda old: [*old, NUMBER]),
        "major",
        "breaks   getTask 200 application/json.result.items.type has integer, too",
        "any-of-added",
    ),
    (change(f"{TASK}/properties/result/items/anyOf", lambda old: old[::-1]), "patch", None, "the order says nothing"),
    (
        cut(f"{TASK}/properties/result/items/anyOf/0"),
        "minor",
        "adds     getTask 200 application/json.result.items.type has no string any more",
        "any-of-removed",
    ),
    (cut("/components/schemas/TaskFile/properties/url"), "major", "breaks .*result.items.url is no longer", "in anyOf"),
    (header(schema=STRING), "minor", "adds     createEdit 200 header X-Id is new", "response-header-added"),
    (
        (header(schema=STRING), cut(f"{ANSWER}/headers")),
        "major",
        "breaks .* header X-Id is no longer",
        "header-removed",
    ),
    ((header(required=True), header()), "major", "breaks .*X-Id is no longer required", "header-became-optional"),
    ((header(), header(required=True)), "minor", "adds .*X-Id is required now", "header-became-required"),
    ((header(schema=STRING), header(schema=NUMBER)), "major", "breaks .*header X-Id.type has integer, too", "its type"),
    (
        (header(content=answer(STRING)["content"]), header(content=answer(NUMBER)["content"])),
        "major",
        "X-Id app",
        "type",
    ),
    (
        (header(schema=STRING), move(f"{ANSWER}/headers/X-Id", f"{ANSWER}/headers/x-id")),
        "patch",
        None,
        "names: no case",
    ),
    (
        (
            header(schema=STRING),
            both(put("/components/headers", {"A": {"schema": STRING}}), header(**{"$ref": "#/components/headers/A"})),
        ),
        "patch",
        None,
        "the header is put under a name",
    ),
]
