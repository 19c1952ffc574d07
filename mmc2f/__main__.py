"""``python -m mmc2f``, the same as the command ``mmc2f``."""

from mmc2f.cli.app import main

if __name__ == '__main__':
    main()
