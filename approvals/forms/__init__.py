"""What people type and read: fields, values, words."""
