"""The command line, a file per command: words in, words and exit code out. Imports every room."""
