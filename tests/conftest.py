"""What every test gets. Fixtures of one kind live beside what they start, in a plugin module named here."""

from importlib.util import find_spec

pytest_plugins = ["tests.servers.fixtures", "tests.cluster.fixtures"] if find_spec("tests.servers") else []
