"""``escalation schema``: what a kind of file may say, for editors."""

from __future__ import annotations

import click


@click.command()
@click.argument("kind")
@click.option("-o", "--json", "output", type=click.Path(), help="Write it to this file.")
def schema(kind: str, output: str | None) -> None:
    """Print the JSON Schema of a KIND of file.

    KIND is study, actors, flashpoint, structure, pact or premise. A first line
    ``# yaml-language-server: $schema=FILE`` makes many editors complete and check by it.
    """
    from escalation.cli.json_file import as_json, checked_output, write_json
    from escalation.schemas.json_schema import file_schema

    found = file_schema(kind)
    if output is None:
        click.echo(as_json(found), nl=False)
        return
    target = checked_output(output)
    write_json(found, target)
    click.echo(f"{target}: JSON Schema of kind {kind}")
