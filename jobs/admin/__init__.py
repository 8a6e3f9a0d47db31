"""The operator's console inside Django's admin: our site, its pages and what they show."""
