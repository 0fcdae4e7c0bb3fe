"""Toy Desk: a ticket system, complete. `system` says what there is, `connector` makes tickets and
reads what people did in them, `api` calls the service; `service` plays the service itself."""
