"""`python -m suwen`: the command line."""

import sys

from suwen.cli.main import main

sys.exit(main())
