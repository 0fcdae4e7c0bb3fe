"""The page that shows all of a request to whoever was sent a link to it."""
