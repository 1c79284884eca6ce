"""docs/reference/command-line.md, as `make reference` writes it: every command, argument and option."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import typer
from nano_banana_edit.cli import app

_INTRODUCTION = """# Command line

The extra `cli` brings the command: `pip install 'nano-banana-edit[cli]'`. `nano-banana-edit --help` lists the commands,
and `nano-banana-edit COMMAND --help` the options of one. `make reference` makes this page from the commands.
"""
_PROGRAM = "nano-banana-edit"
_CODE = re.compile(r"(`[^`]*`)|--[a-z-]+|SINANCODE_[A-Z_]+")  # what is code already, and what is not yet


def page() -> str:
    """The page: the program, then each command with its arguments and options."""
    program: Any = typer.main.get_command(app)
    commands = [part for path, command in _commands(_PROGRAM, program) for part in _command(path, command)]
    return "\n".join([_INTRODUCTION, *commands])


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _commands(f"{path} {name}", inner)


def _command(path: str, command: Any) -> Iterator[str]:
    yield f"## {path}\n"
    if path == f"{_PROGRAM} mock":
        yield from _mock()
        return
    for paragraph in re.split(r"\n\s*\n", (command.help or "").strip()):
        yield f"{_marked(paragraph)}\n"
    parameters = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    if arguments := [parameter for parameter in parameters if parameter.param_type_name == "argument"]:
        yield "| argument | meaning |\n|---|---|"
        yield from (f"| `{_metavar(argument)}` | {_cell(argument.help)} |" for argument in arguments)
        yield ""
    if options := [parameter for parameter in parameters if parameter.param_type_name == "option"]:
        yield "| option | meaning | default |\n|---|---|---|"
        yield from map(_option, options)
        yield ""
    if inner := getattr(command, "commands", None):
        names = (f"[`{name}`](#{path.replace(' ', '-')}-{name})" for name, other in inner.items() if not other.hidden)
        yield f"Commands: {', '.join(names)}.\n"


def _option(option: Any) -> str:
    value = "" if option.is_flag else f" {_metavar(option)}"
    names = ", ".join(f"`{name}{value}`" for name in [*option.opts, *option.secondary_opts])
    shown = option.show_default and option.default not in (None, False, [], ())
    default = "required" if option.required else f"`{option.default}`" if shown else ""
    variable = f" Variable: `{option.envvar}`." if option.envvar else ""
    return f"| {names} | {_cell(option.help)}{variable} | {default} |"


def _metavar(parameter: Any) -> str:
    kind: str = parameter.type.name.removesuffix(" range")
    words = {"str": "TEXT", "float": "NUMBER", "integer": "NUMBER", "int": "NUMBER", "path": "PATH"}
    default = parameter.name.upper() if parameter.param_type_name == "argument" else words.get(kind, kind.upper())
    return (parameter.metavar or default).replace("|", " or ")


def _cell(text: str | None) -> str:
    return _marked(text or "").replace("|", "\\|")


def _marked(text: str) -> str:
    """Return a text in one line, with options and variables as code."""
    return _CODE.sub(lambda found: found[0] if found[1] else f"`{found[0]}`", " ".join(text.split()))


def _mock() -> Iterator[str]:
    """Yield what the help of the mock says, which argparse words a little differently in each version of Python."""
    command = [sys.executable, "-m", "nano_banana_edit_mock", "--help"]
    env = {**os.environ, "COLUMNS": "300", "NO_COLOR": "1"}
    said = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", check=True).stdout
    _, description, *_, epilog = re.split(r"\n\n+", said.strip())
    yield f"{description}\n"
    yield "| option | meaning |\n|---|---|"
    for name, meaning in re.findall(r"^  (--\S+(?: \S+)?) {2,}(.+)$", said, re.MULTILINE):
        yield f"| `{name}` | {_cell(meaning)} |"
    yield "\n| command instead of serving | meaning |\n|---|---|"
    for name, meaning in re.findall(r"^    (\w+) {2,}(.+)$", said, re.MULTILINE):
        yield f"| `{name}` | {_cell(meaning)} |"
    yield f"\n{epilog}\n"
