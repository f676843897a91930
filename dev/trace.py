"""Runs inside Pyodide, see ``pyodide.mjs``: finds out which modules of the standard library the product needs.

It imports whatever our package imports, at the top or in a function, and makes Python do once what makes it import by
itself: show a traceback, log an exception. What is in ``sys.modules`` then is what a page can come to need.
"""

import json
import sys


def main(argument: str) -> None:
    """Do ``imports`` (name and names from it) with ``package`` on the path; write what came from ``library``."""
    job = json.loads(argument)
    sys.path.insert(0, job["package"])
    for name, names in job["imports"]:
        __import__(name, fromlist=names)
    use()
    specs = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
    origins = [getattr(spec, "origin", None) for spec in specs]
    library = job["library"] + "/"
    found = {origin for origin in origins if isinstance(origin, str) and origin.startswith(library)}
    with open(job["target"], "w") as target:
        json.dump([origin.removeprefix(library) for origin in sorted(found)], target)


def use() -> None:
    """Do what imports on its own when it first happens."""
    import logging
    import traceback

    try:
        json.dumps(undefined_name)  # type: ignore[name-defined] # the error is what is wanted
    except NameError as error:
        traceback.format_exception(error)
        logging.Formatter().formatException(sys.exc_info())
