"""``python -m gangline`` is the command ``gangline``."""

from gangline.cli.main import main

main()
