"""Telling loggers of a run: registered ones in processes of their own, objects of Python where the run is."""
