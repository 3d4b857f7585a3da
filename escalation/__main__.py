"""``python -m escalation``."""

from escalation.cli.app import main

main(prog_name="escalation")
