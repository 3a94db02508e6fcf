"""What a user can ask of the program: one table of actions, and the menus, keys and tips that are made from it."""
