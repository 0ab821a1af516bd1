"""Small pictures of large ones: a job for each file and size."""

import os

from PIL import Image, ImageOps

from gangline.queue import DurableJob


class Thumbnail(DurableJob):
    """Makes a picture that is no larger than `size` in any direction, and enters it into the album."""

    attempts = 3
    error_time = 1
    wall_time = 60
    wall_action = "kill"

    def execute(self, image, thumbnail, size):
        self.set_source(image)
        with Image.open(image) as picture:
            small = ImageOps.exif_transpose(picture.convert("RGB"))
        small.thumbnail((size, size))
        # Whoever looks into the folder sees whole files only.
        unfinished = f"{thumbnail}.{self.id}.{self.trial}"
        small.save(unfinished, "JPEG", quality=85)
        os.replace(unfinished, thumbnail)
        # The line in the album and the end of the job are one transaction: either both are there or none.
        with self.completion(result=small.size) as album:
            album.execute(
                "CREATE TABLE IF NOT EXISTS album (thumbnail TEXT, image TEXT, width INTEGER, height INTEGER)"
            )
            album.execute("INSERT INTO album VALUES (?, ?, ?, ?)", (thumbnail, image, *small.size))
