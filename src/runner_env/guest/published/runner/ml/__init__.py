"""The place of the model server in older contracts."""
