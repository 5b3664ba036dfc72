"""In the runtime this is `eightbells/__init__`: it brings along, and runs, what is imported before the spawn.

The command waits for that, and one file is found and read faster than a dozen. What comes later is imported as ever.
"""

import sys
from marshal import loads

HOME = __file__.rpartition("/")[0]

EARLY = b""
"""Names and codes, in the order in which an import would be done with them: filled in by tools/runtime/compiler.py."""

for name, code in loads(EARLY):  # noqa: S302  # our own
    module = sys.modules[name] = type(sys)(name)
    parent, _, child = name.rpartition(".")
    if name == "eightbells.wrapper":
        module.__path__ = [f"{HOME}/{child}"]
    setattr(sys.modules[parent], child, module)
    exec(code, module.__dict__)  # noqa: S102

del EARLY, code  # nobody needs them any more, and they are as large as all that they became
