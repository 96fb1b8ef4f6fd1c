"""What became of Matterport's way to use several GPUs."""

import pytest

from mrcnn.parallel_model import ParallelModel


def test_it_says_what_to_do_instead():
    said = r"one device\. Leave it out; a batch has IMAGES_PER_GPU \* GPU_COUNT images"
    with pytest.raises(NotImplementedError, match=f"{said}, as many as for 2 GPUs"):
        ParallelModel(None, 2)
