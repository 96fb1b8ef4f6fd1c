"""What became of Matterport's way to use several GPUs."""

import pytest

from mrcnn.parallel_model import ParallelModel


def test_it_says_what_to_do_instead():
    with pytest.raises(NotImplementedError, match=r"one device.*as many as for 2 GPUs"):
        ParallelModel(None, 2)
