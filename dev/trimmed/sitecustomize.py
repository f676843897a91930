"""Lies in the trimmed standard library, where Python imports it at start: a module that was left out says so."""

import sys


class LeftOut:
    """The last finder: whoever gets here asks for what is not there."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Raise for a module of the standard library; any other is truly unknown."""
        if name.partition(".")[0] in sys.stdlib_module_names:
            raise ModuleNotFoundError(
                f"{name} is not in runtime/stdlib.zip, which holds what renvault_web needs of Python's standard "
                "library. All of it is in runtime/stdlib-full.zip: give that as stdLibURL."
            )


sys.meta_path.append(LeftOut)
