"""The command line in this process."""

from mobilezoo.cli import main


def run(capfd, *arguments):
    """Exit code, and what was printed on stdout and stderr."""
    code = main([str(argument) for argument in arguments])
    captured = capfd.readouterr()
    return code, captured.out, captured.err
