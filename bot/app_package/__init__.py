"""The app package for Teams: manifest and icons."""
