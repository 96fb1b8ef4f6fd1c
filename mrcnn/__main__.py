"""`python -m mrcnn`: see `mrcnn.commands`."""

import sys

from mrcnn.commands import main

if __name__ == "__main__":
    sys.exit(main())
