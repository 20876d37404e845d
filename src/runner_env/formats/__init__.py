"""Every file the runner stores or publishes: its versioned name, its writer, its readers."""
