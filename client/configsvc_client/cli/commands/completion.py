"""Print the completion script for a shell.

\b
bash  echo 'source <(configsvc completion bash)' >> ~/.bashrc
zsh   echo 'source <(configsvc completion zsh)' >> ~/.zshrc
fish  configsvc completion fish > ~/.config/fish/completions/configsvc.fish
"""  # noqa: D301  # \b keeps click from joining the lines

from __future__ import annotations

import click

from configsvc_client.cli.output import terminal

_RUN = "_CONFIGSVC_COMPLETE"


@click.command(help=__doc__)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(shell: str) -> None:
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:  # click knows all three
        raise click.UsageError(f"No completion for {shell}.")
    group = click.get_current_context().find_root().command
    terminal.write_raw(found(group, {}, "configsvc", _RUN).source().encode() + b"\n")
