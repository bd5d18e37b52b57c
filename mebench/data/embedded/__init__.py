"""Data that ships with mebench, and the program that cut it."""
