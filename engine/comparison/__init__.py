"""From a request to outcomes, and what a reader should know of them."""
