"""Write a trained model for other programs: ONNX, LiteRT, or a SavedModel.

examples:
  mrcnn export run --out model.onnx
  mrcnn export run --out model.tflite
  mrcnn export run --to saved_model --out model_folder

The page "Your own images" says what such a model takes and returns. ONNX needs
`pip install tf2onnx onnx`.
"""

import argparse

from mrcnn.commands.shared import add_run, positive


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_run(parser)
    parser.add_argument(
        "--to",
        choices=("onnx", "litert", "saved_model"),
        help="by default what the ending of FILE says: .onnx, .tflite, or none",
    )
    parser.add_argument("--out", metavar="FILE", required=True, help="to write")
    parser.add_argument(
        "--size",
        type=positive,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="of the padded images that it takes; by default those of the training",
    )


def run(args: argparse.Namespace) -> int:
    """Export."""
    from mrcnn import model_folder

    model = model_folder.read(args.model, weights=args.weights).model
    model.export(args.out, args.to, image_shape=args.size and tuple(args.size))
    print(f"Written: {args.out}")
    return 0
