"""The image of the mock: what its file copies is enough to serve, and what it pins is what the tests run with."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from nano_banana_edit_mock import MockService

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "mock_server/Dockerfile").read_text().replace("\\\n", " ").splitlines()
LAST = LINES[max(at for at, line in enumerate(LINES) if line.startswith("FROM ")) :]  # of its stages


def said(instruction: str) -> list[str]:
    """The arguments of an instruction in the last stage, one of each time that it stands there."""
    return [line.removeprefix(f"{instruction} ").strip() for line in LAST if line.startswith(f"{instruction} ")]


@pytest.mark.server
def test_what_is_copied_serves(tmp_path):
    """The files of the image serve as its user finds them, its health check is satisfied, and it ends when asked to."""
    for copied in said("COPY"):
        if not copied.startswith("--from"):
            source, target = copied.split()
            place = tmp_path / target.removeprefix("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(ROOT / source, place) if (ROOT / source).is_dir() else shutil.copy(ROOT / source, place)
    (environment,) = said("ENV")
    values = dict(pair.split("=", 1) for pair in environment.split())
    (entry,), (health,) = map(json.loads, said("ENTRYPOINT")), [said("HEALTHCHECK")[0].partition("CMD ")[2]]
    command = [sys.executable, *entry[1:], "--host", "127.0.0.1", "--port", "0"]
    there = os.environ | {"PYTHONPATH": f"{tmp_path}{values['PYTHONPATH']}"}
    process = subprocess.Popen(command, cwd=tmp_path, env=there, stdout=subprocess.PIPE, text=True)
    try:
        port = json.loads(process.stdout.readline())["port"]
        check = [part.replace("4010", str(port)) for part in json.loads(health)]
        subprocess.run([sys.executable, *check[1:]], check=True, env=os.environ | {"http_proxy": "http://127.0.0.1:1"})
        probe = "import nano_banana_edit_mock; print(nano_banana_edit_mock.__file__)"
        found = subprocess.run([sys.executable, "-c", probe], env=there, check=True, capture_output=True, text=True)
        assert str(tmp_path) in found.stdout
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert 0 == process.returncode


def test_it_is_nobody():
    """The image runs as a user that is none of the system's, and what is built in the first stage stays there."""
    (user,) = said("USER")
    assert min(map(int, user.split(":"))) > 1_000
    assert 2 == sum(line.startswith("FROM ") for line in LINES)


def pinned(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / file).read_text(), re.MULTILINE))


def test_it_has_what_the_tests_run_with():
    """Each package of the image is pinned to the version of the lock, and all that the mock needs is among them."""
    image, tested = pinned("mock_server/requirements.lock"), pinned("requirements.lock")
    assert {} == {name: version for name, version in image.items() if tested.get(name) != version}
    project = (ROOT / "pyproject.toml").read_text()
    extra = re.search(r"^mock = \[\n(.*?)^\]", project, re.MULTILINE | re.DOTALL)[1]
    assert {*re.findall(r'"([\w-]+)', extra)} <= image.keys()


def test_the_examples():
    """The script of the example is one that can happen, and the services find it, each other and no other host."""
    service = MockService()
    service.script(ROOT / "examples/script.yaml")
    with pytest.raises(AssertionError, match="used 0 of"):
        service.assert_all_scripted_used()
    services = yaml.safe_load((ROOT / "examples/compose.yaml").read_text())["services"]
    assert {ROOT / "mock_server/Dockerfile"} == {
        (ROOT / "examples" / build["context"] / build["dockerfile"]).resolve() for build in [services["mock"]["build"]]
    }
    (volume,) = services["mock"]["volumes"]
    assert (ROOT / "examples" / volume.split(":")[0]).is_file()
    assert ["--script", volume.split(":")[1]] == services["mock"]["command"]
    environment = services["application"]["environment"]
    assert {"http://mock:4010"} == {value for name, value in environment.items() if name.endswith("_URL")}
