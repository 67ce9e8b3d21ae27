"""Rules that come with the project, found by their names."""
