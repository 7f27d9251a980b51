"""What the bundle starts with."""

import sys

from samdesk.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
