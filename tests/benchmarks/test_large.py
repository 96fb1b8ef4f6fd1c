"""What measures a large picture, tried on one of a quarter of a megapixel."""

from mrcnn.benchmarks import large


def test_a_picture_has_the_size_asked_for():
    assert large.picture(1.08).shape == (900, 1200, 3)
    assert large.picture(1e-6).shape == (1, 1, 3)
    assert large.picture(1.08).std() > 10  # it shows something


def test_a_row_says_what_was_done():
    row = large.run(0.27, tile=256, overlap=64, batch_size=2)
    assert row["shape"] == (450, 600, 3)
    assert row["tiles"] == 3 * 3 and row["detections"] > 100
    assert 0 < row["memory_before_mb"] <= row["peak_memory_mb"] < 4000
