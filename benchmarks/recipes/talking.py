"""A node script that logs many lines."""

import sys

from gangline.recipes import NodeScript


class talking(NodeScript):
    def run(self, name: str, count: str) -> int:
        for number in range(int(count)):
            self.logger.info("baseline %d of node %s: rms %.3f Jy", number, name, number * 1e-3)
        return 0


if __name__ == "__main__":
    sys.exit(talking(sys.argv[1], sys.argv[2]).run_with_logging(*sys.argv[3:]))
