from pathlib import Path


def config_file(name: str) -> str:
    """The file that the command line means by ``name``.

    ``mim train mmc2f ccfr_fonts`` finds the empty file ``ccfr_fonts`` that an
    installed package keeps beside each config for this, and hands its path
    to the tool. Meant as the ``type`` of an argument of ``argparse``.

    Args:
        name: Path of a config, with its suffix or without.

    Returns:
        The path, with ``.py`` appended where it had no suffix.
    """
    return name if Path(name).suffix else f'{name}.py'
