"""Files of named tensors: headers first, then one tensor at a time."""
