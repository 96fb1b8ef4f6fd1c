"""COCO files that are cut at any byte, or have any field missing or of another type."""

import json
import random

import pytest

from tests.data.readers.coco_sets import content, write
from tests.data.readers.mutations import mutated, tried


def test_files_that_are_cut_anywhere(tmp_path):
    file = write(tmp_path)
    data = json.dumps(content()).encode()
    for length in range(0, len(data), 23):
        assert tried(file, data[:length]) != "read"


@pytest.mark.parametrize("seed", range(100))
def test_damaged_files_are_read_or_refused_by_name(tmp_path, seed):
    tried(write(tmp_path), mutated(content(), random.Random(seed)))
