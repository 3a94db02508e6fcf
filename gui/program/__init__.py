"""The program as the system sees it: display, log, resources, garbage."""
