"""The program among the desktop's applications."""
