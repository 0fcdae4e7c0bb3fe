"""E-mail: requests by mail, with a link that leads to where they are decided, and threads."""
