"""Asana: requests as approval tasks of one project, answered by whoever they are assigned to."""
