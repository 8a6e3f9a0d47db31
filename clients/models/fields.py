"""The fields of a client that a model may fill, and who filled each."""

from django.db import models

TEXTS = {
    "industry_primary": "Primary industry",
    "industry_secondary": "Secondary industry",
    "sub_industry": "Sub-industry",
    "business_model": "Business model",
    "geographic_focus": "Geographic focus",
}
LISTS = {
    "target_audience": "Target audience",
    "key_products": "Key products",
    "unique_selling_props": "Unique selling propositions",
    "geographic_regions": "Geographic regions",
    "brand_voice": "Brand voice",
    "customer_problems": "Customer problems",
    "use_cases": "Use cases",
    "industry_terminology": "Industry terminology",
    "regulatory_considerations": "Regulatory considerations",
}
ENRICHED = {**TEXTS, **LISTS}
MOST_IN_A_LIST = 3
MOST_COMPETITORS = 5
LONGEST = 200


class By(models.TextChoices):
    """Who filled a field; a field that nobody filled has no entry."""

    PERSON = "person", "A person"
    MODEL = "model", "AI"


class Focus(models.TextChoices):
    """How far a business reaches."""

    GLOBAL = "global", "Global"
    REGIONAL = "regional", "Regional"
    LOCAL = "local", "Local"
