"""A few rounds of chaos, with few edits."""

from pathlib import Path

import pytest

from ..database import Server
from .plan import Plan
from .round import play


@pytest.mark.server
@pytest.mark.parametrize("seed", [5, 10, 19])
def test_nothing_is_lost_and_nothing_is_paid_twice(postgresql_server: Server, tmp_path: Path, seed: int) -> None:
    """Whatever breaks, each accepted edit is in the ledger and is the only one of its key; files are whole."""
    result = play(Plan.of(seed, most=24), tmp_path / "round", postgresql_server)
    assert result.happened
    assert not result.verdict.complaints
