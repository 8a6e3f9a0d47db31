"""The product's pages and the verbs on them."""
