"""The command line, run in this process."""

from __future__ import annotations

from typing import Any

from nano_banana_edit import cli
from typer.testing import CliRunner, Result

from ..test_public import ROOT

PHOTO = str(ROOT / "examples/valley.jpg")


def run(*arguments: object, **options: Any) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments], **options)
