"""The command `python -m mrcnn`, or `mrcnn` where the package is installed.

Each module has one command: `add` describes its arguments, `run` calls functions of the
package and returns the exit code. TensorFlow is loaded by `run` alone, so that help and
wrong arguments are answered at once. Exit codes: 0 done; 1 done, and faults were found;
2 wrong arguments or input, told in one message; 130 stopped by Ctrl-C.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import NoReturn

import mrcnn
from mrcnn.commands import (
    backbone,
    check,
    convert,
    detect,
    evaluate,
    export,
    prune,
    train,
)

COMMANDS = {
    "check": check,
    "train": train,
    "evaluate": evaluate,
    "detect": detect,
    "prune": prune,
    "export": export,
    "convert": convert,
    "backbone": backbone,
}
FOUND_FAULTS, WRONG_INPUT, STOPPED = 1, 2, 130
"""Exit codes other than 0."""
TOLD = (
    *(OSError, ValueError, TypeError, ArithmeticError),
    *(ImportError, MemoryError, RuntimeError),
)
"""Errors that the package raises of input and surroundings; others are faults of its
own, and are shown whole."""
EPILOG = """\
from a data set of your own to pictures with masks:
  mrcnn check mydata
  mrcnn train mydata --out run
  mrcnn detect run new_pictures --out found

DATA is what annotation tools write: COCO JSON, VIA, LabelMe, YOLO segmentation, Pascal
VOC, CVAT for images, or folders of masks. mrcnn COMMAND --help shows examples. Without
installing, write `python -m mrcnn` in place of `mrcnn`.

exit codes: 0 done; 1 done, and faults found; 2 wrong arguments or input; 130 stopped
"""


class _Parser(argparse.ArgumentParser):
    """Tells errors in one line, as `main` does."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG_INPUT, f"mrcnn: error: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """Return what reads the arguments of all commands."""
    layout = argparse.RawDescriptionHelpFormatter
    made = _Parser(
        prog="mrcnn",
        description="Find, classify and outline objects in pictures: Mask R-CNN.",
        epilog=EPILOG,
        formatter_class=layout,
    )
    version = f"mrcnn {mrcnn.__version__}"
    made.add_argument("--version", action="version", version=version)
    commands = made.add_subparsers(metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        summary, _, example = module.__doc__.partition("\n\n")
        one = commands.add_parser(
            name,
            help=summary[0].lower() + summary[1:].rstrip("."),
            description=summary,
            epilog=f"{example.strip()}\n",
            formatter_class=layout,
        )
        module.add(one)
        one.set_defaults(run=module.run, stopped=getattr(module, "STOPPED", "Stopped."))
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        arguments: those of the command line by default.

    Raises:
        SystemExit: by help, and by wrong arguments.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if not arguments:
        parser().print_help()
        return 0
    args = parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name must not end a training
        sys.stdout.reconfigure(errors="backslashreplace")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it raises what matters
    os.environ["MPLBACKEND"] = "agg"  # figures go to files
    args.stdout = sys.stdout
    # JSON on standard output stands alone there.
    told = sys.stderr if getattr(args, "json", None) == "-" else sys.stdout
    try:
        with redirect_stdout(told):
            code = args.run(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # who read the output has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return STOPPED
    except KeyboardInterrupt:
        print(f"\nmrcnn: {args.stopped}", file=sys.stderr)
        return STOPPED
    except TOLD as error:
        print(f"mrcnn: error: {str(error) or type(error).__name__}", file=sys.stderr)
        return WRONG_INPUT
