"""``python -m tfedge``: the command line, as the program ``tfedge`` has it."""

import sys

from tfedge.cli import main

if __name__ == "__main__":
    sys.exit(main())
