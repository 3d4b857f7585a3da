"""``python -m escalation``."""

from escalation.cli import main

main(prog_name="escalation")
