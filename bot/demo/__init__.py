"""`countersign demo`: the main job once, by itself."""
