"""What people and programs read: comments, events, exported files."""
