"""What holds the update of a model's weights: adapters, opened from files and folders."""
