"""`python -m flopscope` is the command line."""

import os
import sys

if sys.path[:1] in ([""], [os.getcwd()]):
    # -m puts the working directory first, where a file random.py would hide Python's own from us
    sys.path.append(sys.path.pop(0))

from flopscope.cli import main

sys.exit(main())
