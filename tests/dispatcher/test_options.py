"""What an installation decides is said by options of the commands, too."""

from typing import Any

import click
from click.testing import CliRunner
from eightbells.dispatcher.commands.options import cluster_options, installation_options, settings_of
from eightbells.dispatcher.dispatch import SecretKey
from eightbells.dispatcher.settings import Settings


def read(*words: str) -> Settings:
    """The settings that a command makes of the words."""
    found = list[Settings]()

    @click.command
    @cluster_options
    @installation_options
    def command(**options: Any) -> None:
        found.append(settings_of(options))

    ran = CliRunner().invoke(command, words, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return found[0]


def test_settings_without_a_word_are_the_defaults() -> None:
    """An option that nobody gives changes nothing."""
    assert read() == Settings(cluster="default")


def test_options_are_settings() -> None:
    """Each ends where its name says."""
    words = "--bus-secret bus:address --bus-ca-secret bus:ca --runtime-image r:1 --runtime-pull-secret a"
    assert read(*words.split(), "--require-digest", "--keep-evidence") == Settings(
        cluster="default",
        bus_secret=SecretKey("bus", "address"),
        bus_ca_secret=SecretKey("bus", "ca"),
        runtime_image="r:1",
        runtime_pull_secrets=("a",),
        require_digest=True,
        keep_evidence=True,
    )
