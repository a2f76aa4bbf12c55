"""The main job on embedded parts, to be seen at once."""
