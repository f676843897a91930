"""The entry of ``python3 dev``: the standard library alone, and readable to a Python that is too old to go on."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

if sys.version_info < (3, 11):  # noqa: UP036 - this file alone may meet an older one
    sys.exit("renvault_web needs Python 3.11 or newer; this is Python {}.{}.".format(*sys.version_info))
if os.name != "posix":
    sys.exit("renvault_web is developed on Linux and macOS. On Windows, use its Linux subsystem (WSL).")
if not sys.flags.isolated:  # PYTHONPATH and the like are for other programs
    os.execv(sys.executable, [sys.executable, "-I", os.path.join(ROOT, "dev"), *sys.argv[1:]])  # noqa: S606
sys.path[0] = ROOT

from dev.cli import main  # noqa: E402 - it needs the path above

sys.exit(main(sys.argv[1:]))
