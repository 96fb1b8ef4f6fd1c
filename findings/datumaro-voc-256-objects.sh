#!/usr/bin/env bash
# Datumaro writes one picture with 300 objects as Pascal VOC segmentation, and reads it again.
# One expects 300 objects, or an error: the format has eight bits for the number of an object, and 255 is no object.
# Datumaro 1.13.12 does neither. Numbers wrap at 256 without a word: fewer objects come back than were written, and some
# of them are two that lie apart, as whoever converts nuclei or cells finds out later.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'datumaro==1.13.12' 'numpy==2.4.6' 'opencv-python-headless==4.14.0.94' \
  'pandas==2.3.3' 'pillow==12.3.0' 'pyarrow==25.0.1' 'pycocotools==2.0.11'
cd "$tmp"
venv/bin/python - <<'PY' 2> errors.txt || { tail -5 errors.txt >&2; exit 1; }
import sys
from importlib.metadata import version

import datumaro as dm
import numpy as np

print("Datumaro", version("datumaro"))
masks = np.kron(np.eye(300, dtype=bool).reshape(300, 15, 20), np.ones((3, 3), bool))
seen = {}
for count in (250, 300):
    objects = [dm.Mask(masks[i], label=0, id=i, group=i) for i in range(count)]
    picture = dm.Image.from_numpy(data=np.zeros((45, 60, 3), np.uint8))
    item = dm.DatasetItem("a", subset="train", media=picture, annotations=objects)
    folder = f"voc{count}"
    dm.Dataset.from_iterable([item], categories=["cell"]).export(
        folder, "voc_segmentation", save_media=True, label_map="source"
    )
    (back,) = dm.Dataset.import_from(folder, "voc_segmentation")
    areas = [int(one.image.sum()) for one in back.annotations]
    seen[count] = len(areas), max(areas)
    print(f"{count} objects of 9 pixels written, {len(areas)} read, the largest of {max(areas)} pixels")
if seen[250] != (250, 9) or not (seen[300][0] < 300 and seen[300][1] > 9):
    sys.exit("The behaviour has changed.")
print("As stated: beyond 255, objects are lost and joined.")
PY
