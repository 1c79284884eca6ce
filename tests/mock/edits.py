"""Edits of a document, by JSON pointers; a name in them may hold a slash, as ~1."""

import copy

from nano_banana_edit_mock.contract.census import resolve


def place(document, at):
    """Return what holds the place that a pointer leads to, and its name there."""
    above, _, name = at.rpartition("/")
    parent = resolve(document, above)
    return parent, int(name) if isinstance(parent, list) else name.replace("~1", "/")


def put(at, value):
    """Set what a pointer leads to."""

    def edit(document):
        parent, name = place(document, at)
        parent[name] = copy.deepcopy(value)

    return edit


def cut(at):
    """Remove what a pointer leads to."""

    def edit(document):
        parent, name = place(document, at)
        del parent[name]

    return edit


def change(at, value):
    """Set what a pointer leads to, to what a function makes of it."""
    return lambda document: put(at, value(resolve(document, at)))(document)


def move(at, to):
    """Move what a pointer leads to."""
    return lambda document: (put(to, resolve(document, at))(document), cut(at)(document))


def inline(at):
    """Write the schema that a `$ref` leads to in its place."""
    return lambda document: change(at, lambda node: resolve(document, node["$ref"][1:]))(document)


def both(*edits):
    """Make several edits."""
    return lambda document: [edit(document) for edit in edits]
