"""What the rooms agree on: integer codes, tables, tallies. Imports numpy and nothing of ours."""
