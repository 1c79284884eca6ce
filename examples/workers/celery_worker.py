"""Edit a batch on Celery. Settings are in `celeryconfig.py`, the ledger and the output folder in the environment.

celery -A celery_worker worker      on any number of machines
python celery_worker.py             hand out what is not done, at any time and as often as you like
"""

import asyncio
import os
from itertools import islice

from celery import Celery
from nano_banana_edit import AsyncNanoBananaEdit
from nano_banana_edit.batch import arun_keys, unfinished
from nano_banana_edit.ledger import Ledger

app = Celery("edits")
app.config_from_object("celeryconfig")


@app.task(name="edits.edit", acks_late=True)
def edit(keys: list[str]) -> None:
    """Edit the rows of some keys. What is done is not done again."""
    asyncio.run(_work(keys))


async def _work(keys: list[str]) -> None:
    with Ledger(os.environ["NANO_BANANA_EDIT_LEDGER"]) as ledger:
        async with AsyncNanoBananaEdit() as client:
            await arun_keys(ledger, client, keys, os.environ["OUTPUT"])


if __name__ == "__main__":
    with Ledger(os.environ["NANO_BANANA_EDIT_LEDGER"]) as ledger:
        keys = (row.key for row in unfinished(ledger))
        while chunk := list(islice(keys, 200)):
            edit.delay(chunk)
