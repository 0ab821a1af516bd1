"""A small pipeline whose only file is there already, for `gangline run`."""

from gangline.pipeline import originate


@originate("here.txt")
def make(made):
    with open(made, "w") as file:
        file.write("done\n")
