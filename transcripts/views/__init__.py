"""The product's pages."""
