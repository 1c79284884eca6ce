"""Mistakes of an application: each line marked as wrong is one error, and no other line is."""

from typing import TextIO

import httpx
from nano_banana_edit import AsyncNanoBananaEdit, Edit, NanoBananaEdit, WaitTimeout
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_client.models import EditRequest
from nano_banana_edit_mock import MockService, Reply


def arguments(client: NanoBananaEdit, text: TextIO) -> None:
    client.edit("a.png", "p", image_size="1:2")  # wrong
    client.edit("a.png", "p", output_format="webp")  # wrong
    client.edit("a.png", "p", size="1:1")  # wrong
    client.edit("a.png")  # wrong
    client.edit(3, "p")  # wrong
    client.edit("a.png", "p", "1:1")  # wrong
    client.edit("a.png", "p", timeout="5")  # wrong
    client.edit({"a.png"}, "p")  # wrong
    client.edit(text, "p")  # wrong
    client.upload([b""])  # wrong
    client.submit("a.png", "p", stop_on=["paused"])  # wrong
    client.wait(3)  # wrong
    client.wait_for("t")  # wrong


def results(edit: Edit, error: WaitTimeout) -> None:
    edit.images[0].save()  # wrong
    edit.images[0].content.decode()  # wrong
    edit.images = ()  # wrong
    len(error.task_id)  # wrong


def clients() -> None:
    NanoBananaEdit("token")  # wrong
    NanoBananaEdit(http_client=httpx.Client())  # wrong
    AsyncNanoBananaEdit(http_client=httpx.Client())  # wrong
    NanoBananaEdit(ledger="ledger.db")  # wrong
    _ = AsyncNanoBananaEdit().edit("a.png", "p").images  # wrong


async def twin(client: AsyncNanoBananaEdit) -> None:
    edit = await client.edit("a.png", "p")
    _: bytes = edit.images[0].bytes()  # wrong


def others(ledger: Ledger, service: MockService) -> None:
    ledger.rows("done")  # wrong
    EditRequest("https://example.com/a.png", "p")  # wrong
    EditRequest(["https://example.com/a.png"])  # wrong
    service.script(["truncated"])  # wrong
    service.outage(2)  # wrong
    Reply("429")  # wrong
