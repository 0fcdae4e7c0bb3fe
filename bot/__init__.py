"""The application: settings, wiring, and the places where people meet the domain."""
