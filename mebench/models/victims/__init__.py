"""Victims: trained by a recipe and cached, or the user's own."""
