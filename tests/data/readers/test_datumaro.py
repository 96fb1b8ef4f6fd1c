"""Sets that Datumaro writes, an independent tool; of YOLO it writes boxes only."""

import numpy as np
import pytest

from mrcnn.data.readers import cvat, voc
from tests.data.readers import written

dm = pytest.importorskip("datumaro")


def items(kind):
    """Yield the small set as Datumaro has it, in two splits."""
    for split in ("train", "val"):
        for name, drawn in written.SET.items():
            shapes = []
            for i, (label, points) in enumerate(drawn, start=1):
                where = {"label": written.NAMES.index(label), "id": i, "group": i}
                flat = [float(number) for point in points for number in point]
                shape = dm.Polygon(flat, **where)
                if kind == "mask":
                    shape = dm.Mask(written.mask(points), **where)
                shapes.append(shape)
            pixels = np.full((*written.SIZE, 3), 50, np.uint8)
            picture = dm.Image.from_numpy(data=pixels)
            yield dm.DatasetItem(
                id=f"{split}-{name}", subset=split, media=picture, annotations=shapes
            )


@pytest.mark.parametrize(
    ("name", "kind", "reader", "options"),
    [
        ("cvat", "polygon", cvat, {}),
        ("cvat", "mask", cvat, {}),
        ("voc_segmentation", "mask", voc, {"label_map": "source"}),
    ],
)
def test_what_datumaro_writes_is_read(tmp_path, name, kind, reader, options):
    dataset = dm.Dataset.from_iterable(
        list(items(kind)), categories=list(written.NAMES)
    )
    dataset.export(str(tmp_path), name, save_media=True, **options)
    assert reader.fits(tmp_path)
    for split in ("train", "val"):
        found = written.objects(reader.read(tmp_path, split))
        for stem, drawn in written.SET.items():
            for (label, pixels), (wanted, points) in zip(
                found[f"{split}-{stem}"], drawn, strict=True
            ):
                assert label == wanted
                np.testing.assert_array_equal(pixels, written.mask(points))
