"""`python -m mobilezoo`: the command line."""

import sys

from mobilezoo.cli import main

if __name__ == "__main__":
    sys.exit(main())
