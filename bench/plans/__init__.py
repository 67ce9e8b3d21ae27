"""The project's own plans, one TOML file each."""
