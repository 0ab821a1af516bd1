"""A node script that does next to nothing."""

import sys

from gangline.recipes import NodeScript


class trivial(NodeScript):
    def run(self, *args: str) -> int:
        self.logger.info("here with %d arguments", len(args))
        return 0


if __name__ == "__main__":
    sys.exit(trivial(sys.argv[1], sys.argv[2]).run_with_logging(*sys.argv[3:]))
