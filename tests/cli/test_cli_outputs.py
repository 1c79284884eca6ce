"""Where results go: nothing is lost that was there, every path is told, and a program can read what happened."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from nano_banana_edit_mock import MockService, Outcome, Reply, Request

from .running import PHOTO, run
from .test_cli_results import URL, given, submitted


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a photo."""
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(b"\x89PNG\r\n\x1a\nmine")


@pytest.mark.parametrize("command", ["edit", "wait"])
def test_nothing_is_replaced(service: MockService, command: str) -> None:
    """A file that exists is refused before anything is sent, and replaced with --force."""
    Path("out.png").write_bytes(b"mine")
    subject = [URL, "p"] if command == "edit" else [submitted()]
    before = service.calls
    result = run(command, *subject, "-o", "out.png")
    line = "Error: --output out.png exists; choose another name, or use --force.\n"
    assert (2, line, b"mine", before) == (
        result.exit_code,
        result.stderr,
        Path("out.png").read_bytes(),
        service.calls,
    )
    assert (0, "out.png\n") == ((done := run(command, *subject, "-o", "out.png", "--force")).exit_code, done.stdout)
    assert Path("out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["photo.png", "link.png", "hard.png", "./photo.png"])
def test_an_input_is_never_replaced(service: MockService, name: str) -> None:
    """An image is not replaced by its edit, whatever name it is called by, and with --force neither."""
    Path("link.png").symlink_to("photo.png")
    Path("hard.png").hardlink_to("photo.png")
    result = run("edit", "photo.png", "p", "-o", name, "--force")
    assert (2, ()) == (result.exit_code, service.calls)
    assert f"--output {name} is a file that the command uses, and never replaces; choose another name." in result.stderr


def test_further_results_replace_no_input(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --force too, a further result whose name an image or a folder has gets a number that is free."""
    Path("out-2.png").write_bytes(b"mine")
    Path("out-3.png").mkdir()
    handle = service.handle

    def twice(request: Request) -> object:
        response = handle(request)
        if "/tasks/" not in request.url:
            return response
        task = response.json()
        return Reply(200, body={**task, "result": task["result"] * 2}).response()

    monkeypatch.setattr(service, "handle", twice)
    result = run("edit", URL, "p", "-o", "out.png", "--force")
    assert (0, ["out.png", "out-4.png"]) == (result.exit_code, result.stdout.split()), result.stderr
    assert b"mine" == Path("out-2.png").read_bytes()


def test_a_link_that_leads_nowhere(service: MockService) -> None:
    """A link is a name that is taken; with --force, the file that it leads to is written."""
    Path("out.png").symlink_to("real.png")
    result = run("edit", URL, "p", "-o", "out.png")
    assert (2, True, ()) == (result.exit_code, "out.png exists; choose another" in result.stderr, service.calls)
    assert "out.png\n" == run("edit", URL, "p", "-o", "out.png", "--force").stdout
    assert (True, True) == (Path("out.png").is_symlink(), Path("real.png").read_bytes().startswith(b"\x89PNG"))


def test_a_folder_of_the_name_of_a_result(service: MockService) -> None:
    """With --force too, a paid result is saved beside a folder that has its name."""
    given(service, "jpeg")
    Path("out/photo.jpg").mkdir(parents=True)
    result = run("edit", "photo.png", "p", "-o", "out/", "--force")
    assert (0, f"{Path('out/photo-2.jpg')}\n") == (result.exit_code, result.stdout), result.stderr


@pytest.mark.parametrize("folder", [".", "there", "new/deep/", "there/"])
def test_a_folder(service: MockService, folder: str) -> None:
    """In a folder, which is made if it ends in a slash, a result is named after the image, and replaces nothing."""
    Path("there").mkdir()
    names = [run("edit", "photo.png", "p", "-o", folder).stdout.strip() for _ in range(2)]
    first = 2 if folder == "." else 1
    expected = [f"photo{f'-{number}' if number > 1 else ''}.png" for number in (first, first + 1)]
    assert [str(Path(folder, name)) for name in expected] == names
    assert Path("photo.png").read_bytes().endswith(b"mine")


def test_a_folder_with_force(service: MockService) -> None:
    """With --force a result in a folder replaces the one of before, but not the image."""
    for folder, names in (("out/", ["photo.png"] * 2), (".", ["photo-2.png", "photo-3.png"])):
        made = [run("edit", "photo.png", "p", "-o", folder, "--force").stdout.strip() for _ in range(2)]
        assert [str(Path(folder, name)) for name in names] == made
    assert Path("photo.png").read_bytes().endswith(b"mine")


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("https://images.test/a%20b/c%2Fd.x.png?q=/e.png", "d.x.png"),
        ("https://images.test/", "image.png"),
        ("https://images.test/..%00%1b", "image.png"),
        ("data:image/png;base64,iVBORw0KGgo=", "image.png"),
    ],
)
def test_names_after_urls(service: MockService, image: str, name: str) -> None:
    """A result in a folder is named after the last part of an image's URL, if that has a name, and stays in there."""
    given(service, "png")
    result = run("edit", image, "p", "-o", "out/")
    assert (0, str(Path("out", name))) == (result.exit_code, result.stdout.strip()), result.stderr


def test_names_after_tasks(service: MockService) -> None:
    """What `wait` writes into a folder is named after the task."""
    task_id = submitted()
    assert f"{Path('out', task_id)}.png\n" == run("wait", task_id, "-o", "out/").stdout


@pytest.mark.parametrize(("output", "problem"), [("photo.png/", "is in a folder that is a file"), ("", "is empty")])
def test_bad_folders(service: MockService, output: str, problem: str) -> None:
    """A folder that cannot be made is refused before anything is sent."""
    result = run("edit", "photo.png", "p", "-o", output)
    assert (2, True, ()) == (result.exit_code, problem in result.stderr, service.calls), result.stderr


def test_a_refused_edit_makes_no_folder(service: MockService) -> None:
    """A folder is made when there is something to write into it."""
    assert 2 == run("edit", "photo.png", "", "-o", "out/").exit_code
    assert not Path("out").exists()


def test_a_file_that_came_meanwhile(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that another program has written since the check is not replaced, and the paid result is not lost."""
    handle = service.handle

    def racing(request: object) -> object:
        Path("out.png").write_bytes(b"mine")
        return handle(request)

    monkeypatch.setattr(service, "handle", racing)
    result = run("edit", URL, "p", "-o", "out.png")
    assert (0, "out-2.png\n", b"mine") == (result.exit_code, result.stdout, Path("out.png").read_bytes())
    assert "Warning: out.png exists, and is not replaced." in result.stderr


def test_json(service: MockService) -> None:
    """With --json standard output is one object, with all that a program wants to know of an edit."""
    for command in (["edit", URL, "p"], ["wait", submitted()]):
        result = run(*command, "-o", f"{command[0]}.png", "--json", "-q")
        facts = json.loads(result.stdout)
        (image,) = facts.pop("images")
        number = 0 if command[0] == "wait" else 1
        assert {"task_id": service.edits[number].task_id, "status": "completed"} == facts
        assert (f"{command[0]}.png", "image/png") == (image["path"], image["media_type"])
        assert image["url"].startswith("https://")
        assert "" == result.stderr


@pytest.mark.parametrize("command", ["submit", "status"])
def test_json_of_tasks(service: MockService, command: str) -> None:
    """With --json `submit` and `status` print an object with the task."""
    service.next(Outcome(status="failed", error_msg="Not that."))
    task_id = submitted()
    facts = json.loads(run(*([command, URL, "p"] if command == "submit" else [command, task_id]), "--json").stdout)
    if command == "submit":
        assert {"task_id": service.edits[1].task_id, "status": None} == facts
    else:
        assert {"task_id": task_id, "status": "failed", "reason": "Not that.", "urls": []} == facts


def test_json_of_an_error(service: MockService) -> None:
    """With --json an error is an object too, with the task if there is one, beside the line for people."""
    service.next(Outcome(status="sleeping"))
    result = run("edit", URL, "p", "-o", "out.png", "--timeout", "0.2", "--json")
    facts = json.loads(result.stdout)
    assert (5, service.edits[0].task_id, "sleeping") == (result.exit_code, facts["task_id"], facts["status"])
    assert f"Error: {facts['error']}" == result.stderr.splitlines()[-1]
    refused = json.loads(run("edit", URL, "", "-o", "out.png", "--json").stdout)
    assert (None, True) == (refused["task_id"], refused["error"].startswith("prompt has 0 characters"))


def test_json_of_a_result_that_cannot_be_had(service: MockService) -> None:
    """If a download fails, the object has the URLs of the results all the same."""
    service.on("getResult", Reply(status=403), times=None)
    facts = json.loads(run("edit", URL, "p", "-o", "out.png", "--json").stdout)
    assert [None] == [image["path"] for image in facts["images"]]
    assert facts["images"][0]["url"].startswith("https://")
    assert "wait" in facts["error"]


@pytest.mark.parametrize("option", ["-q", "--quiet"])
def test_quiet(service: MockService, option: str) -> None:
    """With --quiet nothing but the path is written."""
    result = run("edit", PHOTO, "p", "-o", "out.png", option)
    assert (0, "out.png\n", "") == (result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize("option", ["--json", "--open"])
def test_an_image_on_standard_output_is_alone(service: MockService, option: str) -> None:
    """With `-o -` nothing else may be asked for that would be written there, or opened."""
    result = run("edit", URL, "p", "-o", "-", option)
    assert (2, f"Error: {option} cannot be used with --output -; name a file.\n") == (result.exit_code, result.stderr)
    assert () == service.calls


def test_what_goes_on_has_the_same_options(service: MockService) -> None:
    """The command that goes on has what it needs: the file, --force and the token's file."""
    Path("token").write_text("any-token", "utf-8")
    service.next(Outcome(status="sleeping"))
    result = run("edit", URL, "p", "-o", "photo.png", "--force", "--token-file", "token", "--timeout", "0.1")
    command = f"nano-banana-edit wait {service.edits[0].task_id} -o photo.png --force --token-file token"
    assert result.stderr.strip().endswith(f"To go on: {command}"), result.stderr


def test_no_time_limit(service: MockService) -> None:
    """`--timeout 0` is no limit."""
    service.next(Outcome(polls=2))
    result = run("edit", URL, "p", "-o", "out.png", "--timeout", "0")
    assert 0 == result.exit_code, result.stderr


@pytest.mark.server
def test_mock_knows_the_task_that_it_submits() -> None:
    """With --mock, `wait` and `status` know the task that `submit` prints; of any other they say that it is none."""
    task_id = run("submit", PHOTO, "p", "--mock").stdout.strip()
    assert (0, "pending\n") == ((seen := run("status", task_id, "--mock")).exit_code, seen.stdout)
    assert "out.png\n" == run("wait", task_id, "-o", "out.png", "--mock").stdout
    assert re.search(r"^Error: .* is not a task\.$", run("status", "other", "--mock").stderr)
    assert run("upload", PHOTO, "--mock").stdout.startswith("http://127.0.0.1:")
