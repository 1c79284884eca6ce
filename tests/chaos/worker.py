"""A process that works on the batch until nothing is open: `python -m tests.chaos.worker SETTINGS`, which is JSON."""

from __future__ import annotations

import asyncio
import json
import sys

from nano_banana_edit import AsyncNanoBananaEdit
from nano_banana_edit.batch import Batch, Limits
from nano_banana_edit.ledger import Ledger

from .plan import IN_FLIGHT


async def main(url: str, location: str, keys: list[str], output: str, lease: float) -> None:
    """Edit every row that is not done. The prompt is the key, by which the service counts."""
    rows = [{"key": key, "image": "https://example.com/photo.png", "prompt": key} for key in keys]
    options = {"name": "chaos", "limits": Limits(in_flight=IN_FLIGHT)}
    with Ledger(location, lease=lease) as ledger:
        async with AsyncNanoBananaEdit(token="any", base_url=f"{url}/v1", poll_interval=0.2) as client:
            await Batch(rows, output, ledger=ledger, client=client, **options).arun()


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
