"""What changes a request, each inside one transaction."""
