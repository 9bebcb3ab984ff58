"""The command line: parse, call one function, turn an error into a sentence and an exit code.

Nothing heavy is imported here or at the top of a command's file, so that ``cdp --help`` answers at once.
"""

from cdp_pipelines.cli.main import main

__all__ = ["main"]
