"""Referees that nobody here wrote judge the mock by the same document."""

import copy

from nano_banana_edit_mock import Contract, load
from nano_banana_edit_mock.contract import parse

LIMITS = {constraint.id: constraint for constraint in load().constraints}


def with_limit(name: str, value: int) -> Contract:
    """The contract with another value for one constraint."""
    document = copy.deepcopy(dict(load().document))
    node = document
    *parents, keyword = LIMITS[name].pointer.split("/")[1:]
    for parent in parents:
        node = node[parent.replace("~1", "/")]
    node[keyword] = value
    return parse(document)
