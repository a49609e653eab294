"""Runs a region in a process of its own and tells every step on standard output: `python -m tests.integration.run_on_spark FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.flow.region import open_region
from suwen.flow.run import run


def main() -> int:
    try:
        run(open_region(Path(sys.argv[1])), step=lambda what: print(what, flush=True))
    except SuwenError as error:
        print(error, file=sys.stderr)
        return 2
    print("published", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
