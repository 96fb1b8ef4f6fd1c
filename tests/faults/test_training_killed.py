"""A training that is killed comes out as if it never was: `kills.py` in short."""

import pytest

from tests.faults.kills import campaign


@pytest.mark.slow
def test_two_kills_at_files(tmp_path):
    assert set(campaign(2, 2, tmp_path)) == {""}
