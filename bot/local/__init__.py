"""`countersign run`: everything on this machine, for a person to click through."""
