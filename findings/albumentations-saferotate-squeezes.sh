#!/usr/bin/env bash
# A picture of 96 x 128 pixels with a disc in it, turned by Albumentations' SafeRotate, which turns without cutting
# anything off.
# One expects the disc to stay a disc: a rotation, and a smaller scale at most.
# Albumentations 2.0.8 turns the picture on a canvas that holds it and then squeezes that canvas to 96 x 128 again,
# height and width each by its own factor. At 90 degrees a disc of 41 x 41 pixels becomes 31 high and 55 wide.
# Rotate keeps the disc. Every angle gives another squeeze, so the network learns shapes that do not occur.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet 'albumentations==2.0.8' 'opencv-python-headless==5.0.0.93' 'numpy==2.4.6'
cd "$tmp"
export NO_ALBUMENTATIONS_UPDATE=1
venv/bin/python - <<'PY'
import sys
import albumentations
import numpy as np

print("Albumentations", albumentations.__version__)
y, x = np.mgrid[:96, :128]
disc = ((y - 48) ** 2 + (x - 64) ** 2 <= 20**2).astype(np.uint8)
picture = np.repeat(disc[..., None] * 255, 3, -1)
seen = {}
for name in ("Rotate", "SafeRotate"):
    for angle in (30, 90):
        transform = albumentations.Compose([getattr(albumentations, name)((angle, angle), p=1)])
        result = transform(image=picture, mask=disc)
        seen[name, angle] = (int(result["mask"].any(1).sum()), int(result["mask"].any(0).sum()))
        print(f"{name}, {angle} degrees: disc %d high, %d wide" % seen[name, angle], "picture", result["image"].shape[:2])
print("before: disc", disc.any(1).sum(), "high,", disc.any(0).sum(), "wide")
stated = {("Rotate", 30): (40, 41), ("Rotate", 90): (41, 41), ("SafeRotate", 30): (27, 32), ("SafeRotate", 90): (31, 55)}
if any(abs(a - b) > 1 for key in stated for a, b in zip(seen[key], stated[key])):
    sys.exit(f"The behaviour has changed: stated was {stated}")
print("As stated: the disc is squeezed.")
PY
