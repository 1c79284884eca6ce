"""Edit a batch on Ray: `python ray_worker.py`. Run it again to go on."""

import asyncio
import os
from itertools import islice

import ray
from nano_banana_edit import AsyncNanoBananaEdit
from nano_banana_edit.batch import arun_keys, unfinished
from nano_banana_edit.ledger import Ledger


@ray.remote(num_cpus=0.5, max_retries=3)  # Ray runs the chunk of a dead worker again
def edit(keys: list[str]) -> None:
    """Edit the rows of some keys. What is done is not done again."""
    asyncio.run(_work(keys))


async def _work(keys: list[str]) -> None:
    with Ledger(os.environ["NANO_BANANA_EDIT_LEDGER"]) as ledger:
        async with AsyncNanoBananaEdit() as client:
            await arun_keys(ledger, client, keys, os.environ["OUTPUT"])


if __name__ == "__main__":
    ray.init()
    with Ledger(os.environ["NANO_BANANA_EDIT_LEDGER"]) as ledger:
        keys = (row.key for row in unfinished(ledger))
        ray.get([edit.remote(chunk) for chunk in iter(lambda: list(islice(keys, 200)), [])])
