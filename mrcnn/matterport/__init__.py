"""Matterport's functions and classes, under its names, on top of this package."""
